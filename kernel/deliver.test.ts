// Events that somebody delivers by hand are applied as the reader would apply them: once, in order, none passed over.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Postgres } from '../adapters/database/postgres.ts'
import { eventually } from '../tests/support/eventually.ts'
import { handMade, lineEvent, openPositionOf, positionOf, readFrom } from '../tests/support/fixture-producer.ts'
import { archiveService, newerAuthor, raise } from '../tests/support/fixture-service.ts'
import { asOperator, fixtureDatabase, keptBy, startFixture, upTo } from '../tests/support/fixture-system.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { must } from './result.ts'
import { standardContract } from './standard.ts'
import type { EventBatch } from './stream.ts'

const archiveMethods = standardContract('archive')

let database: TestDatabase
let archive: Postgres
before(async () => {
  database = await fixtureDatabase()
  archive = database.open('archive')
})
after(() => database[Symbol.asyncDispose]())

/** A consumer at 0 that refuses the numbers in `poison`, and the means to deliver to it. */
const withConsumer = async () => {
  const poison = new Set<number>()
  const { producer, consumer } = handMade({
    before: async (events, { tx }) => {
      if (events.some(({ number }) => poison.has(number))) await raise(tx, '22012')
    },
  })
  await openPositionOf(archive, consumer)
  const host = await startFixture(database, { services: [archiveService([consumer])], loops: false })
  const { name } = consumer
  const call = (batch: EventBatch, dryRun: boolean) =>
    host.call(archiveMethods.deliver, { consumer: name, batch, dryRun }, asOperator)
  const told = async (batch: EventBatch, dryRun: boolean) => {
    const { outcomes, position } = must(await call(batch, dryRun))
    return { said: outcomes.map(({ number, outcome }) => `${number} ${outcome}`), outcomes, position }
  }
  return {
    poison,
    producer,
    consumer,
    host,
    call,
    deliver: (batch: EventBatch) => told(batch, false),
    rehearse: (batch: EventBatch) => told(batch, true),
    kept: () => keptBy(database, name),
    position: () => positionOf(database, consumer),
    set: (what: string) => database.query(`update archive.position set ${what} where consumer = $1`, [name]),
    discard: (number: number) =>
      host.call(archiveMethods.discardParked, { consumer: name, number, reason: 'a test' }, asOperator),
    restore: (number: number) => host.call(archiveMethods.restoreParked, { consumer: name, number }, asOperator),
    [Symbol.asyncDispose]: () => host.stop(),
  }
}

/** Everything that a delivery could change. */
const contents = async (): Promise<unknown> => [
  await database.query('select consumer, number, text from archive.kept order by id'),
  await database.query('select * from archive.position order by consumer'),
  await database.query('select * from archive.parked order by consumer, number'),
  await database.query('select * from archive.outbox order by id'),
]

test('what is missing is applied, in order and once, however often it is delivered', async () => {
  await using one = await withConsumer()
  const batch = one.producer.say(5).batch(1, 5)
  assert.deepEqual(await one.deliver(batch), {
    said: upTo(5).map((number) => `${number} applied`),
    outcomes: upTo(5).map((number) => ({ number, outcome: 'applied' })),
    position: 5,
  })
  const again = await one.deliver(batch)
  assert.deepEqual(
    again.said,
    upTo(5).map((number) => `${number} already`),
  )
  assert.deepEqual(await one.kept(), upTo(5))
  assert.equal((await one.position()).eventId, one.producer.log[4]?.eventId)
})

test('what overlaps with the position is dropped up to it', async () => {
  await using one = await withConsumer()
  await one.deliver(one.producer.say(6).batch(1, 4))
  const { said } = await one.deliver(one.producer.batch(3, 6))
  assert.deepEqual(said, ['3 already', '4 already', '5 applied', '6 applied'])
  assert.deepEqual(await one.kept(), upTo(6))
})

test('what lies beyond a gap is left, and what is missing is named', async () => {
  await using one = await withConsumer()
  await one.deliver(one.producer.say(9).batch(1, 2))
  const { outcomes, position } = await one.deliver(one.producer.batch(6, 7))
  const detail = 'the events from 3 to 5 are missing'
  assert.deepEqual(
    outcomes,
    [6, 7].map((number) => ({ number, outcome: 'beyond', detail })),
  )
  assert.equal(position, 2)
  assert.deepEqual(await one.kept(), [1, 2])
})

describe('an event that cannot be applied', () => {
  test('is parked alone, and those around it are applied', async () => {
    await using one = await withConsumer()
    one.poison.add(3)
    const { outcomes, said, position } = await one.deliver(one.producer.say(5).batch(1, 5))
    assert.deepEqual(said, ['1 applied', '2 applied', '3 parked', '4 applied', '5 applied'])
    assert.match(outcomes[2]?.detail ?? '', /22012/)
    assert.deepEqual([position, await one.kept()], [5, [1, 2, 4, 5]])
  })

  test('is tried again when it is delivered again, late, and once', async () => {
    await using one = await withConsumer()
    one.poison.add(3)
    const batch = one.producer.say(5).batch(1, 5)
    await one.deliver(batch)
    const { outcomes } = await one.deliver(batch)
    assert.equal(outcomes[2]?.outcome, 'still_parked')
    assert.match(outcomes[2]?.detail ?? '', /22012/)
    one.poison.clear()
    assert.equal((await one.deliver(batch)).said[2], '3 was_parked_now_applied')
    assert.equal((await one.deliver(batch)).said[2], '3 already')
    assert.deepEqual(await one.kept(), [1, 2, 4, 5, 3])
  })

  test('stays discarded until a person restores it', async () => {
    await using one = await withConsumer()
    one.poison.add(2)
    const batch = one.producer.say(3).batch(1, 3)
    await one.deliver(batch)
    assert.deepEqual(await one.discard(2), { ok: {} })
    one.poison.clear()
    const { outcomes } = await one.deliver(batch)
    assert.deepEqual(outcomes[1], { number: 2, outcome: 'discarded', detail: 'a test' })
    assert.deepEqual(await one.kept(), [1, 3])
    assert.deepEqual(await one.restore(2), { ok: {} })
    assert.equal((await one.deliver(batch)).said[1], '2 was_parked_now_applied')
    assert.deepEqual(await one.restore(2), { refused: 'not_discarded' })
    assert.deepEqual(await one.kept(), [1, 3, 2])
  })

  test('pauses the consumer with twenty others, and what comes after them is left', async () => {
    await using one = await withConsumer()
    for (const number of upTo(21, 2)) one.poison.add(number)
    const { said, outcomes, position } = await one.deliver(one.producer.say(25).batch(1, 25))
    assert.deepEqual(said.slice(20), ['21 parked', '22 parked', '23 beyond', '24 beyond', '25 beyond'])
    assert.match(outcomes[22]?.detail ?? '', /more than 20 events parked in a row/)
    assert.deepEqual([position, (await one.position()).state], [22, 'paused'])
  })
})

test('a paused consumer gets nothing new, and a parked event may be tried again', async () => {
  await using one = await withConsumer()
  one.poison.add(1)
  await one.deliver(one.producer.say(3).batch(1, 1))
  await one.set(`state = 'paused', reason = 'stocktaking'`)
  one.poison.clear()
  const { said, outcomes } = await one.deliver(one.producer.batch(1, 3))
  assert.deepEqual(said, ['1 was_parked_now_applied', '2 beyond', '3 beyond'])
  assert.equal(outcomes[1]?.detail, 'the consumer is paused: stocktaking')
  assert.deepEqual(await one.kept(), [1])
})

describe('another history', () => {
  test('is not applied, and does not stop the consumer either', async () => {
    await using one = await withConsumer()
    await one.deliver(one.producer.say(4).batch(1, 4))
    const before = await contents()
    one.producer.rewind(3).say(3)
    for (const [from, to] of [
      [1, 6],
      [5, 6],
    ] as const) {
      const { outcomes } = await one.deliver(one.producer.batch(from, to))
      assert.ok(outcomes.every(({ outcome }) => outcome === 'contradicts'))
      assert.match(outcomes[0]?.detail ?? '', /^event 4 was /)
    }
    assert.deepEqual(await contents(), before)
  })

  test('is noticed by a parked event, too', async () => {
    await using one = await withConsumer()
    one.poison.add(2)
    await one.deliver(one.producer.say(4).batch(1, 4))
    one.poison.clear()
    const batch = one.producer.batch(1, 3)
    const [first, , third] = batch.events
    assert.ok(first && third)
    const { said } = await one.deliver({ ...batch, events: [first, lineEvent(2, 'forged', 7), third] })
    assert.deepEqual(said, ['1 already', '2 contradicts', '3 already'])
    assert.deepEqual(await one.kept(), [1, 3, 4])
  })
})

test('an unknown version waits, and so does what follows it', async () => {
  await using one = await withConsumer()
  const batch = one.producer.say(3).batch(1, 3)
  const [first, second, third] = batch.events
  assert.ok(first && second && third)
  const { version } = newerAuthor.lineWritten
  const { said, outcomes } = await one.deliver({ ...batch, events: [first, { ...second, version }, third] })
  assert.deepEqual(said, ['1 applied', '2 beyond', '3 beyond'])
  assert.equal(outcomes[1]?.detail, 'waiting for a version that knows LineWritten 2')
  assert.deepEqual(await one.kept(), [1])
})

describe('a dry run', () => {
  test('says what a delivery then does, and changes nothing', async () => {
    await using one = await withConsumer()
    for (const number of [2, 4, 6]) one.poison.add(number)
    await one.deliver(one.producer.say(9).batch(1, 5))
    await one.discard(4)
    one.poison.delete(2)
    const batch = one.producer.batch(1, 9)
    const before = await contents()
    const rehearsed = await one.rehearse(batch)
    assert.deepEqual(await contents(), before)
    assert.deepEqual(
      rehearsed.said.map((said) => said.slice(2)),
      [
        'already',
        'was_parked_now_applied',
        'already',
        'discarded',
        'already',
        'parked',
        'applied',
        'applied',
        'applied',
      ],
    )
    assert.deepEqual(await one.deliver(batch), rehearsed)
  })

  test('of twenty-one poisoned events pauses nobody', async () => {
    await using one = await withConsumer()
    for (const number of upTo(21)) one.poison.add(number)
    const { position } = await one.rehearse(one.producer.say(22).batch(1, 22))
    assert.equal(position, 21)
    const { number, state } = await one.position()
    assert.deepEqual([number, state], [0, 'running'])
  })
})

test('two who deliver the same at once take turns, and each event is applied once', async () => {
  await using one = await withConsumer()
  const batch = one.producer.say(200).batch(1, 200)
  const [first, second] = await Promise.all([one.deliver(batch), one.deliver(batch)])
  const applied = [...first.said, ...second.said].filter((said) => said.endsWith(' applied'))
  assert.equal(applied.length, 200)
  assert.deepEqual(await one.kept(), upTo(200))
})

test('a reader that runs meanwhile goes on after what was delivered', async () => {
  await using one = await withConsumer()
  const { consumer, producer } = one
  await using reading = await readFrom({ producer, consumer }, archive)
  producer.say(3)
  await reading.say(producer.batch(3, 3))
  await one.deliver(producer.batch(1, 2))
  await eventually('the third is applied', async () => (await one.position()).number === 3)
  assert.deepEqual(await one.kept(), [1, 2, 3])
})

test('what is no batch for this consumer is refused', async () => {
  await using one = await withConsumer()
  const batch = one.producer.say(3).batch(1, 3)
  const [first, , third] = batch.events
  assert.ok(first && third)
  assert.deepEqual(await one.call({ ...batch, stream: 'another' }, false), { refused: 'other_stream' })
  assert.deepEqual(await one.call({ ...batch, events: [first, third] }, false), { refused: 'not_consecutive' })
  assert.deepEqual(await one.call({ ...batch, events: [third, first] }, false), { refused: 'not_consecutive' })
  const nobody = { consumer: 'Nobody', batch, dryRun: false }
  assert.deepEqual(await one.host.call(archiveMethods.deliver, nobody, asOperator), { refused: 'consumer_not_found' })
  assert.deepEqual(await one.kept(), [])
})
