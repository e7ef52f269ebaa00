// For tests only: operations as they look when something of everything is wrong, and what was asked of them.
import type { Output } from '../../kernel/contract.ts'
import type { operations } from '../operations/contract.ts'

type Overview = Output<typeof operations.getOverview>
export type Act = Output<typeof operations.getAct>
export type ParkedEvent = Output<typeof operations.getParkedEvent>

const at = '2026-03-14T11:50:00Z'
const lostId = '0b54b6a6-7f0e-4d0c-9d0c-6a3c9d4f0a11'
const presentId = '5f0c8a52-94a7-4f0b-8a37-0f4d3b9d1c22'
const silence =
  'Fault: ECONNREFUSED <- TypeError: fetch failed <- Error ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:4001'
const stream = (name: string, head: number) => ({
  stream: name,
  epoch: 1,
  head,
  published: head,
  unnumbered: 0,
  oldestUnnumberedMs: 0,
  oldestUnpublishedMs: 0,
  oldestSnapshotMs: 0,
})
const service = (name: string, head: number): Overview['services'][number] => ({
  name,
  seenAt: '2026-03-14T11:59:59Z',
  silentSince: null,
  silentReason: null,
  stream: stream(name, head),
  instances: [],
})
const consumer = (name: string, of: string, from: string, number: number): Overview['consumers'][number] => ({
  service: of,
  consumer: name,
  stream: from,
  number,
  head: number,
  behind: 0,
  behindMs: 0,
  movedAt: at,
  epoch: 1,
  state: 'running',
  reason: null,
  parked: 0,
  fork: null,
})

/** Nothing is wrong. */
export const calmOverview = (): Overview => ({
  now: '2026-03-14T12:00:00Z',
  observedAt: '2026-03-14T11:59:59Z',
  services: [service('identity', 12), service('task-tracker', 4_321), service('accounting', 0)],
  consumers: [
    consumer('roster', 'task-tracker', 'identity', 12),
    consumer('holders', 'accounting', 'identity', 12),
    consumer('ledger', 'accounting', 'task-tracker', 4_321),
  ],
  undelivered: [],
  parkedGroups: [],
  jobs: [],
  reconciliations: [
    {
      name: 'log-ledger',
      upTo: 4_321,
      round: { cursor: 2_000, startedAt: at },
      lastRound: { finishedAt: at, compared: 4_000, tookMs: 1_250 },
      steppedAt: at,
      waiting: null,
    },
  ],
  openDifferences: 0,
  explainedDifferences: 0,
  openAlerts: 0,
  openActs: 0,
})

/** Something of everything is wrong. */
export const troubledOverview = (): Overview => {
  const calm = calmOverview()
  const [identity, tracker, accounting] = calm.services
  return {
    ...calm,
    services: [
      { ...identity!, silentSince: at, silentReason: silence },
      {
        ...tracker!,
        stream: {
          ...tracker!.stream!,
          unnumbered: 7,
          oldestUnnumberedMs: 9_000,
          published: 4_300,
          oldestUnpublishedMs: 9_000,
        },
      },
      {
        ...accounting!,
        instances: [
          {
            instance: 'one',
            startedAt: at,
            seenAt: at,
            troubles: [{ part: 'relay accounting', what: 'Fault: the bus is closed' }],
            breakers: [{ service: 'task-tracker', state: 'open' }],
          },
        ],
      },
    ],
    consumers: calm.consumers.map((one) =>
      one.consumer === 'ledger'
        ? { ...one, number: 4_310, behind: 11, behindMs: 42_000, parked: 3 }
        : one.consumer === 'roster'
          ? {
              ...one,
              state: 'forked',
              reason: `event 12 was ${lostId} and is now ${presentId}`,
              fork: { agreedAt: 10, differsAt: 12 },
            }
          : { ...one, state: 'paused', reason: 'a deploy' },
    ),
    undelivered: [
      {
        id: 1,
        service: 'accounting',
        consumer: 'ledger',
        stream: 'task-tracker',
        after: 4_310,
        head: 4_321,
        reason: 'producer unreachable: Fault: connection refused',
        since: at,
        healedAt: null,
      },
      {
        id: 2,
        service: 'accounting',
        consumer: 'ledger',
        stream: 'task-tracker',
        after: 99,
        head: 100,
        reason: 'late',
        since: at,
        healedAt: at,
      },
    ],
    parkedGroups: [
      {
        service: 'accounting',
        consumer: 'ledger',
        stream: 'task-tracker',
        type: 'TaskAssigned',
        fingerprint: 'abc123',
        error: 'ZodError: popugId must be a number',
        count: 3,
        discarded: 1,
        firstNumber: 4_001,
        lastNumber: 4_100,
        firstParkedAt: at,
        lastParkedAt: at,
      },
    ],
    jobs: [
      {
        service: 'task-tracker',
        name: 'ReassignTasks',
        id: 5,
        state: 'waiting',
        reason: 'nobody_assignable',
        progress: { done: 10, total: 100 },
        requestedBy: 3,
        requestedAt: at,
        startedAt: at,
        steppedAt: at,
        trouble: 'deadlock detected',
      },
    ],
    openDifferences: 2,
    explainedDifferences: 1,
    openAlerts: 1,
  }
}

export const parkedEvent = (number: number): ParkedEvent => ({
  service: 'accounting',
  consumer: 'ledger',
  stream: 'task-tracker',
  number,
  eventId: '0b54b6a6-7f0e-4d0c-9d0c-6a3c9d4f0a11',
  type: 'TaskAssigned',
  version: 1,
  about: '77',
  data: { taskId: 77, popugId: 'nobody', assignment: 1 },
  at,
  requestId: 'request-of-the-event',
  actor: 3,
  trace: `00-${'5'.repeat(32)}-${'6'.repeat(16)}-01`,
  error: 'ZodError: popugId must be a number',
  fingerprint: 'abc123',
  attempts: 3,
  state: 'parked',
  reason: null,
  decidedBy: null,
  decidedAt: null,
  parkedAt: at,
})

export const anAct = (kind: Act['kind'], more: Partial<Act> = {}): Act => ({
  id: 1,
  kind,
  service: null,
  consumer: null,
  input: {},
  reason: null,
  state: 'queued',
  total: null,
  done: 0,
  failed: 0,
  note: null,
  results: [],
  requestedBy: 4,
  requestedByName: 'The admin',
  requestedAt: at,
  startedAt: null,
  finishedAt: null,
  ...more,
})

export const anAlert: Output<typeof operations.listAlerts>['alerts'][number] = {
  id: 1,
  name: 'ConsumerLag',
  about: 'ledger of accounting in task-tracker',
  severity: 'warning',
  text: 'ledger of accounting in task-tracker is at event 4310 and has not reached event 4321, which is 70 s old. It moves.',
  details: { number: 4_310, head: 4_321, behindMs: 70_000 },
  since: at,
  raisedAt: at,
  repeatedAt: null,
  clearedAt: null,
}

export const aDifference: Output<typeof operations.listDifferences>['differences'][number] = {
  id: 1,
  name: 'log-ledger',
  about: 'task-tracker #4200',
  number: 4_200,
  what: 'missing',
  expected: '{"taskId":77}',
  found: null,
  explained: null,
  since: at,
  seenAt: at,
  goneAt: null,
}

export const anExplainedDifference: typeof aDifference = {
  ...aDifference,
  id: 2,
  about: 'task-tracker #4201',
  number: 4_201,
  explained: 'sent twice',
}
