// What a reader holds is bounded by number and by size; what does not fit is said to be missing.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HandMadeProducer } from '../tests/support/fixture-producer.ts'
import { upTo } from '../tests/support/fixture-system.ts'
import { Held } from './held.ts'
import type { Position } from './position.ts'

const megabyte = 'x'.repeat(1024 * 1024)
const producerOf = (count: number, text: string) =>
  new HandMadeProducer('author').say(Array.from({ length: count }, () => text))
const at = (number: number): Position => ({
  consumer: 'KeepLines',
  stream: 'author',
  number,
  eventId: null,
  epoch: 1,
  state: 'running',
  reason: null,
  parkedInRow: 0,
})
const numbersOf = ({ events }: ReturnType<Held['take']>) => events.map(({ number }) => number)

describe('what is held', () => {
  test('ends at 64 MB, and is taken again when there is room', () => {
    const held = new Held()
    const producer = producerOf(80, megabyte)
    held.add(producer.batch(1, 80), 0)
    assert.ok(held.overflowed)
    let position = 0
    for (let run = held.take(at(position), 100); run.events.length > 0; run = held.take(at(position), 100)) {
      position = run.events.at(-1)?.number ?? position
      held.forget(position)
    }
    assert.equal(position, 64)
    assert.ok(!held.overflowed)
    held.add(producer.batch(60, 80), position)
    assert.deepEqual(numbersOf(held.take(at(position), 3)), [65, 66, 67])
    assert.ok(!held.overflowed)
  })

  test('counts once what comes twice', () => {
    const held = new Held()
    const producer = producerOf(40, megabyte)
    for (const _time of upTo(3)) held.add(producer.batch(1, 40), 0)
    assert.ok(!held.overflowed)
  })

  test('is forgotten as a whole when it is dropped', () => {
    const held = new Held()
    const producer = producerOf(60, megabyte)
    for (const _time of upTo(3)) {
      held.add(producer.batch(1, 60), 0)
      held.drop()
    }
    assert.deepEqual([held.overflowed, numbersOf(held.take(at(0), 100))], [false, []])
  })

  test('ends at 10,000 events, however small', () => {
    const held = new Held()
    held.add(producerOf(10_001, '').batch(1, 10_001), 0)
    assert.ok(held.overflowed)
    assert.equal(held.take(at(0), 20_000).events.length, 10_000)
  })
})

test('what is taken at once ends with the event that reaches 8 MB', () => {
  const held = new Held()
  held.add(producerOf(20, megabyte).batch(1, 20), 0)
  assert.deepEqual(numbersOf(held.take(at(0), 100)), upTo(8))
  assert.deepEqual(numbersOf(held.take(at(8), 100)), upTo(8, 9))
  const large = new Held()
  large.add(producerOf(3, megabyte.repeat(9)).batch(1, 3), 0)
  assert.deepEqual(numbersOf(large.take(at(0), 100)), [1])
})
