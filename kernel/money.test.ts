// Cents stay whole at any size, and reach JSON only where a JSON number carries them exactly.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dollars, total, toWire } from './money.ts'

test('dollars are hundreds of cents, and only whole ones are accepted', () => {
  for (const [whole, cents] of [
    [0, 0n],
    [1, 100n],
    [-20, -2_000n],
    [90_071_992_547_409, 9_007_199_254_740_900n],
  ] as const) {
    assert.equal(dollars(whole), cents)
  }
  for (const notWhole of [0.1, 19.99, Number.NaN, Infinity]) assert.throws(() => dollars(notWhole), RangeError)
})

test('cents go to JSON exactly or not at all', () => {
  const largest = BigInt(Number.MAX_SAFE_INTEGER)
  for (const cents of [0n, 1n, -1n, 1_999n, largest, -largest]) assert.equal(BigInt(toWire(cents)), cents)
  for (const cents of [largest + 1n, -largest - 1n, 10n ** 30n]) assert.throws(() => toWire(cents), RangeError)
})

test('a total of any size loses no cent', () => {
  assert.equal(total([]), 0n)
  assert.equal(total([10n, -3n, -7n]), 0n)
  assert.equal(total([10n ** 20n, 1n, -(10n ** 20n)]), 1n)
  assert.equal(total(new Set([1n, 2n, 3n])), 6n)
})
