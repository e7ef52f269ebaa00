// What became of the money of each happening, as far as the reader may know.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bookingOf, type Happening, isUnderWay, type Postings } from './task-story.ts'

const happening: Happening = {
  what: 'assigned',
  assignment: 1,
  popugId: 7,
  popugName: 'Anna',
  byId: 1,
  byName: 'Mia',
  at: '2026-03-14T12:00:00Z',
  number: 5,
  eventId: 'event-5',
  requestId: 'request-5',
}
const posting: Postings['postings'][number] = {
  kind: 'fee',
  assignment: 1,
  popugId: 7,
  popugName: 'Anna',
  amountCents: -1_500,
  at: happening.at,
  day: '2026-03-14',
  cause: { stream: 'task-tracker', epoch: 1, number: 5, eventId: 'event-5' },
}
const price = { feeCents: 1_500, rewardCents: 3_000 }
const ledger = (more: Partial<Postings> = {}): Postings => ({ upTo: 9, price, all: true, postings: [], ...more })

const cases: readonly [string, Partial<Happening>, Postings | null, number, object][] = [
  ['accounting is away', {}, null, 7, { is: 'unknown' }],
  ['it is booked', {}, ledger({ postings: [posting] }), 7, { is: 'booked', posting }],
  ['it has no number yet', { number: null }, ledger(), 7, { is: 'pending' }],
  ['accounting has not come to it', {}, ledger({ upTo: 4 }), 7, { is: 'pending' }],
  ['accounting passed it: parked', {}, ledger(), 1, { is: 'aside' }],
  ['parked, and one’s own', {}, ledger({ all: false }), 7, { is: 'aside' }],
  ['somebody else’s', {}, ledger({ all: false }), 8, { is: 'priced', amountCents: -1_500 }],
  [
    'somebody else’s reward',
    { what: 'completed', assignment: null },
    ledger({ all: false }),
    8,
    { is: 'priced', amountCents: 3_000 },
  ],
]
for (const [name, more, known, readerId, expected] of cases) {
  test(name, () => assert.deepEqual(bookingOf({ ...happening, ...more }, known, readerId), expected))
}

test('a story is under way while something is pending', () => {
  assert.equal(isUnderWay([happening], ledger({ upTo: 4 })), true)
  assert.equal(isUnderWay([happening], ledger({ postings: [posting] })), false)
  assert.equal(isUnderWay([happening], null), false)
})
