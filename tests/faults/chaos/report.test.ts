// What counts as gone wrong in chaos.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from './chaos.ts'
import { complaints, report } from './report.ts'

const good: Outcome = {
  committed: 1_000,
  applied: 1_000,
  doubled: 0,
  commands: { acknowledged: 10, refused: 2, unknown: 1 },
  blows: [
    { faults: ['the broker frozen'], recoveryMs: 300 },
    { faults: ['a link away', 'kill -9 of a process'], recoveryMs: 4_900 },
  ],
  standstillMs: 4_000,
  tookMs: 10_000,
  findings: [],
  wrong: [],
  planted: 0,
}
const finding = { what: 'an event has its one posting', where: 'task-tracker #2', expected: 'a fee', found: 'none' }

test('a run that lost nothing, doubled nothing and was never slow has nothing wrong', () => {
  assert.deepEqual(complaints(good, 1_000), [])
  assert.match(
    report(good).join('\n'),
    /0 lost, 0 doubled[^]*longest 4.9 s \(a link away and kill -9[^]*no difference, no alert[^]*nothing found/,
  )
})

test('poisoned events that operations has found are said with what is well', () => {
  assert.match(report({ ...good, planted: 42 }).join('\n'), /no difference, no alert but of 42 poisoned events/)
})

for (const [what, outcome, said] of [
  ['too few events', { committed: 999, applied: 999 }, /^only 999 events of 1,000$/],
  ['an event that was lost', { applied: 999 }, /^1 events lost$/],
  ['an effect that came twice', { doubled: 1 }, /^1 effects doubled$/],
  ['a finding of the audit', { findings: [finding] }, /^an event has its one posting: task-tracker #2: expected a fee/],
  ['what operations says', { wrong: ['the alert ConsumerLag'] }, /^operations says: the alert ConsumerLag$/],
  ['a slow recovery', { blows: [{ faults: ['a link away'], recoveryMs: 5_100 }] }, /^5.1 s .* after a link away$/],
] as const) {
  test(`${what} is wrong`, () => {
    const wrong = complaints({ ...good, ...outcome }, 1_000)
    assert.equal(wrong.length, 1)
    assert.match(wrong[0] ?? '', said)
  })
}
