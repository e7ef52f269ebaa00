// After a producer's database was restored: what the bus says is a hint, only the log stops a consumer, only a person
// lets it go on, and nothing of a lost history is applied in the other one.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Postgres } from '../adapters/database/postgres.ts'
import { eventually } from '../tests/support/eventually.ts'
import {
  applyingOn,
  handMade,
  type HandMadeProducer,
  lineEvent,
  parkedBy,
  positionOf,
  readFrom,
} from '../tests/support/fixture-producer.ts'
import { fixtureDatabase, keptBy, upTo } from '../tests/support/fixture-system.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { type Acceptance, acceptHistory, beginEpoch, epochsOf } from './history.ts'
import type { Consumer, KnowsApplied } from './service.ts'
import type { EventBatch } from './stream.ts'

let database: TestDatabase
let archive: Postgres
before(async () => {
  database = await fixtureDatabase()
  archive = database.open('archive')
})
after(() => database[Symbol.asyncDispose]())

/** The bus is all there is: the log is asked once, at the start, and the reader is patient. */
const patient = { graceMs: 60_000, silenceMs: 60_000 }
const kept = ({ name }: Consumer) => keptBy(database, name)
const at = (consumer: Consumer, number: number) =>
  eventually(`${consumer.name} at ${number}`, async () => (await positionOf(database, consumer)).number === number)
const forked = (consumer: Consumer) =>
  eventually('a fork', async () => (await positionOf(database, consumer)).state === 'forked')
const epochOf = async ({ name }: Consumer) =>
  (await database.query<{ epoch: number }>('select epoch from archive.position where consumer = $1', [name]))[0]?.epoch

/** What was kept, with the text that tells the histories apart. */
const texts = async ({ name }: Consumer): Promise<string[]> => {
  const rows = await database.query<{ said: string }>(
    `select number || ' ' || text as said from archive.kept where consumer = $1 order by id`,
    [name],
  )
  return rows.map(({ said }) => said)
}

/** A consumer that can say by its own table what it has applied. */
const knowing = (name: () => string): KnowsApplied => ({
  goesOn: 'after what is known',
  known: async (tx, _stream, events) => {
    const ids = events.map(({ eventId }) => eventId)
    const { rows } = await sql<{ number: number }>`
      select number from archive.kept where consumer = ${name()} and event_id = any(${ids}::uuid[])`.execute(tx)
    return rows.map(({ number }) => number)
  },
  keepLost: () => Promise.resolve(),
})

const withKnowledge = () => {
  let name = ''
  const made = handMade({ otherHistory: knowing(() => name) })
  name = made.consumer.name
  return made
}

const lies: Readonly<Record<string, (producer: HandMadeProducer) => EventBatch>> = {
  'a heartbeat names another event at the position': (producer) => ({
    ...producer.heartbeat(),
    predecessor: lineEvent(5, '', 9).eventId,
  }),
  'a heartbeat says a head before the position': (producer) => ({
    ...producer.heartbeat(),
    head: 3,
    predecessor: lineEvent(3, '', 9).eventId,
  }),
  'a batch follows another event': (producer) => ({
    ...producer.heartbeat(),
    head: 6,
    predecessor: lineEvent(5, '', 9).eventId,
    events: [lineEvent(6, 'lie', 9)],
  }),
  'a batch overlaps with other events': (producer) => ({
    ...producer.heartbeat(),
    head: 6,
    predecessor: lineEvent(4, '', 9).eventId,
    events: [lineEvent(5, 'lie', 9), lineEvent(6, 'lie', 9)],
  }),
  'an epoch is said that nobody began': (producer) => ({ ...producer.heartbeat(), epoch: 7, head: 60 }),
  'a head is said that the log does not have': (producer) => ({ ...producer.heartbeat(), head: 60, predecessor: null }),
}

describe('the bus alone stops nobody', () => {
  for (const [what, lie] of Object.entries(lies)) {
    test(`when ${what}, the log is asked, and its word counts`, async () => {
      const { producer, consumer } = handMade()
      producer.say(5)
      await using reading = await readFrom({ producer, consumer }, archive, { ...patient, graceMs: 50 })
      await at(consumer, 5)
      const asked = producer.asked.length
      await reading.say(lie(producer))
      await eventually('the log was asked', () => producer.asked.length > asked)
      producer.say(['truth', 'truth'])
      await reading.say(producer.batch(6, 7))
      await at(consumer, 7)
      assert.equal((await positionOf(database, consumer)).state, 'running')
      assert.equal(await epochOf(consumer), 1)
      assert.deepEqual((await texts(consumer)).slice(5), ['6 truth', '7 truth'])
      await reading.drained()
      assert.equal(reading.undelivered(), null)
    })
  }

  test('a storm of contradictions asks the log only a few times', async () => {
    const { producer, consumer } = handMade()
    producer.say(5)
    await using reading = await readFrom({ producer, consumer }, archive, patient)
    await at(consumer, 5)
    const asked = producer.asked.length
    const contradiction = { ...producer.heartbeat(), predecessor: lineEvent(5, '', 9).eventId }
    const begun = performance.now()
    for (let count = 0; count < 500; count += 1) await reading.say(contradiction)
    await eventually('the log was asked', () => producer.asked.length > asked)
    const most = 2 + (performance.now() - begun) / 200
    assert.ok(producer.asked.length - asked <= most, `${producer.asked.length - asked} times, at most ${most}`)
  })
})

describe('an epoch that the producer began', () => {
  test('is taken over by whoever has applied nothing but what its log has', async () => {
    const { producer, consumer } = handMade()
    producer.say(5)
    await using reading = await readFrom({ producer, consumer }, archive, patient)
    await at(consumer, 5)
    const old = producer.heartbeat()
    await reading.say(producer.begin(2).heartbeat())
    await eventually('the epoch', async () => (await epochOf(consumer)) === 2)
    // What comes late of the earlier epoch says nothing any more, whatever it says.
    await reading.say({ ...old, head: 90, predecessor: null }, producer.say(2).batch(6, 7))
    await at(consumer, 7)
    await reading.drained()
    assert.deepEqual([await kept(consumer), reading.undelivered()], [upTo(7), null])
    const { name: consumerName, stream } = consumer
    const key = { schema: 'archive', consumer: consumerName, stream }
    const epochAt = await archive.transaction('look', (tx) => epochsOf(tx, key))
    assert.deepEqual([1, 5, 6, 7].map(epochAt), [1, 1, 2, 2])
  })

  test('is taken over by a consumer that begins', async () => {
    const { producer, consumer } = handMade()
    producer.say(3).begin(4)
    await using reading = await readFrom({ producer, consumer }, archive, patient)
    await at(consumer, 3)
    assert.equal(await epochOf(consumer), 4)
    await reading.drained()
  })

  test('stops whoever has applied something else, and one that is earlier than what was applied, too', async () => {
    const { producer, consumer } = handMade()
    producer.say(5).begin(2)
    await using reading = await readFrom({ producer, consumer }, archive, patient)
    await at(consumer, 5)
    await reading.say(producer.rewind(3).say(4).begin(3).heartbeat())
    await forked(consumer)
    assert.match((await positionOf(database, consumer)).reason ?? '', /event 5 was/)

    const other = handMade()
    other.producer.say(5).begin(2)
    await using silent = await readFrom(other, archive, { ...patient, silenceMs: 100 })
    await at(other.consumer, 5)
    other.producer.begin(1)
    await silent.say(other.producer.heartbeat())
    await forked(other.consumer)
    assert.match((await positionOf(database, other.consumer)).reason ?? '', /of epoch 1, after epoch 2/)
  })
})

/** A consumer that was stopped at 5 by a producer that was set back to 3 and has said 4 others since. */
const stopped = async (made = withKnowledge()) => {
  const { producer, consumer } = made
  producer.say(upTo(5).map((number) => `old ${number}`))
  const lost = producer.batch(4, 5)
  const reading = await readFrom(made, archive, { ...patient, graceMs: 50 })
  await at(consumer, 5)
  await reading.say(producer.rewind(3).say(['new 4', 'new 5', 'new 6', 'new 7']).heartbeat())
  await forked(consumer)
  const applying = applyingOn(archive, consumer)
  return {
    producer,
    consumer,
    reading,
    lost,
    inCommon: { epoch: 2, after: 3, eventId: producer.log[2]?.eventId ?? null } satisfies Acceptance,
    accept: (acceptance: Acceptance) =>
      archive.transaction('accept', (tx) =>
        acceptHistory(applying, tx, acceptance, { by: 1, now: new Date(), reason: 'restored from last night' }),
      ),
    [Symbol.asyncDispose]: () => reading[Symbol.asyncDispose](),
  }
}

describe('a person who accepts the other history', () => {
  test('lets the consumer go on after the last event that both have; what was applied of the lost one stays', async () => {
    await using stage = await stopped()
    const { producer, consumer, reading } = stage
    const accepted = await stage.accept(stage.inCommon)
    assert.deepEqual(accepted, { ok: { epoch: 2, after: 3, leftAt: 5, discarded: 0 } })
    await reading.say(stage.lost, producer.begin(2).heartbeat())
    await at(consumer, 7)
    const old = upTo(5).map((number) => `${number} old ${number}`)
    assert.deepEqual(await texts(consumer), [...old, '4 new 4', '5 new 5', '6 new 6', '7 new 7'])
    await reading.drained()
    assert.equal(reading.undelivered(), null)
    const [row] = await database.query(
      'select epoch, after::int, left_at::int as left, reason, decided_by as by from archive.history where consumer = $1',
      [consumer.name],
    )
    assert.deepEqual(row, { epoch: 2, after: 3, left: 5, reason: 'restored from last night', by: 1 })
  })

  test('is refused what would lose events, or is no decision', async () => {
    await using stage = await stopped()
    const { producer, consumer, accept, inCommon } = stage
    const refused = async (acceptance: Acceptance) => {
      const outcome = await accept(acceptance)
      return 'refused' in outcome ? outcome.refused : null
    }
    const idAt = (number: number) => producer.log[number - 1]?.eventId ?? null
    assert.equal(await refused({ epoch: 2, after: 4, eventId: idAt(4) }), 'event_unknown')
    assert.equal(await refused({ epoch: 2, after: 3, eventId: idAt(4) }), 'event_unknown')
    assert.equal(await refused({ epoch: 1, after: 3, eventId: idAt(3) }), 'epoch_not_newer')
    assert.equal((await positionOf(database, consumer)).state, 'forked')
    assert.equal(await refused(inCommon), null)
    assert.equal(await refused(inCommon), 'not_forked')
    producer.begin(2)
    await at(consumer, 7)

    await using other = await stopped(handMade())
    const outcome = await other.accept(other.inCommon)
    assert.equal('refused' in outcome && outcome.refused, 'cannot_go_on')
  })

  test('of a consumer that begins anew lets it forget, and hear everything again', async () => {
    const made = handMade({
      otherHistory: {
        goesOn: 'from the beginning',
        forget: async (tx) => {
          await sql`delete from archive.kept where consumer = ${made.consumer.name}`.execute(tx)
        },
      },
    })
    await using stage = await stopped(made)
    const { producer, consumer } = stage
    const beyond = await stage.accept(stage.inCommon)
    assert.equal('refused' in beyond && beyond.refused, 'event_unknown')
    const accepted = await stage.accept({ epoch: 2, after: 0, eventId: null })
    assert.deepEqual(accepted, { ok: { epoch: 2, after: 0, leftAt: 5, discarded: 0 } })
    producer.begin(2)
    await at(consumer, 7)
    const old = upTo(3).map((number) => `${number} old ${number}`)
    assert.deepEqual(await texts(consumer), [...old, '4 new 4', '5 new 5', '6 new 6', '7 new 7'])
  })

  test('discards what is parked of the lost history, and nothing else', async () => {
    let name = ''
    const made = handMade({
      otherHistory: knowing(() => name),
      before: (events) => {
        const bad = events.find(({ data }) => 'text' in data && /^old [25]$/.test(data.text))
        return bad ? Promise.reject(new Error('unwanted')) : Promise.resolve()
      },
    })
    name = made.consumer.name
    await using stage = await stopped(made)
    const { producer, consumer } = stage
    assert.deepEqual(await parkedBy(database, consumer), [2, 5])
    const accepted = await stage.accept(stage.inCommon)
    assert.deepEqual(accepted, { ok: { epoch: 2, after: 3, leftAt: 5, discarded: 1 } })
    producer.begin(2)
    await at(consumer, 7)
    const rows = await database.query(
      'select number::int, epoch, state, reason from archive.parked where consumer = $1 order by number',
      [consumer.name],
    )
    assert.deepEqual(rows, [
      { number: 2, epoch: 1, state: 'parked', reason: null },
      { number: 5, epoch: 1, state: 'discarded', reason: 'of a history that was lost: restored from last night' },
    ])
  })
})

test('a producer begins an epoch once, with who said so and where its log ended; an earlier one changes nothing', async () => {
  const begin = (epoch: number) =>
    archive.transaction('begin', (tx) =>
      beginEpoch(tx, 'archive', epoch, { by: 7, now: new Date(), reason: 'restored' }),
    )
  assert.deepEqual([await begin(3), await begin(3), await begin(2)], [3, 3, 3])
  const rows = await database.query('select epoch, head::int, reason, begun_by as by from archive.epoch')
  assert.deepEqual(rows, [{ epoch: 3, head: 0, reason: 'restored', by: 7 }])
  assert.deepEqual(await database.query('select epoch from archive.stream'), [{ epoch: 3 }])
})
