// The pace of a reassignment is said only when there is something to go by.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paceOf } from './pace.ts'

const now = new Date('2026-03-14T12:00:10Z')
const job = { state: 'running', done: 2_000, total: 10_000, startedAt: '2026-03-14T12:00:00Z' }

test('the rest takes as long as what is done did', () => {
  assert.deepEqual(paceOf(job, now), { perSecond: 200, secondsLeft: 40 })
  assert.deepEqual(paceOf({ ...job, done: 1, total: 2 }, now), { perSecond: 1, secondsLeft: 10 })
})

test('nothing is said before there is something to go by', () => {
  for (const unclear of [
    { startedAt: null },
    { state: 'waiting' },
    { done: 0 },
    { done: 10_000 },
    { done: 12_000 },
    { startedAt: '2026-03-14T12:00:09.500Z' },
    { startedAt: '2026-03-14T12:00:20Z' },
  ])
    assert.equal(paceOf({ ...job, ...unclear }, now), null, JSON.stringify(unclear))
})
