// What operations may find when chaos is over, and what it must.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wrongDifferences } from './verdict.ts'

const difference = (about: string) => ({ name: 'tasks-log', about, what: 'different' }) as const
const forged = [12, 13, 40]
const named = forged.map((number) => difference(`task-tracker #${number}: an event is of a task`))

test('events that faults have put into the log are found, each of them, and nothing else is', () => {
  assert.deepEqual(wrongDifferences([], []), [])
  assert.deepEqual(wrongDifferences(named, forged), [])
})

test('another difference is wrong, whatever it is about', () => {
  for (const about of ['task-tracker #14: an event is of a task', 'task 12: a task is as its events tell', 'popug 40'])
    assert.deepEqual(wrongDifferences([...named, difference(about)], forged), [
      `a difference of tasks-log: ${about} is different`,
    ])
})

test('an event of no task that is not found is wrong, unless more are found than operations names', () => {
  assert.deepEqual(wrongDifferences(named.slice(1), forged), ['1 events of no task are not found'])
  const many = Array.from({ length: 150 }, (_, place) => place + 1)
  const first = many.slice(0, 100).map((number) => difference(`task-tracker #${number}`))
  assert.deepEqual(wrongDifferences(first, many), [])
  assert.deepEqual(wrongDifferences(first.slice(1), many), ['1 events of no task are not found'])
})
