// What a reader makes of messages, also of those that are none of its own.
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { EventBatch } from '../../kernel/stream.ts'
import { HandMadeProducer } from '../../tests/support/fixture-producer.ts'
import { silent } from '../../tests/support/silent.ts'
import { newTokenKey } from '../transport/token.ts'
import { markHeader, marksBy } from './marking.ts'
import { hearing } from './nats-hearing.ts'

const producer = new HandMadeProducer('a-stream').say(10)

const reader = (deliver: (batch: EventBatch) => void = () => undefined) => {
  const delivered: EventBatch[] = []
  const said: string[] = []
  const log = {
    ...silent,
    warn: (_fields: object, message: string) => void said.push(message),
    error: (_fields: object, message: string) => void said.push(message),
  }
  const over = new AbortController()
  const both = (batch: EventBatch) => {
    delivered.push(batch)
    deliver(batch)
  }
  const { hear, failed } = hearing({ stream: 'a-stream', reader: 'a.Reader', deliver: both, log }, over.signal)
  let failure = ''
  failed.catch((error: unknown) => (failure = String(error)))
  return {
    delivered,
    said,
    end: () => over.abort(),
    hearText: (text: string) => hear({ string: () => text }),
    hear: (batch: EventBatch) => hear({ string: () => JSON.stringify(batch) }),
    failure: async () => {
      await Promise.resolve()
      return failure
    },
  }
}

/** Time as the test says, in milliseconds. */
const clock = (t: TestContext) => {
  let now = 1_000
  t.mock.method(performance, 'now', () => now)
  return { pass: (ms: number) => (now += ms) }
}

test('what is no batch, and what is of another stream, is left out and said', () => {
  const { hearText, hear, delivered, said } = reader()
  hearText('')
  hearText('{"stream":"a-stream"}')
  hear(new HandMadeProducer('another').say(1).batch(1, 1))
  hear(producer.batch(1, 2))
  assert.deepEqual(delivered, [producer.batch(1, 2)])
  assert.equal(said.length, 3)
})

test('a message that cannot even be read does not throw', () => {
  const { said } = reader()
  const { hear } = hearing(
    { stream: 'a-stream', reader: 'a.Reader', deliver: () => undefined, log: { ...silent, warn: () => said.push('') } },
    new AbortController().signal,
  )
  hear({
    string: () => {
      throw new Error('broken bytes')
    },
  })
  assert.equal(said.length, 1)
})

test('a reader that throws is named, and gets the next batch', () => {
  const { hear, delivered, said } = reader(() => {
    throw new Error('a bug of this reader')
  })
  hear(producer.batch(1, 1))
  hear(producer.batch(2, 2))
  assert.deepEqual([delivered.length, said], [2, ['a reader failed on a batch', 'a reader failed on a batch']])
})

test('nothing is delivered after the end', () => {
  const { hear, delivered, end } = reader()
  hear(producer.batch(1, 1))
  end()
  hear(producer.batch(2, 2))
  assert.equal(delivered.length, 1)
})

test('heads that run ahead of events for five seconds say that the subscription is dead', async (t) => {
  const { pass } = clock(t)
  const { hear, failure } = reader()
  hear(producer.batch(1, 5))
  hear(producer.heartbeat())
  pass(5_000)
  hear(producer.heartbeat())
  assert.equal(await failure(), '')
  pass(1)
  hear(producer.heartbeat())
  assert.match(await failure(), /events up to 10 were said, and only those up to 5 came/)
})

test('what was said before the session is not missed', async (t) => {
  const { pass } = clock(t)
  const { hear, failure } = reader()
  for (let round = 0; round < 3; round += 1) {
    hear(producer.heartbeat())
    pass(10_000)
  }
  assert.equal(await failure(), '')
  const ahead = { ...producer.heartbeat(), head: 11 }
  hear(ahead)
  pass(10_000)
  hear(ahead)
  assert.match(await failure(), /events up to 11 were said/)
})

test('events that come, though late, say that the subscription lives', async (t) => {
  const { pass } = clock(t)
  const { hear, failure } = reader()
  for (const number of [1, 2, 3, 4]) {
    hear(producer.batch(number, number))
    hear(producer.heartbeat())
    pass(4_000)
  }
  hear(producer.heartbeat())
  assert.equal(await failure(), '')
})

describe('where messages have marks', () => {
  const marked = async (sign: (text: string) => string | undefined) => {
    const marks = marksBy(await newTokenKey())
    const delivered: EventBatch[] = []
    const warnings: string[] = []
    const log = { ...silent, warn: (_fields: object, message: string) => void warnings.push(message) }
    const options = { stream: 'a-stream', reader: 'a.Reader', deliver: (one: EventBatch) => delivered.push(one), log }
    const { hear } = hearing({ ...options, marks }, new AbortController().signal)
    const say = (batch: EventBatch) => {
      const text = JSON.stringify(batch)
      const mark = sign(text) ?? marks.of(text)
      hear({ string: () => text, headers: { get: (name) => (name === markHeader ? mark : '') } })
    }
    return { say, hear, delivered, warnings }
  }

  test('events with our mark are handed on as they are', async () => {
    const { say, delivered, warnings } = await marked(() => undefined)
    say(producer.batch(1, 2))
    assert.deepEqual([delivered, warnings], [[producer.batch(1, 2)], []])
  })

  test('events without it say no more than where the stream ends, once in the log', async () => {
    const { say, hear, delivered, warnings } = await marked(() => 'forged')
    say(producer.batch(1, 2))
    hear({ string: () => JSON.stringify(producer.batch(3, 4)) })
    const head = { ...producer.heartbeat(), predecessor: null }
    assert.deepEqual(delivered, [head, head])
    assert.deepEqual(warnings, ['events without our mark: they are looked for in the log'])
  })

  test('heads need none', async () => {
    const { hear, delivered } = await marked(() => undefined)
    hear({ string: () => JSON.stringify(producer.heartbeat()) })
    assert.deepEqual(delivered, [producer.heartbeat()])
  })
})
