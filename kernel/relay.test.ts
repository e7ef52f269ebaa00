// The relay says every number on the bus, in order, whatever fails between numbering and publishing.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { localBus } from '../adapters/bus/local.ts'
import type { Postgres } from '../adapters/database/postgres.ts'
import { eventually } from '../tests/support/eventually.ts'
import { auditLog, logged, numberAll, say, saying } from '../tests/support/fixture-log.ts'
import { authorTables } from '../tests/support/fixture-service.ts'
import { upTo } from '../tests/support/fixture-system.ts'
import { generator, seedOf } from '../tests/support/random.ts'
import { freshDatabase, type TestDatabase } from '../tests/support/server.ts'
import { silent } from '../tests/support/silent.ts'
import { onPublish, onTransaction } from '../tests/support/wrapped.ts'
import { migrate } from './migrations.ts'
import type { Bus, Database } from './ports.ts'
import { Fault } from './result.ts'
import { type EventBatch, startRelay } from './stream.ts'

let database: TestDatabase
let author: Postgres
before(async () => {
  database = await freshDatabase(['author'])
  author = database.open('author')
  await migrate(author, authorTables)
})
after(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  await database.query('truncate author.page, author.outbox, author.event restart identity')
  await database.query('update author.stream set published = 0, head = 0, head_event_id = null')
})

/** A bus that remembers what was published on it. */
const listenedTo = (bus: Bus = localBus()) => {
  const batches: EventBatch[] = []
  const recording = onPublish(bus, async (batch, publish) => {
    await publish()
    batches.push(batch)
  })
  const numbers = () => batches.flatMap(({ events }) => events.map(({ number }) => number))
  const heartbeats = () => batches.filter(({ events }) => events.length === 0)
  return { bus: recording, batches, numbers, heartbeats }
}

const relayOn = (bus: Bus, on: Database = author) => {
  const relay = startRelay({ database: on, stream: 'author', bus, log: silent })
  return { ...relay, [Symbol.asyncDispose]: relay.stop }
}

const published = async (): Promise<number> => {
  const [row] = await database.query<{ published: number }>('select published::int from author.stream')
  return row?.published ?? -1
}

/** Each event was published, if at all, under the number that the log has for it. */
const auditNumbers = async (batches: readonly EventBatch[]): Promise<void> => {
  const inLog = new Map((await auditLog(database)).map(({ id, number }) => [id, number]))
  for (const { number, eventId } of batches.flatMap(({ events }) => events)) assert.equal(number, inLog.get(eventId))
}

test('what is committed is numbered, published in order and marked as published', async () => {
  const { bus, batches, numbers } = listenedTo()
  await using relay = relayOn(bus)
  await saying(author, 1, 'a', 'b')
  await relay.drained()
  await saying(author, 2, 'c')
  await relay.drained()
  assert.deepEqual(numbers(), [1, 2, 3])
  await auditNumbers(batches)
  assert.equal(await published(), 3)
})

test('nothing is published before its number is committed', async () => {
  const committed: number[] = []
  const bus = onPublish(localBus(), async ({ events }, publish) => {
    // Another connection sees only what is committed.
    const ids = events.map(({ eventId }) => eventId)
    const found = await database.query('select from author.event where event_id = any($1)', [ids])
    committed.push(found.length - ids.length)
    await publish()
  })
  await using relay = relayOn(bus)
  for (const text of ['a', 'b', 'c']) {
    await saying(author, 1, text)
    await relay.drained()
  }
  assert.ok(committed.length >= 3)
  assert.ok(committed.every((missing) => missing === 0))
})

test('a bus that refuses at random never makes an event change its number, and gets everything in the end', async () => {
  const next = generator(seedOf('refusing bus'))
  const attempts: EventBatch[] = []
  const { bus: inner, numbers } = listenedTo()
  const refusing = onPublish(inner, async (batch, publish) => {
    attempts.push(batch)
    const fate = next()
    if (fate < 0.3) throw new Error('refused')
    await publish()
    if (fate < 0.6) throw new Error('accepted, and the answer lost')
  })
  await using one = relayOn(refusing)
  await using other = relayOn(refusing, database.open('author'))
  for (const turn of upTo(30)) {
    await saying(author, turn % 3, `${turn} a`, `${turn} b`)
    ;[one, other][Math.floor(next() * 2)]?.wake()
  }
  await eventually('all published', async () => (await published()) === 60)
  assert.deepEqual(
    [...new Set(numbers())].sort((a, b) => a - b),
    upTo(60),
  )
  await auditNumbers(attempts)
})

test('after a relay that hangs between numbering and publishing, another publishes the rest', async () => {
  const reached = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const hanging = onPublish(localBus(), async ({ events }) => {
    if (events.length === 0) return
    reached.resolve()
    await release.promise
  })
  const { bus, batches, numbers } = listenedTo()
  const marks: number[] = []
  const watched = onTransaction(author, 'relay.mark', async (run) => {
    const result = await run()
    marks.push(await published())
    return result
  })
  await using dying = relayOn(hanging, watched)
  await dying.drained()
  await saying(author, 1, 'a', 'b')
  dying.wake()
  await reached.promise
  await saying(author, 1, 'c')
  await using living = relayOn(bus)
  await living.drained()
  assert.deepEqual(numbers(), [1, 2, 3])
  await auditNumbers(batches)
  assert.equal(await published(), 3)
  // The first one wakes up past its turn: it must not take back what the other one has marked.
  release.resolve()
  await dying.drained()
  assert.deepEqual(marks, [3])
})

test('a relay whose commit of the numbers was answered by nobody publishes under those numbers', async () => {
  let lost = 0
  const losing = onTransaction(author, 'relay.number', async (run) => {
    const result = await run()
    if (result !== null && lost++ === 0) throw new Fault('outcome_unknown', 'the answer was lost')
    return result
  })
  const { bus, batches, numbers } = listenedTo()
  await using relay = relayOn(bus, losing)
  await saying(author, 1, 'a', 'b')
  await relay.drained()
  assert.deepEqual([lost > 0, numbers()], [true, [1, 2]])
  await auditNumbers(batches)
})

test('a new relay begins with what an earlier one numbered, even when more was said meanwhile', async () => {
  await saying(author, 1, 'a', 'b')
  await numberAll(author)
  await saying(author, 1, 'c')
  const { bus, numbers } = listenedTo()
  await using relay = relayOn(bus)
  await relay.drained()
  assert.deepEqual(numbers(), [1, 2, 3])
})

test('what the bus refused is published before what was said after it', async () => {
  let refusals = 0
  const { bus: inner, numbers } = listenedTo()
  const bus = onPublish(inner, async ({ events }, publish) => {
    if (events.length > 0 && refusals++ === 0) {
      await saying(author, 1, 'c')
      throw new Error('refused')
    }
    await publish()
  })
  await using relay = relayOn(bus)
  await saying(author, 1, 'a', 'b')
  await relay.drained()
  assert.deepEqual([refusals > 1, numbers()], [true, [1, 2, 3]])
})

test('while the bus takes nothing, everything that is committed is numbered, however much it is', async () => {
  let refusals = 0
  const refusing = onPublish(localBus(), () => {
    refusals += 1
    return Promise.reject(new Error('refused'))
  })
  await using relay = relayOn(refusing)
  await eventually('a refusal', () => refusals > 0)
  await author.transaction('say', async (tx) => {
    for (const page of upTo(10)) await say(tx, page, ...upTo(2_000).map(String))
  })
  const before = refusals
  relay.wake()
  await eventually('all to be numbered', async () => (await logged(database)).length === 20_000)
  // It waits longer after each refusal: a page for each would take for ever.
  assert.ok(refusals - before <= 3, `${refusals - before} refusals`)
  await auditLog(database)
})

test('while the bus hesitates, what is committed is numbered, and published when it takes events again', async () => {
  const { bus: inner, numbers } = listenedTo()
  const { promise: goingOn, resolve: goOn } = Promise.withResolvers<void>()
  const hesitating = onPublish(inner, async ({ events }, publish) => {
    if (events.length > 0) await goingOn
    await publish()
  })
  await using relay = relayOn(hesitating)
  await saying(author, 1, 'a')
  await eventually('event 1 to be numbered', async () => (await logged(database)).length === 1)
  await saying(author, 1, 'b', 'c')
  await eventually('the others to be numbered', async () => (await logged(database)).length === 3)
  assert.deepEqual(numbers(), [])
  goOn()
  await relay.drained()
  assert.deepEqual(numbers(), [1, 2, 3])
  assert.equal(await published(), 3)
})

test('a long backlog is published in order before what is said meanwhile', async () => {
  for (const page of upTo(10)) await saying(author, page, ...upTo(500).map(String))
  await numberAll(author)
  const { bus: inner, numbers } = listenedTo()
  let said = 0
  const bus = onPublish(inner, async ({ events }, publish) => {
    if (events.length > 0 && said++ < 2) await saying(author, 1, `meanwhile ${said}`)
    await publish()
  })
  await using relay = relayOn(bus)
  await relay.drained()
  assert.deepEqual(numbers(), upTo(5_002))
})

test('a backlog of large events, of which a page holds only some, is published in order before what is said meanwhile', async () => {
  await saying(author, 1, ...upTo(160).map((line) => `${line} ${'x'.repeat(60_000)}`))
  await numberAll(author)
  const { bus: inner, numbers, batches } = listenedTo()
  let said = false
  const bus = onPublish(inner, async (_batch, publish) => {
    if (!said) await saying(author, 1, 'meanwhile')
    said = true
    await publish()
  })
  await using relay = relayOn(bus)
  await relay.drained()
  assert.ok((batches[0]?.events.length ?? 0) < 160)
  assert.deepEqual(numbers(), upTo(161))
})

test('a long backlog that is being published keeps no new event from its number', async () => {
  for (const page of upTo(4)) await saying(author, page, ...upTo(2_000).map(String))
  await numberAll(author, 2_000)
  const { bus: inner, numbers } = listenedTo()
  const lengths: number[] = []
  const bus = onPublish(inner, async ({ events }, publish) => {
    if (lengths.length === 0) await saying(author, 1, 'meanwhile')
    if (events.length > 0) lengths.push((await logged(database)).length)
    await publish()
  })
  await using relay = relayOn(bus)
  await relay.drained()
  assert.deepEqual(lengths, [8_000, 8_001, 8_001, 8_001, 8_001])
  assert.deepEqual(numbers(), upTo(8_001))
})

/** Looks after each mark whether `published` has fallen, or says more than the bus has got without a hole. */
const watching = () => {
  const acknowledged = new Set<number>()
  const marks: number[] = []
  const broken: string[] = []
  const look = async () => {
    const before = marks.at(-1) ?? 0
    const now = await published()
    if (now < before) broken.push(`published fell from ${before} to ${now}`)
    for (const number of upTo(now)) if (!acknowledged.has(number)) broken.push(`${number} of ${now} was not on the bus`)
    marks.push(now)
  }
  const watched = (inner: Database) =>
    onTransaction(inner, 'relay.mark', async (run) => {
      const result = await run()
      await look()
      return result
    })
  const acknowledge = ({ events }: EventBatch) => {
    for (const { number } of events) acknowledged.add(number)
  }
  return { watched, acknowledge, marks, broken }
}

test('`published` only rises, and everything up to it has reached the bus', async () => {
  const next = generator(seedOf('published'))
  const { watched, acknowledge, marks, broken } = watching()
  const bus = onPublish(localBus(), async (batch, publish) => {
    if (next() < 0.2) throw new Error('refused')
    // Two relays overtake each other here.
    for (let turns = Math.floor(next() * 4); turns > 0; turns -= 1) await published()
    await publish()
    acknowledge(batch)
  })
  await using one = relayOn(bus, watched(author))
  await using other = relayOn(bus, watched(database.open('author')))
  for (const turn of upTo(40)) {
    await saying(author, turn % 3, `${turn}`)
    ;[one, other][turn % 2]?.wake()
  }
  await eventually('all published', async () => (await published()) === 40)
  assert.ok(marks.length > 3)
  assert.deepEqual(broken, [])
})

test('what one replica has in its hands is not published by the mark of another that came after it', async () => {
  const reached = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const { watched, acknowledge, marks, broken } = watching()
  const bus = onPublish(localBus(), async (batch, publish) => {
    await publish()
    acknowledge(batch)
  })
  const slow = onPublish(bus, async ({ events }, publish) => {
    if (events.length > 0) {
      reached.resolve()
      await release.promise
    }
    await publish()
  })
  const turn = Promise.withResolvers<void>()
  let gated = false
  const second = onTransaction(watched(database.open('author')), 'relay.number', async (run) => {
    if (gated) await turn.promise
    return run()
  })
  await using one = relayOn(slow)
  await using other = relayOn(bus, second)
  await Promise.all([one.drained(), other.drained()])
  gated = true
  await saying(author, 1, 'a', 'b')
  one.wake()
  await reached.promise
  await saying(author, 1, 'c')
  turn.resolve()
  await other.drained()
  release.resolve()
  assert.deepEqual([marks, broken], [[0, 3], []])
})

test('a mark that was lost is made up for without a further event', async () => {
  let lost = 0
  const losing = onTransaction(author, 'relay.mark', (run) =>
    lost++ === 0 ? Promise.reject(new Fault('unavailable', 'no connection')) : run(),
  )
  const { bus, numbers } = listenedTo()
  await using relay = relayOn(bus, losing)
  await saying(author, 1, 'a')
  await relay.drained()
  assert.deepEqual([...new Set(numbers())], [1])
  assert.equal(await published(), 1)
})

test('an idle producer says its head every second, with the id of its last event', async () => {
  const { bus, heartbeats } = listenedTo()
  await saying(author, 1, 'a', 'b')
  await using relay = relayOn(bus)
  await relay.drained()
  const began = performance.now()
  const heard = heartbeats().length
  const heartbeat = await eventually('a heartbeat', () => heartbeats()[heard])
  const [, last] = await logged(database)
  assert.deepEqual(heartbeat, { stream: 'author', epoch: 1, head: 2, predecessor: last?.id, events: [] })
  const tookMs = performance.now() - began
  assert.ok(tookMs > 500 && tookMs < 6_000, `the heartbeat took ${tookMs} ms`)
})

test('a producer that has said nothing yet says so', async () => {
  const { bus, batches } = listenedTo()
  await using relay = relayOn(bus)
  await relay.drained()
  assert.deepEqual(batches, [{ stream: 'author', epoch: 1, head: 0, predecessor: null, events: [] }])
})
