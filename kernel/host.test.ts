// A host runs services in one process, tells whether they are healthy and settled, and stops without losing anything.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { localBus } from '../adapters/bus/local.ts'
import { eventually } from '../tests/support/eventually.ts'
import { archiveService, author, authorService, copyLines, keepLines } from '../tests/support/fixture-service.ts'
import {
  asOperator,
  assertCounts,
  asWriter,
  fixtureDatabase,
  fixtureHost,
  keptBy,
  startFixture,
  upTo,
  write,
} from '../tests/support/fixture-system.ts'
import { generator, seedOf } from '../tests/support/random.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { onPublish, onTransaction } from '../tests/support/wrapped.ts'
import { type Host, startHost } from './host.ts'
import type { Bus } from './ports.ts'
import { Fault, must } from './result.ts'
import { standardContract } from './standard.ts'

let database: TestDatabase
before(async () => {
  database = await fixtureDatabase()
})
after(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  await database.query(`truncate author.page, author.outbox, author.event, author.job,
    archive.kept, archive.position, archive.parked restart identity`)
  await database.query('update author.stream set published = 0, head = 0, head_event_id = null')
})

const archiveMethods = standardContract('archive')

const setConsumer = (host: Host, state: 'running' | 'paused') =>
  host.call(archiveMethods.setConsumerState, { consumer: 'KeepLines', state, reason: 'a test' }, asOperator)

/** Holds each write up until it is let go. */
const slowWriting = () => {
  const begun = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const service = authorService({
    meanwhile: () => {
      begun.resolve()
      return goOn.promise
    },
  })
  return { service, begun: begun.promise, goOn: () => goOn.resolve() }
}

test('what is committed in one service is applied in the other', async () => {
  await using host = await startFixture(database)
  await write(host, 1, 'a', 'b')
  await write(host, 2, 'c')
  await host.settle()
  assert.deepEqual(await keptBy(database), [1, 2, 3])
  assert.deepEqual((await host.health()).troubles, {})
})

test('a host without loops calls, and leaves the rest to others', async () => {
  {
    await using tool = await startFixture(database, { loops: false })
    await write(tool, 1, 'a')
    await assert.rejects(tool.settle(50), /not settled: the outbox of author$/)
  }
  await using host = await startFixture(database)
  await host.settle()
  assert.deepEqual(await keptBy(database), [1])
})

describe('stopping', () => {
  test('waits for the calls in progress, and what they committed is applied after the next start', async () => {
    const { service, begun, goOn } = slowWriting()
    const { parts, close } = fixtureHost(database, { services: [service], loops: false })
    const host = await startHost(parts)
    const order: string[] = []
    const writing = write(host, 1, 'a').finally(() => order.push('written'))
    await begun
    const stopping = host.stop().finally(() => order.push('stopped'))
    await turn()
    goOn()
    await Promise.all([writing, stopping])
    assert.deepEqual(order, ['written', 'stopped'])
    await close()
    await using next = await startFixture(database)
    await next.settle()
    assert.deepEqual(await keptBy(database), [1])
  })

  test('takes no notice of calls that failed', async () => {
    const service = authorService({ meanwhile: () => Promise.reject(new Error('a bug')) })
    const host = await startFixture(database, { services: [service] })
    const writing = assert.rejects(write(host, 1, 'a'))
    await host.stop()
    await writing
  })

  test('in the middle of work, again and again, loses nothing and repeats nothing', async () => {
    const next = generator(seedOf('stops amid work'))
    const acknowledged = new Map<number, number>()
    const copying = copyLines(25)
    const services = () => [authorService({ job: copying }), archiveService()]
    const writeUntil = async (host: Host, page: number, stopped: () => boolean) => {
      while (!stopped()) acknowledged.set(page, await write(host, page, 'x', 'y'))
    }
    for (const round of upTo(4)) {
      const host = await startFixture(database, { services: services() })
      if (round === 1) must(await host.call(author.startCopying, {}, asWriter()))
      let stopping = false
      const writers = upTo(4).map((writer) => writeUntil(host, 1 + writer, () => stopping))
      const enough = Math.floor(next() * 60)
      await eventually('some were kept', async () => (await keptBy(database)).length > enough)
      stopping = true
      await host.stop()
      await Promise.all(writers)
    }
    await using host = await startFixture(database, { services: services() })
    await host.settle()
    const pages = await database.query<{ page: number; lines: number }>(
      'select page, lines from author.page where page > 1',
    )
    assert.deepEqual(new Map(pages.map(({ page, lines }) => [page, lines])), acknowledged)
    const [row] = await database.query<{ head: number }>('select head::int from author.stream')
    assertCounts(await keptBy(database), row?.head ?? -1)
    assert.deepEqual(await database.query('select lines from author.page where page = 1'), [{ lines: 25 }])
  })

  test('may be asked twice', async () => {
    const host = await startFixture(database)
    await Promise.all([host.stop(), host.stop()])
  })
})

describe('settling', () => {
  test('says which consumer is behind, and by how much', async () => {
    await using host = await startFixture(database)
    await host.settle()
    await setConsumer(host, 'paused')
    await write(host, 1, 'a', 'b')
    await assert.rejects(host.settle(300), /not settled: KeepLines at 0 of 2 in author/)
    await setConsumer(host, 'running')
    await host.settle()
    assert.deepEqual(await keptBy(database), [1, 2])
  })

  test('says that events have no number yet, and why', async () => {
    const full = () => Promise.reject(new Fault('unavailable', 'no disk'))
    await using host = await startFixture(database, {
      decorate: (inner) => (inner.schema === 'author' ? onTransaction(inner, 'relay.number', full) : inner),
    })
    await write(host, 1, 'a')
    await assert.rejects(
      host.settle(300),
      /not settled: the outbox of author; no rest: relay author \(Fault: no disk\)$/,
    )
    assert.deepEqual((await host.health()).troubles, { 'relay author': 'Fault: no disk' })
  })

  test('says which job is open', async () => {
    const job = { ...copyLines(1), step: () => Promise.reject(new Error('no ink')) }
    await using host = await startFixture(database, { services: [authorService({ job })] })
    must(await host.call(author.startCopying, {}, asWriter()))
    await assert.rejects(host.settle(300), /not settled: a job of author; .*no ink/)
  })

  test('waits for a job that can go on, and not for one that waits, nor for those behind it', async () => {
    let gate: string | null = 'no ink'
    const job = copyLines(12, { until: (copied) => (copied === 7 ? gate : null) })
    await using host = await startFixture(database, { services: [authorService({ job }), archiveService()] })
    for (const _press of upTo(2)) must(await host.call(author.startCopying, {}, asWriter()))
    await host.settle()
    assert.deepEqual(await keptBy(database), upTo(7))
    gate = null
    await host.settle()
    assertCounts(await keptBy(database), 24)
  })

  test('says what hangs, when nothing comes back', async () => {
    const release = Promise.withResolvers<void>()
    const bus = onPublish(localBus(), () => release.promise)
    await using host = await startFixture(database, { bus })
    await using _ = { [Symbol.asyncDispose]: () => Promise.resolve(release.resolve()) }
    await assert.rejects(host.settle(300), /not settled: .*no rest: relay author/)
  })
})

describe('health', () => {
  test('names each part that is in trouble, and is ready as long as the databases answer', async () => {
    const lost = new Fault('unavailable', 'no ink')
    const consumer = keepLines({ before: () => Promise.reject(lost) })
    await using host = await startFixture(database, { services: [authorService(), archiveService([consumer])] })
    await write(host, 1, 'a')
    const { ready, troubles } = await eventually('a trouble', async () => {
      const health = await host.health()
      return Object.keys(health.troubles).length > 0 && health
    })
    assert.equal(ready, true)
    assert.deepEqual(Object.keys(troubles), ['consumer KeepLines of author'])
    assert.match(Object.values(troubles).join(), /no ink/)
  })

  test('is not ready while a database does not answer', async () => {
    let away = false
    await using host = await startFixture(database, {
      decorate: (inner) =>
        onTransaction(inner, 'health', (run) =>
          away && inner.schema === 'archive' ? Promise.reject(new Fault('unavailable', 'gone')) : run(),
        ),
    })
    assert.deepEqual(await host.health(), { ready: true, troubles: {} })
    away = true
    const { ready, troubles } = await host.health()
    assert.equal(ready, false)
    assert.match(troubles['database of archive'] ?? '', /gone/)
  })
})

/** The timers that were set since and have neither fired nor been cleared. */
const pendingTimers = (context: TestContext) => {
  const pending = new Set<unknown>()
  const { setTimeout: set, clearTimeout: clear } = globalThis
  context.mock.method(globalThis, 'setTimeout', (run: () => void, ms?: number) => {
    const timer = set(() => {
      pending.delete(timer)
      run()
    }, ms)
    pending.add(timer)
    return timer
  })
  context.mock.method(globalThis, 'clearTimeout', (timer: NodeJS.Timeout) => {
    pending.delete(timer)
    clear(timer)
  })
  return pending
}

test('a start that fails ends what it has begun', async (context) => {
  const timers = pendingTimers(context)
  const relaying = Promise.withResolvers<void>()
  const bus: Bus = {
    ...onPublish(localBus(), () => Promise.resolve(relaying.resolve())),
    subscribe: async () => {
      await relaying.promise
      throw new Fault('unavailable', 'no broker')
    },
  }
  await assert.rejects(startFixture(database, { bus }), /no broker/)
  assert.equal(timers.size, 0, 'a loop still waits for its next pass')
})
