// What relays and readers may rely on whichever bus carries the events. Every bus's tests run this one suite.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Bus } from '../../kernel/ports.ts'
import { Fault } from '../../kernel/result.ts'
import type { EventBatch, EventRecord } from '../../kernel/stream.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { HandMadeProducer } from '../../tests/support/fixture-producer.ts'

const newStream = (): string => `stream-${crypto.randomUUID().slice(0, 8)}`

/** A producer of as many events as there are texts, or so many. */
const said = (what: number | readonly string[]): HandMadeProducer => new HandMadeProducer(newStream()).say(what)

const numbersIn = (batches: readonly EventBatch[]): number[] =>
  batches.flatMap(({ events }) => events.map(({ number }) => number))

/** Subscribes and remembers what came. */
const listener = async (bus: Bus, stream: string, reader = 'a-schema.AReader') => {
  const batches: EventBatch[] = []
  const end = await bus.subscribe(stream, reader, (batch) => void batches.push(batch))
  const until = (last: number) =>
    eventually(`event ${last} of ${stream}`, () => numbersIn(batches).includes(last), 30_000)
  return { batches, end, until, numbers: () => numbersIn(batches) }
}

/** Checks that messages are one batch, cut between events: each names the event before its first. */
const chain = (first: string | null) => {
  let before = first
  let count = 0
  return {
    add: ({ predecessor, events }: EventBatch): void => {
      assert.equal(predecessor, before, `what comes after ${count} events names another predecessor`)
      before = events.at(-1)?.eventId ?? before
      count += events.length
    },
    get count() {
      return count
    },
  }
}

const isUnavailable = (error: unknown): boolean => error instanceof Fault && error.kind === 'unavailable'

/** Nothing that JSON, a message's text or a careless copy would change arrives changed. */
const unusual: readonly string[] = ['', 'слова', '🦜', '"\\\n\u0000\u2028', '{"events":[]}', '\r\nPUB x 0\r\n']

export const busConformance = (name: string, make: () => Bus): void => {
  describe(`a bus ${name}`, () => {
    let bus: Bus
    before(() => {
      bus = make()
    })
    after(() => bus.close())

    test('brings a batch as it was published', async () => {
      const producer = said(unusual)
      const { batches, until } = await listener(bus, producer.stream)
      await bus.publish(producer.batch(1, 3))
      await bus.publish({ ...producer.batch(4, unusual.length), epoch: 7 })
      await until(unusual.length)
      assert.deepEqual(batches, [producer.batch(1, 3), { ...producer.batch(4, unusual.length), epoch: 7 }])
    })

    test('brings every subscriber everything, also two replicas of one reader', async () => {
      const producer = said(20)
      const readers = ['a.One', 'a.Other', 'a.Other']
      const listeners = await Promise.all(readers.map((reader) => listener(bus, producer.stream, reader)))
      for (let number = 1; number <= 20; number += 1) await bus.publish(producer.batch(number, number))
      for (const { until, numbers } of listeners) {
        await until(20)
        assert.deepEqual(
          numbers(),
          producer.log.map(({ number }) => number),
        )
      }
    })

    test('brings nothing of other streams, whatever their names share', async () => {
      const producer = said(3)
      const others = [`${producer.stream}-more`, `${producer.stream}-events`, producer.stream.slice(0, -1)]
      const strangers = await Promise.all(others.map((stream) => listener(bus, stream)))
      const { until } = await listener(bus, producer.stream)
      await bus.publish(producer.batch(1, 2))
      await bus.publish(producer.heartbeat())
      await bus.publish(producer.batch(3, 3))
      await until(3)
      for (const { batches } of strangers) assert.deepEqual(batches, [])
    })

    test('brings heartbeats', async () => {
      const producer = said(2)
      const { batches } = await listener(bus, producer.stream)
      await bus.publish(producer.heartbeat())
      assert.deepEqual(await eventually('a heartbeat', () => batches[0]), producer.heartbeat())
    })

    test('brings heartbeats of a producer that has said nothing yet', async () => {
      const producer = said(0)
      const { batches } = await listener(bus, producer.stream)
      await bus.publish(producer.heartbeat())
      assert.deepEqual(await eventually('a heartbeat', () => batches[0]), producer.heartbeat())
    })

    test('brings nothing after the end of a subscription, and the others go on', async () => {
      const producer = said(4)
      const [ending, going] = [await listener(bus, producer.stream), await listener(bus, producer.stream)]
      await bus.publish(producer.batch(1, 1))
      await Promise.all([ending.until(1), going.until(1)])
      await ending.end()
      await ending.end()
      for (const number of [2, 3, 4]) await bus.publish(producer.batch(number, number))
      await going.until(4)
      assert.deepEqual([ending.numbers(), going.numbers()], [[1], [1, 2, 3, 4]])
    })

    test('brings a batch of 2,000 events whole, in messages that follow from one another', async () => {
      const producer = said(2_001)
      const batch = producer.batch(2, 2_001)
      const { batches, until, numbers } = await listener(bus, producer.stream)
      await bus.publish(batch)
      await until(2_001)
      const followed = chain(batch.predecessor)
      for (const one of batches) followed.add(one)
      assert.deepEqual(
        numbers(),
        batch.events.map(({ number }) => number),
      )
    })

    test('brings a batch of 2,000 events of 64 KiB whole', async () => {
      const producer = said(Array.from({ length: 2_000 }, () => 'x'.repeat(64 * 1024 - 100)))
      const batch = producer.batch(1, 2_000)
      const followed = chain(null)
      let bytes = 0
      const textOf = ({ data }: EventRecord) => (data as { text: string }).text
      // Looked at and let go: all of it at once would be most of what this process may have.
      await bus.subscribe(producer.stream, 'a.Reader', (one) => {
        followed.add(one)
        for (const event of one.events) bytes += textOf(event).length
      })
      await bus.publish(batch)
      await eventually('all events', () => followed.count === 2_000, 30_000)
      assert.equal(bytes, 2_000 * (64 * 1024 - 100))
    })

    test('waits for no subscriber', async () => {
      const producer = said(3)
      const began: number[] = []
      const never = new Promise<void>(() => {})
      const slow = ({ head, events }: EventBatch): unknown => {
        began.push(events[0]?.number ?? head)
        return never
      }
      await bus.subscribe(producer.stream, 'a.Slow', slow)
      for (const number of [1, 2, 3]) await bus.publish(producer.batch(number, number))
      await eventually('all to have begun', () => began.length === 3)
      assert.deepEqual(began, [1, 2, 3])
    })

    test('survives a subscriber that throws: publishing goes on, and everybody gets what comes', async () => {
      const producer = said(3)
      let thrown = 0
      await bus.subscribe(producer.stream, 'a.Broken', () => {
        thrown += 1
        throw new Error('a bug of this reader')
      })
      const { until, numbers } = await listener(bus, producer.stream)
      for (const number of [1, 2, 3]) {
        await bus.publish(producer.heartbeat())
        await bus.publish(producer.batch(number, number))
      }
      await until(3)
      await eventually('the broken reader to get all', () => thrown === 6)
      assert.deepEqual(numbers(), [1, 2, 3])
    })

    test('publishes several streams and batches at once', async () => {
      const producers = Array.from({ length: 4 }, () => said(500))
      const listeners = await Promise.all(producers.map(({ stream }) => listener(bus, stream)))
      const hundreds = [0, 100, 200, 300, 400]
      await Promise.all(
        producers.flatMap((one) => hundreds.map((first) => bus.publish(one.batch(first + 1, first + 100)))),
      )
      for (const { numbers } of listeners) await eventually('500 events', () => new Set(numbers()).size === 500)
    })

    test('takes nothing and brings nothing after its close, which may be repeated', async () => {
      const other = make()
      const producer = said(2)
      const { end, until, numbers } = await listener(other, producer.stream)
      await other.publish(producer.batch(1, 1))
      await until(1)
      await Promise.all([other.close(), other.close()])
      await other.close()
      await assert.rejects(other.publish(producer.batch(2, 2)), isUnavailable)
      await assert.rejects(other.publish(producer.heartbeat()), isUnavailable)
      await assert.rejects(
        other.subscribe(producer.stream, 'a.Reader', () => undefined),
        isUnavailable,
      )
      await bus.publish(producer.batch(2, 2))
      await end()
      assert.deepEqual(numbers(), [1])
    })

    test('closes while it publishes: the publish ends one way or the other', async () => {
      const other = make()
      const producer = said(2_000)
      const publishing = other.publish(producer.batch(1, 2_000)).then(
        () => 'taken',
        (error: unknown) => isUnavailable(error) && 'unavailable',
      )
      await other.close()
      assert.match(String(await publishing), /taken|unavailable/)
    })
  })
}
