// A job goes on where it was: each step is one transaction with its effects, its events and its progress.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Postgres } from '../adapters/database/postgres.ts'
import { databaseClock } from '../adapters/database/postgres.ts'
import { systemRandom } from '../adapters/random.ts'
import { eventually } from '../tests/support/eventually.ts'
import { addLines, author, type Copied, copyLines, writer } from '../tests/support/fixture-service.ts'
import { fixtureDatabase, upTo } from '../tests/support/fixture-system.ts'
import { generator, seedOf } from '../tests/support/random.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { silent } from '../tests/support/silent.ts'
import { abortingAt, onTransaction } from '../tests/support/wrapped.ts'
import { cancelJob, enqueueJob, findJob, hasOpenJob, type JobRow, listJobs, startJobs } from './jobs.ts'
import type { Loop } from './loop.ts'
import type { Database } from './ports.ts'
import { Fault } from './result.ts'
import type { Context, Job } from './service.ts'

let database: TestDatabase
let authors: Postgres
before(async () => {
  database = await fixtureDatabase()
  authors = database.open('author')
})
after(() => database[Symbol.asyncDispose]())
beforeEach(() => database.query('truncate author.page, author.outbox, author.job restart identity'))

const now = new Date('2030-01-02T03:04:05Z')

const enqueue = (job: Job<Copied>): Promise<JobRow<Copied>> =>
  authors.transaction('enqueue', (tx) => {
    const asked = { requestId: 'pressed', trace: null }
    const context = { tx, actor: writer, now, ...asked, random: systemRandom, emit: () => undefined }
    return enqueueJob('author', job, context satisfies Context)
  })

const found = async (job: Job<Copied>, id: number): Promise<JobRow<Copied>> => {
  const row = await authors.transaction('find', (tx) => findJob('author', job, tx, id))
  assert.ok(row)
  return row
}

const ended = (job: Job<Copied>, id: number) =>
  eventually(`job ${id} ended`, async () => {
    const row = await found(job, id)
    return row.finishedAt !== null && row
  })

const runner = (jobs: readonly Job[], on: Database = authors) => {
  const loops = startJobs({
    database: on,
    jobs,
    clock: databaseClock,
    random: systemRandom,
    log: silent,
    committed: () => undefined,
    name: 'author',
  })
  const all = <T>(each: (loop: Loop) => Promise<T> | T) => Promise.all(loops.map((loop) => each(loop)))
  return {
    wake: () => void all((loop) => loop.wake()),
    drained: () => all((loop) => loop.drained()),
    troubles: () => loops.flatMap(({ name, trouble }) => (trouble === null ? [] : [`${name}: ${trouble}`])),
    [Symbol.asyncDispose]: async () => void (await all((loop) => loop.stop())),
  }
}

interface Effect {
  readonly text: string
  readonly line: number
  readonly requestId: string
  readonly actor: number
}

/** What the steps have said, in order. */
const effects = async (): Promise<Effect[]> =>
  database.query<Effect & Record<string, unknown>>(`
    select data->>'text' as text, (data->>'line')::int as line, request_id as "requestId", actor
    from author.outbox order by id`)

const lines = async (): Promise<number> => {
  const [row] = await database.query<{ lines: number }>('select coalesce(sum(lines), 0)::int as lines from author.page')
  return row?.lines ?? -1
}

/** Every step had its change and its event once, in order. */
const assertCopied = async (count: number): Promise<void> => {
  assert.equal(await lines(), count)
  assert.deepEqual(
    (await effects()).map(({ line }) => line),
    upTo(count),
  )
}

test('a job runs to its end: each step writes, says and counts once', async () => {
  const job = copyLines(5)
  const { id, state, startedAt } = await enqueue(job)
  assert.deepEqual([state, startedAt], ['queued', null])
  await using _runner = runner([job])
  const done = await ended(job, id)
  assert.deepEqual([done.state, done.progress, done.reason], ['done', { copied: 5 }, null])
  assert.ok(done.startedAt && done.finishedAt && done.startedAt <= done.finishedAt)
  await assertCopied(5)
})

test('what a job says carries the request and the person that asked for it', async () => {
  const job = copyLines(1)
  const { id } = await enqueue(job)
  await using _runner = runner([job])
  await ended(job, id)
  assert.deepEqual(await effects(), [{ text: 'copy 1', line: 1, requestId: 'pressed', actor: writer.id }])
  const { requestedBy, requestedAt } = await found(job, id)
  assert.deepEqual([requestedBy, requestedAt], [writer.id, now])
})

test('two runners at once, with steps that fail before and after their commit, have each effect once', async () => {
  const seed = seedOf('two runners')
  const job = copyLines(40)
  const flaky = (next: () => number): Database => {
    const aborting = abortingAt(database.open('author'), 'job.CopyLines', () =>
      next() < 0.2 ? new Fault('unavailable', 'the connection was lost before the commit') : null,
    )
    return onTransaction(aborting, 'job.CopyLines', async (run) => {
      const result = await run()
      if (next() < 0.2) throw new Fault('outcome_unknown', 'the answer to the commit was lost')
      return result
    })
  }
  const { id } = await enqueue(job)
  await using _one = runner([job], flaky(generator(seed)))
  await using _other = runner([job], flaky(generator(seed + 1)))
  const done = await ended(job, id)
  assert.deepEqual([done.state, done.progress], ['done', { copied: 40 }])
  await assertCopied(40)
})

test('after a runner that ended between two steps another goes on where it was', async () => {
  const job = copyLines(9)
  const { id } = await enqueue(job)
  let steps = 0
  const dying = onTransaction(authors, 'job.CopyLines', (run) => {
    steps += 1
    return steps > 4 ? Promise.reject(new Fault('unavailable', 'this process is gone')) : run()
  })
  {
    await using _first = runner([job], dying)
    await eventually('it fails', () => steps > 4)
  }
  const halfway = await found(job, id)
  assert.deepEqual([halfway.state, halfway.progress, halfway.finishedAt], ['running', { copied: 4 }, null])
  await assertCopied(4)
  await using _second = runner([job])
  const done = await ended(job, id)
  assert.deepEqual([done.progress, done.startedAt], [{ copied: 9 }, halfway.startedAt])
  await assertCopied(9)
})

test('a step that fails leaves nothing of its work and is done again', async () => {
  let failures = 0
  const job: Job<Copied> = {
    name: 'CopyLines',
    step: async ({ tx, emit, progress }) => {
      const copied = (progress?.copied ?? 0) + 1
      const line = await addLines(tx, 'author', 1, 1)
      emit(author.lineWritten, [{ page: 1, line, text: `copy ${copied}` }])
      if (copied === 2 && failures++ < 2) throw new Error('a bug, or chance')
      return { state: copied < 3 ? 'running' : 'done', progress: { copied } }
    },
  }
  const { id } = await enqueue(job)
  await using _runner = runner([job])
  await ended(job, id)
  assert.equal(failures, 3)
  await assertCopied(3)
})

test('a job that waits says why and goes on when it can', async () => {
  let gate: string | null = 'no ink'
  const job = copyLines(3, { until: (copied) => (copied === 1 ? gate : null) })
  const { id } = await enqueue(job)
  await using running = runner([job])
  await running.drained()
  const waiting = await found(job, id)
  assert.deepEqual([waiting.state, waiting.reason, waiting.progress], ['waiting', 'no ink', { copied: 1 }])
  assert.equal(await authors.transaction('look', (tx) => hasOpenJob('author', tx)), false)
  gate = null
  running.wake()
  const done = await ended(job, id)
  assert.deepEqual([done.state, done.reason], ['done', null])
  await assertCopied(3)
})

describe('jobs of one name', () => {
  test('run one after another, in the order in which they were asked for', async () => {
    const job = copyLines(4)
    const ids = [(await enqueue(job)).id, (await enqueue(job)).id, (await enqueue(job)).id]
    await using _one = runner([job])
    await using _other = runner([job], database.open('author'))
    let before = new Date(0)
    for (const id of ids) {
      const { startedAt, finishedAt } = await ended(job, id)
      assert.ok(startedAt && before <= startedAt, `job ${id} began before its turn`)
      before = finishedAt ?? before
    }
    assert.deepEqual(
      (await effects()).map(({ text }) => text),
      [1, 2, 3].flatMap(() => upTo(4).map((n) => `copy ${n}`)),
    )
    await assertCopied(12)
  })

  test('wait behind one that waits', async () => {
    let gate: string | null = 'no ink'
    const job = copyLines(1, { until: () => gate })
    const [first, second] = [await enqueue(job), await enqueue(job)]
    await using running = runner([job])
    await running.drained()
    assert.deepEqual([(await found(job, first.id)).state, (await found(job, second.id)).state], ['waiting', 'queued'])
    gate = null
    running.wake()
    await ended(job, second.id)
    await assertCopied(2)
  })
})

test('a job that fails for ever does not keep those of another name from running', async () => {
  const broken: Job<Copied> = { name: 'Broken', step: () => Promise.reject(new Error('a bug')) }
  const job = copyLines(3)
  const { id: brokenId } = await enqueue(broken)
  const { id } = await enqueue(job)
  await using running = runner([broken, job])
  await ended(job, id)
  assert.equal((await found(broken, brokenId)).state, 'queued')
  await eventually('its trouble', () => running.troubles().some((one) => /Broken.*a bug/.test(one)))
  assert.equal(running.troubles().length, 1)
})

describe('cancelling', () => {
  const cancel = (job: Job<Copied>, id: number) =>
    authors.transaction('cancel', (tx) => cancelJob('author', job, tx, id, now))

  test('in the middle of a step waits for it, keeps what was done, and nothing follows', async () => {
    const inStep = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const plain = copyLines(10)
    const job: Job<Copied> = {
      ...plain,
      step: async (context) => {
        const step = await plain.step(context)
        if (step.progress.copied === 3) {
          inStep.resolve()
          await goOn.promise
        }
        return step
      },
    }
    const { id } = await enqueue(job)
    await using running = runner([job])
    await inStep.promise
    const cancelling = cancel(job, id)
    goOn.resolve()
    const cancelled = await cancelling
    assert.deepEqual([cancelled?.state, cancelled?.finishedAt], ['cancelled', now])
    const { copied } = cancelled?.progress ?? { copied: 0 }
    assert.ok(copied >= 3 && copied < 10)
    await running.drained()
    assert.deepEqual((await found(job, id)).progress, { copied })
    await assertCopied(copied)
  })

  test('before the first step leaves nothing to run, and the next in the queue begins', async () => {
    const job = copyLines(2)
    const [first, second] = [await enqueue(job), await enqueue(job)]
    await cancel(job, first.id)
    await using _runner = runner([job])
    await ended(job, second.id)
    assert.equal((await found(job, first.id)).state, 'cancelled')
    await assertCopied(2)
  })

  test('a job that has ended, or that there is not, gives nothing and changes nothing', async () => {
    const job = copyLines(1)
    const { id } = await enqueue(job)
    {
      await using _runner = runner([job])
      await ended(job, id)
    }
    assert.equal(await cancel(job, id), undefined)
    assert.equal(await cancel(job, id + 1), undefined)
    assert.equal((await found(job, id)).state, 'done')
  })
})

test('jobs are listed newest first, page by page, each name apart', async () => {
  const [job, other] = [copyLines(1), copyLines(1, { name: 'Other' })]
  for (const _turn of upTo(3)) await enqueue(job)
  await enqueue(other)
  await enqueue(job)
  const list = (before: number) => authors.transaction('list', (tx) => listJobs('author', job, tx, before, 2))
  assert.deepEqual(
    (await list(2 ** 31)).map(({ id }) => id),
    [5, 3],
  )
  assert.deepEqual(
    (await list(3)).map(({ id }) => id),
    [2, 1],
  )
  assert.equal(await authors.transaction('find', (tx) => findJob('author', job, tx, 4)), undefined)
})
