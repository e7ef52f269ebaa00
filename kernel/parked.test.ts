// A parked event keeps everything, is retried late or discarded with a reason, and each decision is written down.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Postgres } from '../adapters/database/postgres.ts'
import { eventually } from '../tests/support/eventually.ts'
import { applyingOn, handMade, openPositionOf, positionOf } from '../tests/support/fixture-producer.ts'
import { archiveService, author, type Before, raise } from '../tests/support/fixture-service.ts'
import { asOperator, fixtureDatabase, keptBy, startFixture } from '../tests/support/fixture-system.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { applyRun } from './apply.ts'
import { must } from './result.ts'
import { fingerprintOf } from './parked.ts'
import { standardContract } from './standard.ts'

const archiveMethods = standardContract('archive')

let database: TestDatabase
let archive: Postgres
before(async () => {
  database = await fixtureDatabase()
  archive = database.open('archive')
})
after(() => database[Symbol.asyncDispose]())

/** A consumer that has applied 1, 2 and 4 and parked 3, because its handler refused it while `broken.now`. */
const withParked = async (more: Before = () => Promise.resolve()) => {
  const broken = { now: true }
  const { producer, consumer } = handMade({
    before: async (events, context) => {
      await more(events, context)
      if (broken.now && events.some(({ number }) => number === 3)) await raise(context.tx, '22012')
    },
  })
  await openPositionOf(archive, consumer)
  await applyRun(applyingOn(archive, consumer), producer.say(4).batch(1, 4))
  const host = await startFixture(database, { services: [archiveService([consumer])], loops: false })
  const key = { consumer: consumer.name, number: 3 }
  return {
    producer,
    consumer,
    broken,
    listed: async () => {
      const { parked } = must(await host.call(archiveMethods.getParked, {}, asOperator))
      return parked.filter((event) => event.consumer === consumer.name)
    },
    retry: (number = 3) => host.call(archiveMethods.retryParked, { ...key, number }, asOperator),
    discard: (reason = 'said by mistake') => host.call(archiveMethods.discardParked, { ...key, reason }, asOperator),
    restore: () => host.call(archiveMethods.restoreParked, key, asOperator),
    row: async () => {
      const [row] = await database.query('select * from archive.parked where consumer = $1', [consumer.name])
      assert.ok(row)
      return row
    },
    kept: () => keptBy(database, consumer.name),
    [Symbol.asyncDispose]: () => host.stop(),
  }
}

const lockWaiters = async (): Promise<number> => {
  const waiting = await database.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return waiting.length
}

test('a parked event keeps everything that was said, and why and after how many tries it was set aside', async () => {
  await using parked = await withParked()
  const { producer, consumer, row } = parked
  const said = producer.log[2]
  const { parked_at: parkedAt, number, at, ...rest } = await row()
  assert.deepEqual(rest, {
    consumer: consumer.name,
    stream: producer.stream,
    epoch: 1,
    event_id: said?.eventId,
    type: 'LineWritten',
    version: 1,
    about: '1',
    data: said?.data,
    request_id: 'request-3',
    actor: 7,
    trace: said?.trace ?? null,
    error: 'error 22012: simulated',
    fingerprint: fingerprintOf('LineWritten', 'error 22012: simulated'),
    attempts: 1,
    state: 'parked',
    decided_at: null,
    decided_by: null,
    reason: null,
  })
  assert.equal(Number(number), 3)
  assert.equal((at as Date).toISOString(), said?.at)
  assert.ok(Math.abs((parkedAt as Date).getTime() - Date.now()) < 60_000)
})

test('parked events are listed as they were said', async () => {
  await using parked = await withParked()
  const { producer, consumer } = parked
  const error = 'error 22012: simulated'
  const [event, ...others] = await parked.listed()
  assert.ok(event)
  const { parkedAt, ...said } = event
  assert.ok(Math.abs(Date.parse(parkedAt) - Date.now()) < 3_600_000)
  assert.deepEqual(others, [])
  assert.deepEqual(said, {
    ...producer.log[2],
    trace: null,
    consumer: consumer.name,
    stream: producer.stream,
    epoch: 1,
    error,
    fingerprint: fingerprintOf('LineWritten', error),
    attempts: 1,
    state: 'parked',
    reason: null,
    decidedAt: null,
    decidedBy: null,
  })
})

describe('a late retry', () => {
  test('applies the event once, after newer ones, and does not move the position', async () => {
    await using parked = await withParked()
    parked.broken.now = false
    assert.deepEqual(await parked.retry(), { ok: { result: 'applied' } })
    assert.deepEqual(await parked.kept(), [1, 2, 4, 3])
    assert.equal((await positionOf(database, parked.consumer)).number, 4)
    const { state, decided_at: decidedAt, reason } = await parked.row()
    assert.deepEqual([state, reason, decidedAt instanceof Date], ['applied', null, true])
    assert.deepEqual(await parked.listed(), [])
  })

  test('is refused the second time, and has no second effect', async () => {
    await using parked = await withParked()
    parked.broken.now = false
    await parked.retry()
    assert.equal(((await parked.retry()) as { refused?: string }).refused, 'not_parked')
    assert.deepEqual(await parked.kept(), [1, 2, 4, 3])
  })

  test('pressed twice at once applies the event once', async () => {
    await using parked = await withParked()
    parked.broken.now = false
    const outcomes = await Promise.all([parked.retry(), parked.retry(), parked.retry()])
    assert.equal(outcomes.filter((outcome) => 'ok' in outcome).length, 1)
    assert.deepEqual(await parked.kept(), [1, 2, 4, 3])
  })

  test('that fails again says how, leaves nothing of its work, and counts the try', async () => {
    await using parked = await withParked(async (events, { tx, emit }) => {
      if (events[0]?.number !== 3) return
      await sql`insert into archive.kept (consumer, number, event_id, type, page, line)
        values ('half done', 3, gen_random_uuid(), 'LineWritten', 1, 1)`.execute(tx)
      emit(author.lineWritten, [{ page: 1, line: 1, text: 'half done' }])
    })
    assert.deepEqual(await parked.retry(), { ok: { result: 'error 22012: simulated' } })
    assert.deepEqual(await keptBy(database, 'half done'), [])
    assert.deepEqual(await database.query(`select from archive.outbox where data->>'text' = 'half done'`), [])
    const { state, attempts } = await parked.row()
    assert.deepEqual([state, attempts], ['parked', 2])
  })

  test('that meets what may pass by itself is tried again, and changes nothing when it does not pass', async () => {
    let failures = 0
    const { consumer, producer } = handMade({
      before: async (events, { tx }) => {
        if (events.length === 1 && failures++ > 0) await raise(tx, '40001')
        if (events.some(({ number }) => number === 1)) await raise(tx, '22012')
      },
    })
    await openPositionOf(archive, consumer)
    await applyRun(applyingOn(archive, consumer), producer.say(1).batch(1, 1))
    await using host = await startFixture(database, { services: [archiveService([consumer])], loops: false })
    await assert.rejects(host.call(archiveMethods.retryParked, { consumer: consumer.name, number: 1 }, asOperator))
    assert.ok(failures > 2, 'it was not tried again')
    const [row] = await database.query('select state, attempts from archive.parked where consumer = $1', [
      consumer.name,
    ])
    assert.deepEqual(row, { state: 'parked', attempts: 1 })
  })

  test('tells the handler how far the stream is applied, so that it need not undo newer events', async () => {
    const seen: number[] = []
    await using parked = await withParked((_events, { applied }) => {
      seen.push(applied)
      return Promise.resolve()
    })
    parked.broken.now = false
    await parked.retry()
    assert.equal(seen.at(-1), 4)
  })

  test('of an event that is not parked is refused', async () => {
    await using parked = await withParked()
    assert.deepEqual(await parked.retry(2), { refused: 'not_parked' })
    assert.deepEqual(await parked.kept(), [1, 2, 4])
  })
})

describe('discarding', () => {
  test('sets the event aside for good, with the reason and who decided, and keeps it readable', async () => {
    await using parked = await withParked()
    assert.deepEqual(await parked.discard(), { ok: {} })
    const { state, reason, decided_at: decidedAt, data, error } = await parked.row()
    assert.deepEqual([state, reason, decidedAt instanceof Date], ['discarded', 'said by mistake', true])
    assert.deepEqual([data, error], [parked.producer.log[2]?.data, 'error 22012: simulated'])
    assert.deepEqual(await parked.listed(), [])
  })

  test('is final: neither a retry nor another reason changes it', async () => {
    await using parked = await withParked()
    await parked.discard()
    parked.broken.now = false
    assert.deepEqual(await parked.retry(), { refused: 'not_parked' })
    assert.deepEqual(await parked.discard('another reason'), { refused: 'not_parked' })
    assert.equal((await parked.row())['reason'], 'said by mistake')
    assert.deepEqual(await parked.kept(), [1, 2, 4])
  })

  test('waits for a retry in progress, and is refused when that one has applied the event', async () => {
    const discarding = Promise.withResolvers<unknown>()
    let meanwhile: () => Promise<unknown> = () => Promise.resolve()
    await using parked = await withParked(() => meanwhile().then(() => undefined))
    parked.broken.now = false
    meanwhile = async () => {
      let ended = false
      discarding.resolve(parked.discard().finally(() => (ended = true)))
      await eventually('the discard ended or waits for a lock', async () => ended || (await lockWaiters()) > 0)
    }
    assert.deepEqual(await parked.retry(), { ok: { result: 'applied' } })
    assert.deepEqual(await discarding.promise, { refused: 'not_parked' })
    assert.equal((await parked.row())['state'], 'applied')
  })

  test('wants a reason', async () => {
    await using parked = await withParked()
    const outcome = await parked.discard('')
    assert.ok('refused' in outcome && outcome.refused === 'invalid_input')
    assert.equal((await parked.row())['state'], 'parked')
  })
})

describe('errors of one kind', () => {
  const kind = (error: string, type = 'LineWritten') => fingerprintOf(type, error)

  test('have one fingerprint, whatever numbers, ids and names they quote', () => {
    const first = kind('no page 17 of "Zoo" for 0b9d1e5c-1111-4222-8333-444455556666')
    assert.equal(first, kind('no page 4 of "Garden" for 99999999-aaaa-4bbb-8ccc-ddddeeeeffff'))
    assert.match(first, /^[0-9a-f]{12}$/)
  })

  test('differ from those of another kind and of another type of event', () => {
    const error = 'no page 17'
    const prints = [kind(error), kind('no line 17'), kind(error, 'PageTurned')]
    assert.equal(new Set(prints).size, 3)
  })
})

describe('the list of parked events', () => {
  /** A consumer of its own with ten parked events of two kinds, three of them discarded. */
  const withMany = async () => {
    const { consumer } = handMade()
    await openPositionOf(archive, consumer)
    await database.query(
      `insert into archive.parked (consumer, stream, number, event_id, type, version, about, data, at, request_id, error,
         fingerprint, attempts, parked_at, state, reason)
       select $1, $2, n, gen_random_uuid(), 'LineWritten', 1, '1', '{}', now(), 'a test', 'no', 'kind ' || n % 2, 1, now(),
         case when n > 7 then 'discarded' else 'parked' end, 'a test'
       from generate_series(1, 10) n`,
      [consumer.name, consumer.stream],
    )
    const host = await startFixture(database, { services: [archiveService([consumer])], loops: false })
    const list = async (filter: Record<string, unknown> = {}) => {
      const { parked, next } = must(
        await host.call(archiveMethods.getParked, { consumer: consumer.name, ...filter }, asOperator),
      )
      return { numbers: parked.map(({ number }) => number), next }
    }
    return { list, consumer, host, [Symbol.asyncDispose]: () => host.stop() }
  }

  test('is by consumer, kind of error, state and number', async () => {
    await using many = await withMany()
    assert.deepEqual((await many.list()).numbers, [1, 2, 3, 4, 5, 6, 7])
    assert.deepEqual((await many.list({ fingerprint: 'kind 1' })).numbers, [1, 3, 5, 7])
    assert.deepEqual((await many.list({ state: 'discarded' })).numbers, [8, 9, 10])
    assert.deepEqual((await many.list({ state: 'applied' })).numbers, [])
    assert.deepEqual((await many.list({ number: 5 })).numbers, [5])
    assert.deepEqual((await many.list({ consumer: 'Nobody' })).numbers, [])
  })

  test('goes on page by page, and ends', async () => {
    await using many = await withMany()
    const pages: number[][] = []
    for (let after: string | null | undefined; after !== null && pages.length < 10;) {
      const { numbers, next } = await many.list({ limit: 3, ...(after ? { after } : {}) })
      pages.push(numbers)
      after = next
    }
    assert.deepEqual(pages, [[1, 2, 3], [4, 5, 6], [7]])
  })
})

describe('several at once', () => {
  test('are applied each for itself: one that fails again, or that is not there, keeps no other from it', async () => {
    const bad = new Set([2, 3, 5])
    const { producer, consumer } = handMade({
      before: async (events, { tx }) => {
        if (events.some(({ number }) => bad.has(number))) await raise(tx, '22012')
      },
    })
    await openPositionOf(archive, consumer)
    await applyRun(applyingOn(archive, consumer), producer.say(6).batch(1, 6))
    await using host = await startFixture(database, { services: [archiveService([consumer])], loops: false })
    bad.delete(2)
    bad.delete(5)
    const asked = { consumer: consumer.name, numbers: [2, 3, 4, 5, 5] }
    const { results } = must(await host.call(archiveMethods.retryParkedEvents, asked, asOperator))
    assert.deepEqual(results, [
      { number: 2, result: 'applied' },
      { number: 3, result: 'error 22012: simulated' },
      { number: 4, result: 'absent' },
      { number: 5, result: 'applied' },
    ])
    assert.deepEqual(await keptBy(database, consumer.name), [1, 4, 6, 2, 5])
    const nobody = { ...asked, consumer: 'Nobody' }
    assert.deepEqual(await host.call(archiveMethods.retryParkedEvents, nobody, asOperator), {
      refused: 'consumer_not_found',
    })
  })
})

test('a discarded event is restored with who did it and when, and why it was discarded stays', async () => {
  await using parked = await withParked()
  const { consumer } = parked
  await parked.discard()
  const restore = () => parked.restore()
  assert.deepEqual(await restore(), { ok: {} })
  const [event] = await parked.listed()
  assert.ok(event?.decidedAt)
  assert.deepEqual([event.number, event.state, event.reason, event.decidedBy], [3, 'parked', 'said by mistake', null])
  assert.deepEqual(await restore(), { refused: 'not_discarded' })
  parked.broken.now = false
  assert.deepEqual(await parked.retry(), { ok: { result: 'applied' } })
  assert.deepEqual(await keptBy(database, consumer.name), [1, 2, 4, 3])
})
