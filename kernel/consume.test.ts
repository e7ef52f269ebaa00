// A consumer applies each event of a stream once and in order, whatever the bus does; what is missing is noticed,
// fetched and said; and a history that is not the one it knows is refused.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { localBus } from '../adapters/bus/local.ts'
import type { Postgres } from '../adapters/database/postgres.ts'
import { elapsing } from '../tests/support/elapsing.ts'
import { eventually } from '../tests/support/eventually.ts'
import { auditLog, saying } from '../tests/support/fixture-log.ts'
import {
  applyingOn,
  handMade,
  type HandMadeProducer,
  lineEvent,
  parkedBy,
  positionOf,
  readFrom,
} from '../tests/support/fixture-producer.ts'
import { keepLines, newerAuthor } from '../tests/support/fixture-service.ts'
import { assertCounts, fixtureDatabase, keptBy, upTo } from '../tests/support/fixture-system.ts'
import { generator, seedOf } from '../tests/support/random.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { silent } from '../tests/support/silent.ts'
import { lossyBus, onTransaction } from '../tests/support/wrapped.ts'
import { type ReaderOptions, type ReadLog, startReader } from './consume.ts'
import { setPositionState } from './position.ts'
import type { Database } from './ports.ts'
import { Fault } from './result.ts'
import type { Consumer } from './service.ts'
import { type EventBatch, readLog, startRelay } from './stream.ts'

let database: TestDatabase
let archive: Postgres
before(async () => {
  database = await fixtureDatabase()
  archive = database.open('archive')
})
after(() => database[Symbol.asyncDispose]())

const kept = ({ name }: Consumer) => keptBy(database, name)

/** Waits until the consumer has applied up to this number. */
const reached = (consumer: Consumer, number: number) =>
  eventually(`${consumer.name} at ${number}`, async () => (await positionOf(database, consumer)).number >= number)

/** The bus is all there is: the log is asked once, at the start, and the reader is patient. */
const patient = { graceMs: 60_000, silenceMs: 60_000 }

describe('what the bus brings', () => {
  test('is applied in order, and the position moves with it', async () => {
    const { producer, consumer } = handMade()
    await using reading = await readFrom({ producer, consumer }, archive, patient)
    await reading.drained()
    producer.say(5)
    await reading.say(producer.batch(1, 2), producer.batch(3, 5))
    await reached(consumer, 5)
    assert.deepEqual(await kept(consumer), upTo(5))
    const { number, eventId, state } = await positionOf(database, consumer)
    assert.deepEqual([number, eventId, state], [5, producer.log[4]?.eventId, 'running'])
    assert.equal(reading.undelivered(), null)
  })

  const orders: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
    'overlapping batches': [
      [1, 4],
      [3, 6],
      [2, 9],
      [9, 10],
    ],
    'repeated batches': [
      [1, 5],
      [1, 5],
      [6, 10],
      [1, 5],
      [6, 10],
    ],
    'reordered batches': [
      [9, 10],
      [4, 6],
      [7, 8],
      [1, 3],
    ],
    'single events backwards': upTo(10).map((number) => [11 - number, 11 - number] as const),
    'everything at once after parts of it': [
      [2, 3],
      [5, 7],
      [1, 10],
    ],
  }
  for (const [name, ranges] of Object.entries(orders)) {
    test(`${name} have each effect once and in order`, async () => {
      const { producer, consumer } = handMade()
      await using reading = await readFrom({ producer, consumer }, archive, patient)
      await reading.drained()
      producer.say(10)
      await reading.say(...ranges.map(([from, to]) => producer.batch(from, to)))
      await reached(consumer, 10)
      assert.deepEqual(await kept(consumer), upTo(10))
      assert.equal(producer.asked.length, 1, 'the log was asked although the bus brought everything')
    })
  }

  test('is not needed for what the log had before: a new consumer begins at 1', async () => {
    const { producer, consumer } = handMade()
    producer.say(4_500)
    await using reading = await readFrom({ producer, consumer }, archive, patient)
    await reading.drained()
    assertCounts(await kept(consumer), 4_500)
  })

  test('is held only up to a limit, and what does not fit is fetched', async () => {
    const { producer, consumer } = handMade()
    await using reading = await readFrom({ producer, consumer }, archive, patient)
    await reading.drained()
    producer.say(12_000)
    // The first event is missing, so that everything is held.
    await reading.say(...upTo(6).map((part) => producer.batch(2_000 * part - 1_998, 2_000 * part)))
    await reached(consumer, 12_000)
    assertCounts(await kept(consumer), 12_000)
  })
})

describe('what the bus does not bring', () => {
  test('leaves a gap, which is fetched from the log after the grace, and not before', async () => {
    const { producer, consumer } = handMade()
    await using reading = await readFrom({ producer, consumer }, archive, { graceMs: 300, silenceMs: 60_000 })
    await reading.drained()
    producer.say(6)
    const began = performance.now()
    await reading.say(producer.batch(1, 2), producer.batch(5, 6))
    await reached(consumer, 6)
    assert.deepEqual(await kept(consumer), upTo(6))
    assert.equal(producer.asked.length, 2)
    assert.ok((producer.asked[1] ?? 0) - began >= 300, 'asked before the grace was over')
  })

  test('is seen by the heartbeat when it was the last event', async () => {
    const { producer, consumer } = handMade()
    await using reading = await readFrom({ producer, consumer }, archive, { graceMs: 50, silenceMs: 60_000 })
    producer.say(3)
    await reading.drained()
    producer.say(2)
    await reading.say(producer.heartbeat())
    await reached(consumer, 5)
    assert.deepEqual(await kept(consumer), upTo(5))
  })

  test('is seen by asking the producer when it falls silent', async () => {
    const { producer, consumer } = handMade()
    await using reading = await readFrom({ producer, consumer }, archive, { graceMs: 50, silenceMs: 100 })
    producer.say(3)
    await reading.drained()
    producer.say(2)
    await reached(consumer, 5)
    assert.deepEqual(await kept(consumer), upTo(5))
  })

  test('is said with the reason while the producer cannot be reached, and no longer when it was healed', async () => {
    const { producer, consumer } = handMade()
    await using reading = await readFrom({ producer, consumer }, archive, { graceMs: 50, silenceMs: 60_000 })
    producer.say(3)
    await reading.drained()
    assert.equal(reading.undelivered(), null)
    producer.say(4)
    producer.unreachable = new Fault('unavailable', 'no way to it')
    await reading.say(producer.heartbeat())
    const overdue = await eventually('an undelivered event', () => {
      const seen = reading.undelivered()
      return seen?.reason.startsWith('producer unreachable') && seen
    })
    const { consumer: whose, stream, after: position, head, reason } = overdue
    assert.deepEqual([whose, stream, position, head], [consumer.name, producer.stream, 3, 7])
    assert.match(reason, /no way to it/)
    assert.ok(overdue.forMs >= 50)
    producer.unreachable = null
    await reached(consumer, 7)
    await reading.drained()
    assert.equal(reading.undelivered(), null)
    assert.deepEqual(await kept(consumer), upTo(7))
  })

  test('is taken from the bus when that brings it after all, while the producer cannot be reached', async (t) => {
    const elapse = elapsing(t)
    const { producer, consumer } = handMade()
    /** Each try takes a while, and the pause after it is over when the next one begins. */
    const readLog: ReadLog = (...asked) => {
      elapse(1_000)
      return producer.readLog(...asked)
    }
    await using reading = await readFrom({ producer, consumer }, archive, { graceMs: 50, silenceMs: 60_000, readLog })
    producer.say(3)
    await reading.drained()
    producer.say(4)
    producer.unreachable = new Fault('unavailable', 'no way to it')
    await reading.say(producer.heartbeat())
    await eventually('the log to be asked in vain', () => producer.asked.length >= 2)
    await reading.say(producer.batch(4, 7))
    await reached(consumer, 7)
    await eventually('nothing to be undelivered', () => reading.undelivered() === null)
    assert.deepEqual(await kept(consumer), upTo(7))
  })

  test('is not said before the grace is over', async () => {
    const { producer, consumer } = handMade()
    await using reading = await readFrom({ producer, consumer }, archive, patient)
    await reading.drained()
    producer.say(5)
    await reading.say(producer.batch(4, 5))
    reading.reader.wake()
    assert.equal(reading.undelivered(), null)
    assert.deepEqual(await kept(consumer), [])
  })
})

describe('two who read for one consumer', () => {
  test('apply each event once, when both get everything at once', async () => {
    const { producer, consumer } = handMade()
    const bus = localBus()
    await using one = await readFrom({ producer, consumer }, archive, { ...patient, bus })
    await using other = await readFrom({ producer, consumer }, database.open('archive'), { ...patient, bus })
    await Promise.all([one.drained(), other.drained()])
    producer.say(200)
    for (const number of upTo(200)) await one.say(producer.batch(number, number))
    await reached(consumer, 200)
    await Promise.all([one.drained(), other.drained()])
    assertCounts(await kept(consumer), 200)
    assert.deepEqual([one.undelivered(), other.undelivered()], [null, null])
  })

  test('share the work: what one has applied the other does not miss', async () => {
    const { producer, consumer } = handMade()
    await using one = await readFrom({ producer, consumer }, archive, { graceMs: 50, silenceMs: 60_000 })
    await using other = await readFrom({ producer, consumer }, database.open('archive'), {
      graceMs: 50,
      silenceMs: 60_000,
    })
    await Promise.all([one.drained(), other.drained()])
    producer.say(6)
    await one.say(producer.batch(1, 3))
    await reached(consumer, 3)
    await other.say(producer.batch(4, 6))
    await reached(consumer, 6)
    await one.say(producer.heartbeat())
    await Promise.all([one.drained(), other.drained()])
    assert.deepEqual(await kept(consumer), upTo(6))
    assert.deepEqual([one.undelivered(), other.undelivered()], [null, null])
  })
})

interface Fork {
  /** What reaches a consumer that has applied 1 to 5, of a producer that was set back to 3. */
  readonly said: (producer: HandMadeProducer) => readonly EventBatch[]
  readonly options?: Partial<ReaderOptions>
}

const forks: Readonly<Record<string, Fork>> = {
  'the next batch follows another event': { said: (producer) => [producer.say(5).batch(6, 8)] },
  'a batch that overlaps has other events': { said: (producer) => [producer.say(5).batch(4, 7)] },
  'a batch that ends at the position has another last event': { said: (producer) => [producer.say(2).batch(4, 5)] },
  'a heartbeat names another event at the position': { said: (producer) => [producer.say(2).heartbeat()] },
  'a heartbeat says a head before the position': { said: (producer) => [producer.heartbeat()] },
  'what is fetched for a gap follows another event': {
    said: (producer) => [producer.say(9).batch(10, 12)],
    options: { graceMs: 50 },
  },
  'the log has another event at the position': {
    said: (producer) => {
      producer.say(2)
      return []
    },
    options: { silenceMs: 100 },
  },
  'the log ends before the position': { said: () => [], options: { silenceMs: 100 } },
}

describe('a producer that was set back', () => {
  for (const [how, { said, options }] of Object.entries(forks)) {
    test(`is refused when ${how}`, async () => {
      const { producer, consumer } = handMade()
      producer.say(5)
      const eventId = producer.log[4]?.eventId
      await using reading = await readFrom({ producer, consumer }, archive, { ...patient, ...options })
      await reading.drained()
      assert.deepEqual(await kept(consumer), upTo(5))
      await reading.say(...said(producer.rewind(3)))
      await eventually('a fork', async () => (await positionOf(database, consumer)).state === 'forked')
      // Neither what follows nor asking again makes it go on: a person decides.
      await reading.say(producer.say(4).batch(1, producer.head), producer.heartbeat())
      await reading.drained()
      const position = await positionOf(database, consumer)
      assert.deepEqual([position.state, position.number, position.eventId], ['forked', 5, eventId])
      assert.deepEqual(await kept(consumer), upTo(5))
      assert.deepEqual(await parkedBy(database, consumer), [])
      assert.equal(reading.undelivered()?.reason, position.reason)
      assert.match(position.reason ?? '', /event 5|before what was applied/)
    })
  }

  test('is refused by each replica of the consumer, whichever noticed', async () => {
    const { producer, consumer } = handMade()
    producer.say(5)
    await using one = await readFrom({ producer, consumer }, archive, patient)
    await using other = await readFrom({ producer, consumer }, database.open('archive'), patient)
    await Promise.all([one.drained(), other.drained()])
    producer.rewind(3).say(6)
    await one.say(producer.batch(6, 9))
    await eventually('a fork', async () => (await positionOf(database, consumer)).state === 'forked')
    await other.say(producer.batch(4, 9))
    await other.drained()
    assert.deepEqual(await kept(consumer), upTo(5))
    assert.match(other.undelivered()?.reason ?? '', /event 5/)
  })
})

describe('a producer that was not set back', () => {
  test('is believed when an old heartbeat comes late', async () => {
    const { producer, consumer } = handMade()
    await using reading = await readFrom({ producer, consumer }, archive, patient)
    const early = producer.say(2).heartbeat()
    producer.say(3)
    await reading.drained()
    await reading.say(early)
    await reading.drained()
    producer.say(1)
    await reading.say(producer.batch(6, 6), early)
    await reached(consumer, 6)
    assert.equal((await positionOf(database, consumer)).state, 'running')
    assert.deepEqual(await kept(consumer), upTo(6))
  })

  test('is believed when another replica moved the position between its answer and its use', async () => {
    const { producer, consumer } = handMade()
    producer.say(3)
    const answered = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    await using slow = await readFrom({ producer, consumer }, archive, {
      ...patient,
      readLog: async (...asked) => {
        const answer = await producer.readLog(...asked)
        answered.resolve()
        await goOn.promise
        return answer
      },
    })
    await answered.promise
    await using quick = await readFrom({ producer, consumer }, database.open('archive'), patient)
    producer.say(4)
    await quick.drained()
    assert.deepEqual(await kept(consumer), upTo(7))
    goOn.resolve()
    await slow.drained()
    assert.equal((await positionOf(database, consumer)).state, 'running')
    assert.deepEqual(await kept(consumer), upTo(7))
  })
})

test('a batch in between that does not follow from what came before it is not applied: the log has the right one', async () => {
  const { producer, consumer } = handMade()
  await using reading = await readFrom({ producer, consumer }, archive, patient)
  await reading.drained()
  producer.say(9)
  const foreign = [lineEvent(4, 'foreign', 9), lineEvent(5, 'foreign', 9)]
  const before = lineEvent(3, 'foreign', 9).eventId
  // Number 1 comes last, so that everything is there before anything can be applied.
  await reading.say(producer.batch(2, 3), { ...producer.batch(4, 5), predecessor: before, events: foreign })
  await reading.say(producer.batch(6, 9), producer.batch(1, 1))
  await reached(consumer, 9)
  assert.equal((await positionOf(database, consumer)).state, 'running')
  assert.deepEqual(await kept(consumer), upTo(9))
  const foreigners = await database.query(`select from archive.kept where consumer = $1 and text = 'foreign'`, [
    consumer.name,
  ])
  assert.equal(foreigners.length, 0)
})

describe('an event in a version that the consumer does not know', () => {
  const inVersion2 = (producer: HandMadeProducer) => {
    const last = producer.log.pop()
    assert.ok(last)
    producer.log.push({ ...last, version: 2, data: { ...(last.data as object), ink: 'green' } })
  }
  const newer = (consumer: Consumer) =>
    keepLines({ name: consumer.name, stream: consumer.stream, lineWritten: newerAuthor.lineWritten })

  test('waits, with the reason, and holds up what comes after it; it is never parked', async () => {
    const { producer, consumer } = handMade()
    await using reading = await readFrom({ producer, consumer }, archive, { ...patient, graceMs: 50 })
    inVersion2(producer.say(3))
    producer.say(2)
    const overdue = await eventually('a waiting event', () => {
      const seen = reading.undelivered()
      return seen?.reason.startsWith('waiting') && seen
    })
    assert.match(overdue.reason, /LineWritten 2/)
    assert.equal(overdue.after, 2)
    await reading.drained()
    assert.deepEqual(await kept(consumer), [1, 2])
    assert.deepEqual(await parkedBy(database, consumer), [])
    assert.equal((await positionOf(database, consumer)).state, 'running')
  })

  test('goes on when a newer replica takes over, and the older one goes on after that', async () => {
    const { producer, consumer } = handMade()
    await using older = await readFrom({ producer, consumer }, archive, { ...patient, graceMs: 50 })
    inVersion2(producer.say(3))
    producer.say(2)
    await older.drained()
    assert.deepEqual(await kept(consumer), [1, 2])
    {
      await using replica = await readFrom({ producer, consumer: newer(consumer) }, database.open('archive'), patient)
      await replica.drained()
      assert.deepEqual(await kept(consumer), upTo(5))
    }
    await older.drained()
    assert.equal(older.undelivered(), null)
    producer.say(1)
    await older.say(producer.batch(6, 6))
    await reached(consumer, 6)
    assert.deepEqual(await kept(consumer), upTo(6))
  })

  test('is no matter when the consumer does not listen to its type', async () => {
    const { producer, consumer } = handMade()
    await using reading = await readFrom({ producer, consumer }, archive, patient)
    producer.say(3)
    producer.log = producer.log.map((event) =>
      event.number === 2 ? { ...event, type: 'PageBound', version: 9 } : event,
    )
    await reading.drained()
    assert.deepEqual(await kept(consumer), [1, 3])
    assert.equal((await positionOf(database, consumer)).number, 3)
  })
})

test('a paused consumer applies nothing, says so, and goes on where it was', async () => {
  const { producer, consumer } = handMade()
  await using reading = await readFrom({ producer, consumer }, archive, patient)
  producer.say(2)
  await reading.drained()
  const set = (state: 'paused' | 'running', reason: string | null) =>
    archive.transaction('set', (tx) =>
      setPositionState(tx, { schema: 'archive', consumer: consumer.name, stream: consumer.stream }, state, reason),
    )
  await set('paused', 'the archive is being painted')
  producer.say(2)
  await reading.say(producer.batch(3, 4))
  await reading.drained()
  assert.deepEqual(await kept(consumer), [1, 2])
  assert.equal(reading.undelivered()?.reason, 'the archive is being painted')
  await set('running', null)
  await reading.drained()
  assert.deepEqual(await kept(consumer), upTo(4))
  assert.equal(reading.undelivered(), null)
})

describe('when the database fails', () => {
  test('an apply whose commit was answered by nobody has its effects once', async () => {
    const { producer, consumer } = handMade()
    let lost = 0
    const losing = onTransaction(archive, `apply.${consumer.name}`, async (run) => {
      const result = await run()
      if (lost++ < 2) throw new Fault('outcome_unknown', 'the answer was lost')
      return result
    })
    await using reading = await readFrom({ producer, consumer }, losing, patient)
    producer.say(3)
    await reading.drained()
    producer.say(3)
    await reading.say(producer.batch(4, 6))
    await reached(consumer, 6)
    await reading.drained()
    assert.ok(lost > 2)
    assert.deepEqual(await kept(consumer), upTo(6))
    assert.deepEqual(await parkedBy(database, consumer), [])
  })

  test('a session that is ended in the middle of an apply leaves nothing of it, and the batch is applied again', async () => {
    let ends = 0
    const { producer, consumer } = handMade({
      before: async (_events, { tx }) => {
        if (ends++ > 1) return
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
        await database.query('select pg_terminate_backend($1)', [rows[0]?.pid])
      },
    })
    await using reading = await readFrom({ producer, consumer }, archive, patient)
    producer.say(4)
    await reached(consumer, 4)
    assert.ok(ends > 2)
    assert.deepEqual(await kept(consumer), upTo(4))
    assert.deepEqual(await parkedBy(database, consumer), [])
    await reading.drained()
    assert.equal(reading.undelivered(), null)
  })
})

describe('over a bus that loses a fifth, repeats a fifth, cuts and shuffles', () => {
  const authorLog = (author: Database) => (stream: string, from: number, limit: number) =>
    author.transaction('read', (tx) => readLog(tx, 'author', stream, from, limit))

  test('every event has its effects once and in order, for each consumer and with two replicas of one', async () => {
    const seed = seedOf('lossy bus')
    const next = generator(seed)
    const author = database.open('author')
    const straight = localBus()
    const startOne = (name: string, number: number, on: Database) =>
      startReader({
        ...applyingOn(on, keepLines({ name })),
        bus: lossyBus(straight, seed + number),
        readLog: authorLog(author),
        graceMs: 100,
        silenceMs: 60_000,
      })
    const relays = [author, database.open('author')].map((on) =>
      startRelay({ database: on, stream: 'author', bus: straight, log: silent }),
    )
    const readers = [
      await startOne('KeepLines', 1, archive),
      await startOne('KeepLines', 2, database.open('archive')),
      await startOne('KeepToo', 3, archive),
    ]
    for (const turn of upTo(150)) {
      await saying(author, 1 + (turn % 3), ...upTo(1 + Math.floor(next() * 3)).map(String))
      relays[Math.floor(next() * 2)]?.wake()
    }
    const log = await eventually('everything numbered', async () => {
      const [row] = await database.query<{ left: number }>('select count(*)::int as left from author.outbox')
      return row?.left === 0 && auditLog(database)
    })
    for (const name of ['KeepLines', 'KeepToo']) {
      await eventually(
        `${name} has everything`,
        async () => (await keptBy(database, name)).length >= log.length,
        20_000,
      )
    }
    for (const loop of [...relays, ...readers]) await loop.stop()
    for (const name of ['KeepLines', 'KeepToo']) {
      assertCounts(await keptBy(database, name), log.length)
      assert.equal((await positionOf(database, keepLines({ name }))).state, 'running')
    }
  })
})
