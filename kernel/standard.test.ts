// What every service answers about its events: its log, its positions, and a hand on its consumers.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { localBus } from '../adapters/bus/local.ts'
import type { Postgres } from '../adapters/database/postgres.ts'
import { eventually } from '../tests/support/eventually.ts'
import { logged, numberAll, saying } from '../tests/support/fixture-log.ts'
import { handMade, openPositionOf, positionOf } from '../tests/support/fixture-producer.ts'
import { archiveService, authorService } from '../tests/support/fixture-service.ts'
import { asOperator, asWriter, fixtureDatabase, keptBy, startFixture, upTo } from '../tests/support/fixture-system.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { lockPosition, setPositionState } from './position.ts'
import type { Bus } from './ports.ts'
import { Fault, must } from './result.ts'
import { standardContract } from './standard.ts'
import { EventBatch } from './stream.ts'

const authorMethods = standardContract('author')
const archiveMethods = standardContract('archive')

let database: TestDatabase
let archive: Postgres
before(async () => {
  database = await fixtureDatabase()
  archive = database.open('archive')
})
after(() => database[Symbol.asyncDispose]())

/** A consumer of its own, and the means to set its state. */
const withConsumer = async () => {
  const { consumer } = handMade()
  await openPositionOf(archive, consumer)
  const host = await startFixture(database, { services: [archiveService([consumer])], loops: false })
  const { name, stream } = consumer
  const key = { schema: 'archive', consumer: name, stream }
  return {
    consumer,
    key,
    set: (state: 'running' | 'paused', whose = name) =>
      host.call(archiveMethods.setConsumerState, { consumer: whose, state, reason: 'stocktaking' }, asOperator),
    state: async () => {
      const { state, reason } = await positionOf(database, consumer)
      return [state, reason]
    },
    [Symbol.asyncDispose]: () => host.stop(),
  }
}

describe('the log', () => {
  test('is read by number, and what comes back is a batch as it is said on the bus', async () => {
    const author = database.open('author')
    await saying(author, 1, ...upTo(5).map(String))
    await numberAll(author)
    await using host = await startFixture(database, { services: [authorService()], loops: false })
    const { events, head, predecessor } = must(
      await host.call(authorMethods.readLog, { from: 2, limit: 2 }, asOperator),
    )
    const log = await logged(database)
    assert.deepEqual([head, predecessor], [5, log[1]?.id])
    assert.deepEqual(
      events.map(({ number, eventId }) => ({ number, eventId })),
      log.slice(2, 4).map(({ number, id }) => ({ number, eventId: id })),
    )
    for (const event of events) assert.ok(EventBatch.shape.events.element.safeParse(event).success)
  })

  test('gives no more than 5,000 events at once, and nothing to people', async () => {
    await using host = await startFixture(database, { services: [authorService()], loops: false })
    const refused = async (limit: number, behalf = asOperator) => {
      const outcome = await host.call(authorMethods.readLog, { from: 0, limit }, behalf)
      return 'refused' in outcome ? outcome.refused : null
    }
    assert.equal(await refused(5_001), 'invalid_input')
    assert.equal(await refused(5_000), null)
    assert.equal(await refused(1, asWriter()), 'forbidden')
  })
})

describe('what is said once more', () => {
  /** A host whose bus keeps what is said; `broken` makes it refuse. */
  const withBus = async () => {
    const said: EventBatch[] = []
    const broken = { now: false }
    const bus: Bus = {
      ...localBus(),
      publish: (batch) => {
        if (broken.now) return Promise.reject(new Fault('unavailable', 'the bus is away'))
        said.push(batch)
        return Promise.resolve()
      },
    }
    const host = await startFixture(database, { services: [authorService()], loops: false, bus })
    const republish = (from: number, to: number) => host.call(authorMethods.republish, { from, to }, asOperator)
    return { host, said, broken, republish, [Symbol.asyncDispose]: () => host.stop() }
  }

  test('is the range as it stands in the log, with the event before it', async () => {
    await using bus = await withBus()
    const log = await logged(database)
    assert.deepEqual(await bus.republish(2, 4), { ok: { count: 3, upTo: 4 } })
    assert.deepEqual(
      bus.said.map(({ predecessor, head, events }) => [predecessor, head, events.map(({ eventId }) => eventId)]),
      [[log[0]?.id, 5, log.slice(1, 4).map(({ id }) => id)]],
    )
  })

  test('ends where the log ends, and beyond it nothing is said', async () => {
    await using bus = await withBus()
    assert.deepEqual(await bus.republish(4, 900), { ok: { count: 2, upTo: 5 } })
    assert.deepEqual(await bus.republish(6, 7), { ok: { count: 0, upTo: 5 } })
    assert.equal(bus.said.length, 1)
  })

  test('is a fault when the bus does not take it, and leaves nothing behind', async () => {
    await using bus = await withBus()
    bus.broken.now = true
    await assert.rejects(bus.republish(1, 2), (error) => error instanceof Fault && error.kind === 'unavailable')
    bus.broken.now = false
    assert.deepEqual(await bus.republish(1, 2), { ok: { count: 2, upTo: 2 } })
  })

  test('is dropped by whoever has it', async () => {
    await using host = await startFixture(database)
    await host.settle()
    const before = await keptBy(database)
    assert.deepEqual(await host.call(authorMethods.republish, { from: 1, to: 5 }, asOperator), {
      ok: { count: 5, upTo: 5 },
    })
    await host.settle()
    assert.deepEqual(await keptBy(database), before)
  })
})

describe('a consumer', () => {
  test('is paused with a reason and let go on, which forgets the reason and the row of parked events', async () => {
    await using one = await withConsumer()
    assert.deepEqual(await one.set('paused'), { ok: {} })
    assert.deepEqual(await one.state(), ['paused', 'stocktaking'])
    await database.query('update archive.position set parked_in_row = 21 where consumer = $1', [one.consumer.name])
    assert.deepEqual(await one.set('running'), { ok: {} })
    assert.deepEqual(await one.state(), ['running', null])
    assert.equal((await positionOf(database, one.consumer)).parkedInRow, 0)
  })

  test('that there is not is refused', async () => {
    await using one = await withConsumer()
    assert.deepEqual(await one.set('paused', 'Nobody'), { refused: 'consumer_not_found' })
  })

  test('that is forked is not let go on like one that is paused', async () => {
    await using one = await withConsumer()
    await archive.transaction('fork', (tx) => setPositionState(tx, one.key, 'forked', 'another history'))
    for (const state of ['running', 'paused'] as const) {
      assert.deepEqual(await one.set(state), { refused: 'consumer_forked' })
    }
    assert.deepEqual(await one.state(), ['forked', 'another history'])
  })

  test('that forks at this moment stays forked', async () => {
    await using one = await withConsumer()
    let answered = false
    let setting: Promise<unknown> = Promise.resolve()
    await archive.transaction('fork', async (tx) => {
      await lockPosition(tx, one.key)
      setting = one.set('paused').finally(() => (answered = true))
      await eventually('it waits for the position, or did not', async () => answered || (await lockWaiters()) > 0)
      await setPositionState(tx, one.key, 'forked', 'another history')
    })
    assert.deepEqual(await setting, { refused: 'consumer_forked' })
    assert.deepEqual(await one.state(), ['forked', 'another history'])
  })
})

const lockWaiters = async (): Promise<number> => {
  const waiting = await database.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return waiting.length
}
