// Postings: who pays whom for what, as cases and as a property of any set of events.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { total } from '../../../kernel/money.ts'
import { seedOf } from '../../../tests/support/random.ts'
import { accountOf, type Basis, companyTasks, fees, type Posting, rewards } from './postings.ts'

const at = new Date('2026-05-01T12:00:00Z')
const basis: Basis = {
  priceOf: new Map([[11, { taskId: 11, feeCents: 1_234n, rewardCents: 3_456n }]]),
  dayOf: new Map([[5, '2026-05-02']]),
}
const cause = { epoch: 2, number: 5, eventId: 'an event', at }

test('the assignee pays the fee to the company, with what caused it', () => {
  const [fee, ...others] = fees([{ ...cause, data: { taskId: 11, popugId: 7, assignment: 3 } }], basis)
  assert.deepEqual(others, [])
  assert.deepEqual(fee, {
    epoch: 2,
    number: 5,
    line: 1,
    eventId: 'an event',
    kind: 'fee',
    taskId: 11,
    assignment: 3,
    popugId: 7,
    from: 'popug:7',
    to: 'company:tasks',
    amountCents: 1_234n,
    day: '2026-05-02',
    at,
  })
})

test('the company pays the reward to who completed the task', () => {
  const [reward, ...others] = rewards([{ ...cause, data: { taskId: 11, popugId: 7 } }], basis)
  assert.deepEqual(others, [])
  assert.deepEqual(reward, {
    epoch: 2,
    number: 5,
    line: 1,
    eventId: 'an event',
    kind: 'reward',
    taskId: 11,
    assignment: null,
    popugId: 7,
    from: 'company:tasks',
    to: 'popug:7',
    amountCents: 3_456n,
    day: '2026-05-02',
    at,
  })
})

test('nothing is booked without a price or a day', () => {
  const data = { taskId: 11, popugId: 7, assignment: 1 }
  for (const broken of [
    { ...basis, priceOf: new Map() },
    { ...basis, dayOf: new Map() },
  ]) {
    assert.throws(() => fees([{ ...cause, data }], broken), /nothing known of/)
    assert.throws(() => rewards([{ ...cause, data }], broken), /nothing known of/)
  }
})

test('nothing happened, nothing is booked', () => {
  assert.deepEqual([fees([], basis), rewards([], basis)], [[], []])
})

/** What an account ends with when these postings are all there is. */
const balances = (postings: readonly Posting[]): Map<string, bigint> => {
  const sums = new Map<string, bigint>()
  for (const { from, to, amountCents } of postings) {
    sums.set(from, (sums.get(from) ?? 0n) - amountCents)
    sums.set(to, (sums.get(to) ?? 0n) + amountCents)
  }
  return sums
}

const price = fc.record({
  feeCents: fc.bigInt({ min: 1_000n, max: 2_000n }),
  rewardCents: fc.bigInt({ min: 2_000n, max: 4_000n }),
})
const happened = fc.record({
  taskId: fc.integer({ min: 1, max: 20 }),
  popugId: fc.integer({ min: 1, max: 5 }),
  assignment: fc.integer({ min: 1, max: 9 }),
})

test('whatever happened, postings balance, are positive, and each event has exactly one', () => {
  const property = fc.property(
    fc.array(happened),
    fc.array(happened),
    fc.array(price, { minLength: 20, maxLength: 20 }),
    (assigned, completed, prices) => {
      const caused = [...assigned, ...completed].map((data, index) => ({ ...cause, number: index + 1, data }))
      const given: Basis = {
        priceOf: new Map(prices.map((one, index) => [index + 1, { taskId: index + 1, ...one }])),
        dayOf: new Map(caused.map(({ number }) => [number, '2026-05-01'])),
      }
      const [charged, paid] = [caused.slice(0, assigned.length), caused.slice(assigned.length)]
      const postings = [...fees(charged, given), ...rewards(paid, given)]
      assert.deepEqual(
        postings.map(({ number }) => number),
        caused.map(({ number }) => number),
      )
      assert.ok(postings.every(({ amountCents, from, to }) => amountCents > 0n && from !== to))
      const sums = balances(postings)
      assert.equal(total(sums.values()), 0n)
      // The same, told without postings.
      const feeOf = (taskId: number) => given.priceOf.get(taskId)?.feeCents ?? 0n
      const rewardOf = (taskId: number) => given.priceOf.get(taskId)?.rewardCents ?? 0n
      const earned =
        total(assigned.map(({ taskId }) => feeOf(taskId))) - total(completed.map(({ taskId }) => rewardOf(taskId)))
      assert.equal(sums.get(companyTasks) ?? 0n, earned)
      for (let popugId = 1; popugId <= 5; popugId += 1) {
        const own = (all: typeof assigned) => all.filter((one) => one.popugId === popugId)
        const expected =
          total(own(completed).map(({ taskId }) => rewardOf(taskId))) -
          total(own(assigned).map(({ taskId }) => feeOf(taskId)))
        assert.equal(sums.get(accountOf(popugId)) ?? 0n, expected)
      }
    },
  )
  fc.assert(property, { seed: seedOf('postings'), numRuns: 200 })
})
