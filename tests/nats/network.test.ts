// What lies between aTES and the broker is slow, loses one direction or breaks.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mostOnTheirWay } from '../../adapters/bus/nats-publishing.ts'
import { Fault } from '../../kernel/result.ts'
import type { EventBatch } from '../../kernel/stream.ts'
import { eventually } from '../support/eventually.ts'
import { seededRandom, seedOf } from '../support/random.ts'
import { openBroker } from './broker.ts'
import { busAt, listen, producerOf } from './listening.ts'
import { openProxy } from './proxy.ts'
import { broughtByBroker, openStage, recoveryMs, within, writeLines } from './stage.ts'

const isUnavailable = (error: unknown) => error instanceof Fault && error.kind === 'unavailable'

describe('between aTES and the broker', { concurrency: 3 }, () => {
  test('slow acknowledgements: no more messages are on their way than the window has, and all arrive', async () => {
    await using broker = await openBroker()
    await using proxy = await openProxy(broker.port)
    await using publisher = busAt(proxy.url)
    await using reader = busAt(broker.url)
    const { all, numbers } = await listen(reader)
    const producer = producerOf(20_001)
    await publisher.publish(producer.batch(1, 1))
    proxy.toClient.hold()
    const publishing = publisher.publish(producer.batch(2, 20_001))
    const inWindow = 1 + 200 * mostOnTheirWay
    await all(inWindow)
    // What else were on its way would come before this answer.
    await reader.publish(producer.heartbeat())
    assert.equal(Math.max(...numbers), inWindow)
    proxy.toClient.release()
    await publishing
    await all(20_001)
  })

  test('lost acknowledgements: messages are sent again, and the publish ends when they are acknowledged', async () => {
    await using broker = await openBroker()
    await using proxy = await openProxy(broker.port)
    await using publisher = busAt(proxy.url)
    await using reader = busAt(broker.url)
    const { all, numbers } = await listen(reader)
    const producer = producerOf(1_000)
    await publisher.publish(producer.batch(1, 1))
    proxy.toClient.swallow()
    const publishing = publisher.publish(producer.batch(2, 1_000))
    await all(1_000)
    proxy.cut()
    proxy.toClient.release()
    await publishing
    await eventually('the events again', () => numbers.length === 1 + 2 * 999)
  })

  test('a connection that is dead without a word: publishing fails in bounded time, and succeeds on a new one', async () => {
    await using broker = await openBroker()
    await using proxy = await openProxy(broker.port)
    await using publisher = busAt(proxy.url)
    const producer = producerOf(10)
    await publisher.publish(producer.batch(1, 1))
    proxy.toServer.swallow()
    proxy.toClient.swallow()
    await within(15_000, 'the failure', () => assert.rejects(publisher.publish(producer.batch(2, 10)), isUnavailable))
    await within(15_000, 'the failure', () => assert.rejects(publisher.publish(producer.heartbeat()), isUnavailable))
    proxy.toServer.release()
    proxy.toClient.release()
    const published = () =>
      publisher.publish(producer.batch(2, 10)).then(
        () => true,
        () => false,
      )
    await within(recoveryMs, 'the recovery', async () => void (await eventually('a publish', published)))
  })

  for (const direction of ['toServer', 'toClient'] as const) {
    test(`a reader whose connection is dead ${direction === 'toServer' ? 'to' : 'from'} the broker gets a new one`, async () => {
      await using broker = await openBroker()
      await using proxy = await openProxy(broker.port)
      await using publisher = busAt(broker.url)
      await using reader = busAt(proxy.url)
      const { all, numbers } = await listen(reader)
      const producer = producerOf(2)
      const brought = async (batch: EventBatch) =>
        void (await eventually('event 2', async () => {
          await publisher.publish(batch)
          return numbers.includes(2)
        }))
      await publisher.publish(producer.batch(1, 1))
      await all(1)
      const connections = proxy.connections()
      proxy[direction].swallow()
      await eventually('a new connection', () => proxy.connections() > connections)
      proxy[direction].release()
      await within(recoveryMs, 'the recovery', () => brought(producer.batch(2, 2)))
    })
  }

  test('what was said while a reader was cut off for a moment is brought when it is back, and nothing older', async () => {
    await using broker = await openBroker()
    await using proxy = await openProxy(broker.port)
    await using publisher = busAt(broker.url)
    const producer = producerOf(30)
    await publisher.publish(producer.batch(1, 10))
    await using reader = busAt(proxy.url)
    const { numbers } = await listen(reader)
    await publisher.publish(producer.batch(11, 20))
    await eventually('the first events', () => numbers.includes(20))
    await proxy.away()
    await publisher.publish(producer.batch(21, 30))
    await proxy.back()
    await eventually('the other events', () => numbers.includes(30))
    assert.equal(Math.min(...numbers), 11)
  })

  test('connections that break at any moment, on both sides: every event is applied once', async () => {
    await using broker = await openBroker()
    await using toAuthor = await openProxy(broker.port)
    await using toArchive = await openProxy(broker.port)
    await using stage = await openStage()
    const author = await stage.author(toAuthor.url)
    await stage.archive(toArchive.url)
    await broughtByBroker(stage, author)
    const random = seededRandom(seedOf('broken connections'))
    for (let round = 0; round < 10; round += 1) {
      const traffic = writeLines(author, 1_000)
      const moment = (await stage.committed()) + random.integer(0, 1_000)
      await eventually('the moment', async () => (await stage.committed()) >= moment)
      for (const proxy of [toAuthor, toArchive]) if (random.integer(0, 2) > 0) proxy.cut()
      await traffic
    }
    await within(recoveryMs, 'the recovery', () => broughtByBroker(stage, author))
  })

  test('a consumer cut off from the broker reads the log, and is brought events when the way is free', async () => {
    await using broker = await openBroker()
    await using proxy = await openProxy(broker.port)
    await using stage = await openStage()
    const author = await stage.author(broker.url)
    await stage.archive(proxy.url)
    await broughtByBroker(stage, author)
    await proxy.away()
    await writeLines(author, 3_000)
    await stage.allApplied()
    await proxy.back()
    await within(recoveryMs, 'the recovery', () => broughtByBroker(stage, author))
  })
})

/** Not beside the others, for it turns the clock of this process. */
test('after a longer time only what is new is brought: the log has the rest', async (t) => {
  await using broker = await openBroker()
  await using proxy = await openProxy(broker.port)
  await using publisher = busAt(broker.url)
  await using reader = busAt(proxy.url)
  const { all, numbers } = await listen(reader)
  const producer = producerOf(30)
  await publisher.publish(producer.batch(1, 10))
  await all(10)
  await proxy.away()
  await publisher.publish(producer.batch(11, 20))
  const { now } = performance
  t.mock.method(performance, 'now', () => now.call(performance) + 11_000)
  await proxy.back()
  await eventually('what is new', async () => {
    await publisher.publish(producer.batch(21, 30))
    return numbers.includes(30)
  })
  assert.deepEqual(
    numbers.filter((number) => number > 10 && number <= 20),
    [],
  )
})
