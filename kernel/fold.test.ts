// What is kept of several items about the same thing: the last, where the first one stood.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastPerKey } from './fold.ts'

const keep = (text: string) => lastPerKey(text.split(' ').filter(Boolean), (item) => item[0]).join(' ')

test('the last item of each key is kept, in the order in which the keys appeared', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['', ''],
    ['a1', 'a1'],
    ['a1 b1 c1', 'a1 b1 c1'],
    ['a1 a2 a3', 'a3'],
    ['a1 b1 a2', 'a2 b1'],
    ['b1 a1 b2 c1 a2 b3', 'b3 a2 c1'],
  ]
  for (const [items, kept] of cases) assert.equal(keep(items), kept)
})

test('keys are told apart by what they are, not by how they are written', () => {
  assert.deepEqual(
    lastPerKey([1, '1', 1], (item) => item),
    [1, '1'],
  )
})

test('what was given stays as it was', () => {
  const items = Object.freeze(['a1', 'a2'])
  assert.deepEqual(
    lastPerKey(items, (item) => item[0]),
    ['a2'],
  )
  assert.deepEqual(items, ['a1', 'a2'])
})
