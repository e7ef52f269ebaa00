// What came of the steps of an act: added up by kind, with an example of each, and how much of it was in vain.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deliveryOutcome } from '../vocabulary.ts'
import { added, type Came, failures, type Result } from './tally.ts'

const result = (what: string, count: number, example: string | null = null): Result => ({ what, count, example })

describe('what came of a step', () => {
  for (const [what, before, came, wanted] of [
    ['nothing, of nothing', [], [], []],
    ['nothing', [result('applied', 2)], [], [result('applied', 2)]],
    ['the first', [], [{ what: 'applied' }, { what: 'applied' }], [result('applied', 2)]],
    [
      'more of what is known, and others, in the order of their appearance',
      [result('beyond', 1), result('applied', 3)],
      [{ what: 'parked', detail: 'x' }, { what: 'applied' }, { what: 'absent' }],
      [result('beyond', 1), result('applied', 4), result('parked', 1, 'x'), result('absent', 1)],
    ],
    [
      'the first example that says anything',
      [],
      [
        { what: 'parked', detail: '' },
        { what: 'parked' },
        { what: 'parked', detail: 'a' },
        { what: 'parked', detail: 'b' },
      ],
      [result('parked', 4, 'a')],
    ],
    ['an example stays', [result('parked', 1, 'a')], [{ what: 'parked', detail: 'b' }], [result('parked', 2, 'a')]],
    ['an example is made up for', [result('parked', 1)], [{ what: 'parked', detail: 'b' }], [result('parked', 2, 'b')]],
  ] satisfies readonly (readonly [string, readonly Result[], readonly Came[], readonly Result[]])[])
    test(what, () => assert.deepEqual(added(before, came), wanted))
})

test('of what a delivery can come to, this is in vain', () => {
  assert.deepEqual(
    deliveryOutcome.options.filter((what) => failures([{ what }]) > 0),
    ['still_parked', 'parked', 'beyond', 'contradicts'],
  )
})

test('what nobody knows is in vain, and each is counted', () => {
  assert.equal(failures([]), 0)
  assert.equal(failures([{ what: 'said' }, { what: 'error' }, { what: 'parked' }, { what: 'parked' }]), 3)
})
