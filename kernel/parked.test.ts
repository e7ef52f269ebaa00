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
    event_id: said?.eventId,
    type: 'LineWritten',
    version: 1,
    about: '1',
    data: said?.data,
    request_id: 'request-3',
    actor: 7,
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
  assert.deepEqual(await parked.listed(), [
    {
      ...producer.log[2],
      consumer: consumer.name,
      stream: producer.stream,
      error,
      fingerprint: fingerprintOf('LineWritten', error),
      attempts: 1,
    },
  ])
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
