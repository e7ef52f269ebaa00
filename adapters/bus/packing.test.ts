// Batches cut into messages: within their limits, each following from the one before, together what was given.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { largestEventBytes } from '../../kernel/outbox.ts'
import type { EventBatch } from '../../kernel/stream.ts'
import { HandMadeProducer } from '../../tests/support/fixture-producer.ts'
import { seededRandom, seedOf } from '../../tests/support/random.ts'
import { mostMessageBytes, packed, unpacked } from './packing.ts'

const batchOf = (texts: readonly string[], from = 1): EventBatch =>
  new HandMadeProducer('a-stream').say(texts).batch(from, texts.length)

/** Checks what holds for the messages of any batch, and gives how many events each has. */
const checked = (batch: EventBatch, mostBytes = mostMessageBytes): number[] => {
  let { predecessor } = batch
  const messages = [...packed(batch, mostBytes)].map((text) => {
    assert.ok(Buffer.byteLength(text) <= mostBytes, `a message of ${Buffer.byteLength(text)} bytes`)
    const message = unpacked(text)
    assert.deepEqual({ ...message, events: [] }, { ...batch, predecessor, events: [] })
    predecessor = message.events.at(-1)?.eventId ?? predecessor
    return message
  })
  assert.deepEqual(
    messages.flatMap(({ events }) => events),
    batch.events,
  )
  return messages.map(({ events }) => events.length)
}

const repeated = (text: string, count: number): string[] => Array.from({ length: count }, () => text)

test('a batch that fits is one message', () => {
  assert.deepEqual(checked(batchOf(['a', 'b', 'c'])), [3])
  assert.deepEqual(checked(batchOf(['a', 'b', 'c'], 2)), [2])
})

test('a heartbeat is one message, and so is that of a producer without events', () => {
  assert.deepEqual(checked(new HandMadeProducer('a-stream').say(3).heartbeat()), [0])
  assert.deepEqual(checked(new HandMadeProducer('a-stream').heartbeat()), [0])
})

test('two hundred small events share a message', () => {
  assert.deepEqual(checked(batchOf(repeated('a', 450))), [200, 200, 50])
  assert.deepEqual(checked(batchOf(repeated('a', 400), 201)), [200])
})

test('large events share a message as far as its bytes go, whatever their letters need', () => {
  assert.deepEqual(checked(batchOf(repeated('x'.repeat(60 * 1024), 7))), [3, 3, 1])
  assert.deepEqual(checked(batchOf(repeated('я'.repeat(30 * 1024), 7))), [3, 3, 1])
  assert.deepEqual(checked(batchOf(repeated('\u0000'.repeat(10 * 1024), 7))), [3, 3, 1])
})

test('a broker that takes less gets smaller messages, and one that takes more no larger ones', () => {
  const events = batchOf(repeated('x'.repeat(10 * 1024), 30))
  assert.deepEqual(checked(events, 64 * 1024), [6, 6, 6, 6, 6])
  assert.deepEqual(checked(events, 1024 ** 2), checked(events))
})

test('what no message can hold goes alone', () => {
  const texts = ['a', 'x'.repeat(70 * 1024), 'b', 'c']
  const messages = [...packed(batchOf(texts), 64 * 1024)].map(unpacked)
  assert.deepEqual(
    messages.map(({ events }) => events.map(({ number }) => number)),
    [[1], [2], [3, 4]],
  )
})

test('the largest event there can be goes alone, and fits', () => {
  const { events, ...said } = batchOf(['a'])
  const data = { about: 'x'.repeat(largestEventBytes - '{"about":""}'.length) }
  const largest = events.map((event) => ({ ...event, data, about: data.about }))
  assert.deepEqual(checked({ ...said, events: largest }), [1])
})

test('any batch is cut so that its messages follow from one another', () => {
  const random = seededRandom(seedOf('packing'))
  for (let round = 0; round < 50; round += 1) {
    const most = random.integer(1, 60_000)
    const texts = Array.from({ length: random.integer(1, 500) }, () => 'é'.repeat(random.integer(0, most >> 6)))
    checked(batchOf(texts, random.integer(1, texts.length)))
  }
})

test('what is no batch is refused', () => {
  for (const text of ['', 'null', '{}', '[]', '{"stream":"a-stream"', JSON.stringify({ ...batchOf(['a']), head: 'x' })])
    assert.throws(() => unpacked(text), Error, text)
})
