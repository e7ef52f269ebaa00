// Ranges cover every number once, however a comparison is cut into steps; and each differing event is named.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { differingEvents, mostRanges, type Range, rangesAround, rangesBetween, rangeSize, type Told } from './ranges.ts'

const pairs = (ranges: readonly Range[]) => ranges.map(({ after, upTo }) => [after, upTo])

describe('the ranges between two numbers', () => {
  for (const [after, upTo, wanted] of [
    [0, 0, []],
    [7, 7, []],
    [8, 7, []],
    [0, 1, [[0, 1]]],
    [0, 500, [[0, 500]]],
    [
      0,
      501,
      [
        [0, 500],
        [500, 501],
      ],
    ],
    [499, 500, [[499, 500]]],
    [
      499,
      1_001,
      [
        [499, 500],
        [500, 1_000],
        [1_000, 1_001],
      ],
    ],
    [500, 1_000, [[500, 1_000]]],
  ] as const)
    test(`behind ${after} up to ${upTo}`, () => assert.deepEqual(pairs(rangesBetween(after, upTo)), wanted))

  test('are as many as one step compares, and the next step goes on where they end', () => {
    const upTo = mostRanges * rangeSize + 3
    const first = rangesBetween(0, upTo)
    assert.equal(first.length, mostRanges)
    const end = first.at(-1)?.upTo ?? 0
    assert.deepEqual(pairs(rangesBetween(end, upTo)), [[end, upTo]])
  })
})

describe('the ranges around numbers', () => {
  for (const [numbers, upTo, wanted] of [
    [[], 900, []],
    [[1], 900, [[0, 500]]],
    [[500], 900, [[0, 500]]],
    [[501], 900, [[500, 900]]],
    [
      [777, 3, 500, 501],
      5_000,
      [
        [0, 500],
        [500, 1_000],
      ],
    ],
    // What lies beyond what may be compared waits.
    [[1_200, 2], 1_000, [[0, 500]]],
  ] as const)
    test(`${numbers.join()} up to ${upTo}`, () => assert.deepEqual(pairs(rangesAround(numbers, upTo)), wanted))

  test('are the lowest ones when there are more than one step compares', () => {
    const numbers = Array.from({ length: mostRanges + 5 }, (_, index) => index * rangeSize + 1).toReversed()
    const ranges = rangesAround(numbers, numbers.length * rangeSize)
    assert.deepEqual([ranges.length, ranges[0]?.after], [mostRanges, 0])
  })
})

describe('events that differ', () => {
  const told = (number: number, data: unknown = {}, eventId = `id-${number}`): Told => ({
    number,
    eventId,
    type: 'TaskAssigned',
    data,
  })
  const said = (number: number, data = '{}', eventId = `id-${number}`) => `TaskAssigned ${data} (${eventId})`

  for (const [what, leading, following, wanted] of [
    ['none', [told(1), told(2)], [told(2), told(1)], []],
    ['missing', [told(1), told(2)], [told(1)], [[2, 'missing', said(2), null]]],
    ['extra', [told(1)], [told(1), told(2)], [[2, 'extra', null, said(2)]]],
    ['doubled', [told(1)], [told(1), told(1)], [[1, 'extra', said(1), `${said(1)}; ${said(1)}`]]],
    [
      'other data',
      [told(1, { a: 1 })],
      [told(1, { a: 2 })],
      [[1, 'different', said(1, '{"a":1}'), said(1, '{"a":2}')]],
    ],
    ['another event', [told(1)], [told(1, {}, 'other')], [[1, 'different', said(1), said(1, '{}', 'other')]]],
    [
      'several, by number',
      [told(3), told(1)],
      [told(4), told(1, [])],
      [
        [1, 'different', said(1), said(1, '[]')],
        [3, 'missing', said(3), null],
        [4, 'extra', null, said(4)],
      ],
    ],
  ] as const)
    test(what, () =>
      assert.deepEqual(
        differingEvents(leading, following).map((one) => [one.number, one.what, one.expected, one.found]),
        wanted,
      ),
    )
})
