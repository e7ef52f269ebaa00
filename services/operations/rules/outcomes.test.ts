// What a plan says would become of events, by outcome, and what is different over the bus.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overTheBus, planned } from './outcomes.ts'

const applied = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ number: from + index, outcome: 'applied' }))

test('a plan counts all events of an outcome, and names the first of them', () => {
  const [first, second, ...others] = planned([{ number: 1, outcome: 'already' }, ...applied(2, 300)])
  assert.deepEqual(first, { outcome: 'already', count: 1, numbers: [1] })
  assert.deepEqual([second?.count, second?.numbers.length, second?.numbers.at(-1)], [300, 200, 201])
  assert.deepEqual(others, [])
})

test('what is parked stays so when it comes over the bus, and all else is as by hand', () => {
  const become = (outcome: string) => overTheBus({ number: 1, outcome }).outcome
  assert.equal(become('was_parked_now_applied'), 'still_parked')
  const others = ['applied', 'already', 'still_parked', 'parked', 'discarded', 'beyond', 'contradicts']
  assert.deepEqual(others.map(become), others)
})
