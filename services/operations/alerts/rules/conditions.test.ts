// What is wrong in an observation: for each alert the least that is, and the most that is not.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { alertText } from '../../../web/texts/alerts.ts'
import { ru } from '../../../web/texts/ru.ts'
import type { Observation, State } from '../../observation.ts'
import { type AlertName, alertNames } from './catalog.ts'
import { type ChannelState, conditionsIn, unseenIn } from './conditions.ts'
import { sentenceOf } from './words.ts'

const now = new Date('2026-01-01T12:00:00Z')
const ago = (ms: number): string => new Date(now.getTime() - ms).toISOString()

const stream: State['stream'] = {
  epoch: 1,
  head: 90,
  headEventId: null,
  published: 90,
  unnumbered: 0,
  oldestUnnumberedMs: 0,
  oldestUnpublishedMs: 0,
  oldestSnapshotMs: 0,
}
const position: State['positions'][number] = {
  consumer: 'ledger',
  stream: 'task-tracker',
  number: 80,
  eventId: null,
  epoch: 1,
  state: 'running',
  reason: null,
  movedAt: null,
  parked: 0,
}
const job: State['jobs'][number] = {
  name: 'assign-tasks',
  id: 1,
  state: 'running',
  reason: null,
  progress: null,
  requestedBy: null,
  requestedAt: ago(3_600_000),
  startedAt: ago(3_600_000),
  steppedAt: ago(1_000),
  trouble: null,
}
const lag: Observation['lags'][number] = {
  service: 'accounting',
  consumer: 'ledger',
  stream: 'task-tracker',
  number: 80,
  head: 90,
  behindMs: 0,
  movedMs: 0,
  state: 'running',
  reason: null,
}
const missing: Observation['undelivered'][number] = {
  service: 'accounting',
  consumer: 'ledger',
  stream: 'task-tracker',
  after: 80,
  head: 90,
  openMs: 0,
  reason: 'producer unreachable',
}
const instance: Observation['instances'][number] = {
  service: 'accounting',
  instance: 'a',
  startedAt: ago(3_600_000),
  seenMs: 0,
  troubles: {},
  breakers: { identity: 'closed' },
}
const accounting: Observation['services'][number] & { readonly state: State } = {
  name: 'accounting',
  silentMs: 0,
  silentReason: null,
  answeringMs: 3_600_000,
  state: {
    service: 'accounting',
    instance: 'a',
    startedAt: ago(3_600_000),
    now: now.toISOString(),
    stream,
    positions: [position],
    parkedGroups: [],
    jobs: [job],
    undelivered: [],
    troubles: {},
    breakers: {},
  },
}
const well: Observation = {
  at: now,
  watchingMs: 3_600_000,
  services: [accounting],
  instances: [instance],
  lags: [lag],
  undelivered: [],
  differences: { open: 0, oldestMs: 0, lastRoundAt: now, idleMs: 0, ledgerUnbalanced: false },
}

type Part = Partial<Observation> & { readonly channels?: readonly ChannelState[] }

const conditionsOf = ({ channels = [], ...part }: Part) => conditionsIn({ ...well, ...part }, channels)
const namesIn = (part: Part): AlertName[] => conditionsOf(part).map(({ name }) => name)

const inState = (state: Partial<State>): Part => ({
  services: [{ ...accounting, state: { ...accounting.state, ...state } }],
})
const inStream = (change: Partial<State['stream']>): Part => inState({ stream: { ...stream, ...change } })
const inPosition = (change: Partial<State['positions'][number]>): Part =>
  inState({ positions: [{ ...position, ...change }] })
const inJob = (change: Partial<State['jobs'][number]>): Part => inState({ jobs: [{ ...job, ...change }] })
const inLag = (change: Partial<typeof lag>): Part => ({ lags: [{ ...lag, ...change }] })
const inDifferences = (change: Partial<Observation['differences']>): Part => ({
  differences: { ...well.differences, ...change },
})
const inChannel = (failingMs: number): Part => ({
  channels: [{ channel: 'webhook', failingMs, attempts: 3, waiting: 1, error: 'refused' }],
})
const inBreaker = (state: 'closed' | 'half-open' | 'open'): Part => ({
  instances: [{ ...instance, breakers: { identity: state } }],
})
const silent = (silentMs: number): Part => ({ services: [{ ...accounting, silentMs, silentReason: 'refused' }] })
/** Its last answer tells of trouble, and it has not answered since. */
const lastSaid = (part: Part): Part => ({
  ...part,
  services: (part.services ?? well.services).map((service) => ({ ...service, silentMs: 1 })),
})

/** What is said, what is not yet. WatcherDead is not seen by the watcher. */
const cases: readonly [AlertName, wrong: readonly Part[], fine: readonly Part[]][] = [
  [
    'EventsUnnumbered',
    [inStream({ oldestUnnumberedMs: 10_001 })],
    [inStream({ oldestUnnumberedMs: 10_000 }), lastSaid(inStream({ oldestUnnumberedMs: 10_001 }))],
  ],
  ['EventsUnpublished', [inStream({ oldestUnpublishedMs: 30_001 })], [inStream({ oldestUnpublishedMs: 30_000 })]],
  ['OldSnapshot', [inStream({ oldestSnapshotMs: 900_001 })], [inStream({ oldestSnapshotMs: 900_000 })]],
  [
    'EventsUndelivered',
    [{ undelivered: [{ ...missing, openMs: 10_001 }] }],
    [{ undelivered: [{ ...missing, openMs: 10_000 }] }],
  ],
  [
    'ConsumerLag',
    [inLag({ behindMs: 60_001 })],
    [inLag({ behindMs: 60_000 }), inLag({ behindMs: 60_001, state: 'paused' })],
  ],
  [
    'ConsumerStopped',
    [inPosition({ state: 'paused' }), inPosition({ state: 'forked', reason: 'other history' })],
    [lastSaid(inPosition({ state: 'paused' }))],
  ],
  ['EventsParked', [inPosition({ parked: 1 })], [lastSaid(inPosition({ parked: 1 }))]],
  ['ProducerSilent', [silent(15_001)], [silent(15_000)]],
  ['BreakerOpen', [inBreaker('open'), inBreaker('half-open')], [inBreaker('closed'), lastSaid(inBreaker('open'))]],
  [
    'JobStuck',
    [
      inJob({ steppedAt: ago(120_001) }),
      inJob({ steppedAt: null, startedAt: null, state: 'queued', requestedAt: ago(120_001), trouble: 'no disk' }),
      inJob({ steppedAt: ago(120_001), state: 'waiting', reason: 'nobody to draw' }),
    ],
    [
      inJob({ steppedAt: ago(120_000) }),
      inJob({ steppedAt: ago(999_999), state: 'done' }),
      inJob({ steppedAt: ago(999_999), state: 'cancelled' }),
      inState({ jobs: [job, { ...job, id: 2, state: 'queued', startedAt: null, steppedAt: null }] }),
    ],
  ],
  [
    'ReconciliationDifference',
    [inDifferences({ open: 1, oldestMs: 10_001 })],
    [inDifferences({ open: 1, oldestMs: 10_000 })],
  ],
  ['ReconciliationStalled', [inDifferences({ idleMs: 600_001 })], [inDifferences({ idleMs: 600_000 })]],
  ['LedgerUnbalanced', [inDifferences({ ledgerUnbalanced: true })], []],
  ['AlertChannelDown', [inChannel(60_001)], [inChannel(60_000)]],
]

for (const [name, wrong, fine] of cases) {
  describe(name, () => {
    for (const [index, part] of wrong.entries())
      test(`is a condition (${index + 1})`, () => assert.deepEqual(namesIn(part), [name]))
    for (const [index, part] of fine.entries())
      test(`is none yet (${index + 1})`, () => assert.deepEqual(namesIn(part), []))
  })
}

test('nothing is wrong where everything is well', () => assert.deepEqual(namesIn({}), []))

test('every alert has its cases, but the one of the watcher itself', () => {
  const seen = [...cases.map(([name]) => name), 'WatcherDead']
  assert.deepEqual(seen.toSorted(), alertNames.toSorted())
})

test('a consumer that stands still has one alert, not one more for its lag', () => {
  const undelivered = [{ ...missing, openMs: 999_999 }]
  assert.deepEqual(namesIn({ undelivered, ...inLag({ behindMs: 999_999 }) }), ['EventsUndelivered'])
})

test('breakers that are not closed in several processes are one condition', () => {
  const instances = (['open', 'half-open', 'closed'] as const).map((state) => ({
    ...instance,
    instance: state,
    breakers: { identity: state },
  }))
  assert.deepEqual(namesIn({ instances }), ['BreakerOpen'])
})

test('what does not answer, or never did, is not seen', () => {
  assert.deepEqual([...unseenIn(well)], [])
  assert.deepEqual([...unseenIn({ ...well, ...silent(1) })], ['accounting'])
  assert.deepEqual([...unseenIn({ ...well, services: [{ ...accounting, state: null }] })], ['accounting'])
})

describe('what an alert says', () => {
  test('names what it is about, how long, and why', () => {
    const [found] = conditionsOf({ undelivered: [{ ...missing, openMs: 150_000 }] })
    assert.ok(found)
    assert.equal(
      sentenceOf(found),
      'ledger of accounting in task-tracker stands still at event 80, though there are events up to 90, since 3 min: producer unreachable.',
    )
  })

  test('has a word for every fact that its condition found', () => {
    for (const [, wrong] of cases)
      for (const found of wrong.flatMap(conditionsOf)) assert.doesNotMatch(sentenceOf(found), /undefined|NaN|null/)
  })

  test('has one in Russian, too', () => {
    for (const { name, about, details } of cases.flatMap(([, wrong]) => wrong.flatMap(conditionsOf))) {
      const told = alertText(ru, { name, about, details: { ...details }, text: '' }, String)
      assert.match(told, /^[А-Я].*\.$/)
      assert.doesNotMatch(told, /undefined|NaN|null/)
      assert.notEqual(ru.operations.alerts.subject({ name, about }), about)
    }
  })
})
