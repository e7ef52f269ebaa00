// Prices: within their bounds, both ends reachable, uniform in whole cents, the same for whoever is assigned.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom, seedOf } from '../../../tests/support/random.ts'
import { assertUniform, countWithin } from '../../../tests/support/uniform.ts'
import { feeRangeCents } from '../../vocabulary.ts'
import { type Draw, drawPrices, fee, reward } from './prices.ts'

const ids = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

test('fees are 10 to 20 dollars and rewards 20 to 40, in cents', () => {
  assert.deepEqual(
    [fee, reward],
    [
      { from: 1_000n, to: 2_000n },
      { from: 2_000n, to: 4_000n },
    ],
  )
  assert.deepEqual({ from: Number(fee.from), to: Number(fee.to) }, feeRangeCents, 'what people are told')
})

test('both ends can be drawn', () => {
  assert.deepEqual(
    drawPrices([7], (from) => from),
    [{ taskId: 7, feeCents: 1_000n, rewardCents: 2_000n }],
  )
  assert.deepEqual(
    drawPrices([7], (_from, to) => to),
    [{ taskId: 7, feeCents: 2_000n, rewardCents: 4_000n }],
  )
})

test('whatever is drawn, prices are whole cents within their bounds, one for each task in its order', () => {
  const fractions = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
  const property = fc.property(fc.uniqueArray(fc.integer({ min: 1 })), fractions, (taskIds, stream) => {
    const draw: Draw = (from, to) => from + Math.floor((stream.next().value ?? 0) * (to - from + 1))
    const prices = drawPrices(taskIds, draw)
    assert.deepEqual(
      prices.map(({ taskId }) => taskId),
      taskIds,
    )
    for (const { feeCents, rewardCents } of prices) {
      assert.ok(typeof feeCents === 'bigint' && feeCents >= 1_000n && feeCents <= 2_000n)
      assert.ok(typeof rewardCents === 'bigint' && rewardCents >= 2_000n && rewardCents <= 4_000n)
    }
  })
  fc.assert(property, { seed: seedOf('bounds of prices') })
})

test('each price is drawn once, from the whole range, and on its own', () => {
  const property = fc.property(fc.uniqueArray(fc.integer({ min: 1 })), (taskIds) => {
    const asked: string[] = []
    drawPrices(taskIds, (from, to) => {
      asked.push(`${from}..${to}`)
      return from
    })
    assert.deepEqual(
      asked,
      taskIds.flatMap(() => ['1000..2000', '2000..4000']),
    )
  })
  fc.assert(property, { seed: seedOf('draws of prices') })
})

test('fees and rewards are uniform in whole cents, and say nothing of each other', () => {
  const random = seededRandom(seedOf('uniform prices'))
  const prices = drawPrices(ids(60_000), random.integer)
  const fees = prices.map(({ feeCents }) => Number(feeCents))
  const rewards = prices.map(({ rewardCents }) => Number(rewardCents))
  assertUniform(countWithin(fees, 1_000, 2_000), 'fees')
  assertUniform(countWithin(rewards, 2_000, 4_000), 'rewards')
  // Ten ranges of each, of 100 and 200 cents; the last cent of each is left out.
  const inner = prices.filter(({ feeCents, rewardCents }) => feeCents < 2_000n && rewardCents < 4_000n)
  const cells = inner.map(
    ({ feeCents, rewardCents }) => Number((feeCents - 1_000n) / 100n) * 10 + Number((rewardCents - 2_000n) / 200n),
  )
  assertUniform(countWithin(cells, 0, 99), 'fees against rewards')
})

test('the same draws give the same prices, whatever the tasks are called', () => {
  const property = fc.property(fc.integer(), fc.uniqueArray(fc.integer({ min: 1 })), (seed, taskIds) => {
    const amounts = (of: readonly number[]) =>
      drawPrices(of, seededRandom(seed).integer).map(({ feeCents, rewardCents }) => [feeCents, rewardCents])
    assert.deepEqual(amounts(taskIds), amounts(ids(taskIds.length)))
  })
  fc.assert(property, { seed: seedOf('repeatable prices') })
})
