// The words and shapes of operations' contract: services as seen, parked events, acts of people, differences, alerts.
import { z } from 'zod'
import { moment, popugId, text } from '../vocabulary.ts'

export const name = z.string().min(1).max(100)
export const service = name.regex(/^[a-z][a-z0-9-]*$/).describe('name of a service')
export const consumer = name.regex(/^[\w-]+$/).describe('name of a consumer')
export const stream = service.describe('name of a stream: of the service that says it')
export const count = z.int().min(0)
export const number = z.int().min(0).describe('number of an event; 0 is before the first')
export const eventNumber = z.int().min(1).describe('number of an event')
export const durationMs = z.number().describe('milliseconds')
export const fingerprint = z
  .string()
  .regex(/^[0-9a-f]{1,64}$/)
  .describe('kind of an error')
export const reason = text(3, 1_000).describe('why; kept in the operator log')

export const consumerState = z.enum(['running', 'paused', 'forked'])
export const breakerState = z.enum(['closed', 'half-open', 'open'])

export const Instance = z.object({
  instance: z.string().describe('one process of the service'),
  startedAt: moment,
  seenAt: moment,
  troubles: z.array(z.object({ part: z.string(), what: z.string() })),
  breakers: z.array(z.object({ service: z.string(), state: breakerState })),
})

const mostReported = 50

/** What a process says of itself again and again. */
export const ProcessReport = z.object({
  process: z.enum(['web']),
  instance: z.uuid().describe('the same for as long as the process lives'),
  startedAt: moment,
  troubles: z.array(z.object({ part: text(1, 200), what: text(1, 1_000) })).max(mostReported),
  breakers: z.array(z.object({ service, state: breakerState })).max(mostReported),
})

export const Stream = z.object({
  stream,
  epoch: z.int(),
  head: number,
  published: number.describe('last number that is known to have reached the bus'),
  unnumbered: count.describe('committed events that have no number yet'),
  oldestUnnumberedMs: durationMs,
  oldestUnpublishedMs: durationMs,
  oldestSnapshotMs: durationMs.describe('age of the oldest transaction on its database'),
})

export const WatchedService = z.object({
  name: service,
  seenAt: moment.nullable().describe('its last answer; null when there was never one'),
  silentSince: moment.nullable().describe('null when it answers'),
  silentReason: z.string().nullable(),
  stream: Stream.nullable(),
  instances: z.array(Instance).describe('processes seen in the last half minute'),
})

export const ConsumerInfo = z.object({
  service,
  consumer,
  stream,
  number: number.describe('last event that it has applied'),
  head: number.nullable().describe("the stream's last event; null when the producer was never seen"),
  behind: count.describe('events between the two'),
  behindMs: durationMs.describe('how long a head above the position has been known'),
  movedAt: moment.nullable(),
  epoch: z.int(),
  state: consumerState,
  reason: z.string().nullable(),
  parked: count,
  fork: z
    .object({ agreedAt: number, differsAt: number.nullable() })
    .nullable()
    .describe('of a forked one: up to where the two histories are known to agree, and from where to differ'),
})

export const Undelivered = z.object({
  id: z.int(),
  service,
  consumer,
  stream,
  after: number,
  head: number,
  reason: z.string(),
  since: moment,
  healedAt: moment.nullable().describe('null while it is open'),
})

export const ParkedGroup = z.object({
  service,
  consumer,
  stream,
  type: z.string(),
  fingerprint,
  error: z.string().describe('of one of them'),
  count,
  discarded: count,
  firstNumber: eventNumber,
  lastNumber: eventNumber,
  firstParkedAt: moment,
  lastParkedAt: moment,
})

export const WatchedJob = z.object({
  service,
  name,
  id: z.int(),
  state: z.enum(['queued', 'running', 'waiting', 'done', 'cancelled']),
  reason: z.string().nullable(),
  progress: z.unknown(),
  requestedBy: popugId.nullable(),
  requestedAt: moment,
  startedAt: moment.nullable(),
  steppedAt: moment.nullable(),
  trouble: z.string().nullable().describe('error of its last step'),
})

export const Reconciliation = z.object({
  name: z.string().describe("what is compared: 'log-ledger', 'tasks-log' or 'ledger'"),
  upTo: number.describe('how far what is new has been compared'),
  round: z.object({
    cursor: number.describe('where the present round over everything is'),
    startedAt: moment.nullable(),
  }),
  lastRound: z.object({ finishedAt: moment, compared: count, tookMs: durationMs }).nullable(),
  steppedAt: moment.nullable(),
  waiting: z.string().nullable().describe('why it does not go on'),
})

export const ParkedEvent = z.object({
  service,
  consumer,
  stream,
  number: eventNumber,
  eventId: z.string(),
  type: z.string(),
  version: z.int(),
  about: z.string(),
  data: z.unknown(),
  at: moment,
  requestId: z.string().describe('of the call from which it came, also in the logs of every process'),
  actor: z.int().nullable(),
  trace: z.string().nullable().describe('its place in a trace, as a W3C traceparent; null when that is not traced'),
  error: z.string(),
  fingerprint,
  attempts: count,
  state: z.enum(['parked', 'applied', 'discarded']),
  reason: z.string().nullable(),
  decidedBy: z.int().nullable(),
  decidedAt: moment.nullable(),
  parkedAt: moment,
})

export const actKind = z.enum([
  'retry',
  'discard',
  'restore',
  'refetch',
  'redeliver',
  'pause',
  'resume',
  'accept_history',
  'reconcile',
])

export const actState = z.enum(['queued', 'running', 'done', 'failed', 'cancelled'])

export const actId = z.int().min(1).max(2_147_483_647).describe('number of an act')

export const Act = z.object({
  id: actId,
  kind: actKind,
  service: service.nullable().describe('whose events or consumer it is about'),
  consumer: consumer.nullable(),
  input: z.unknown().describe('what exactly was asked for'),
  reason: z.string().nullable(),
  state: actState,
  total: count.nullable().describe('how much there is to do; null while that is not known'),
  done: count,
  failed: count.describe('of those done, how many did not succeed'),
  note: z.string().nullable().describe('the last error, or why it waits'),
  results: z.array(z.object({ what: z.string(), count, example: z.string().nullable() })),
  requestedBy: popugId.nullable().describe('null for the command line'),
  requestedByName: z
    .string()
    .nullable()
    .describe('for the command line as they called themselves there; null while it is not known'),
  requestedAt: moment,
  startedAt: moment.nullable(),
  finishedAt: moment.nullable(),
})

export const deliveryOutcome = z.enum([
  'applied',
  'already',
  'was_parked_now_applied',
  'still_parked',
  'parked',
  'discarded',
  'beyond',
  'contradicts',
])

/** What the steps of acts come to. Pages have a text for each; a newer operations may say more. */
export const actResult = z.enum([
  ...deliveryOutcome.options,
  'absent',
  'restored',
  'said',
  'paused',
  'running',
  'accepted',
  'compared',
  'differences',
])
export type ActResult = z.infer<typeof actResult>

export const Difference = z.object({
  id: z.int(),
  name: z.string().describe("what was compared: 'log-ledger', 'tasks-log' or 'ledger'"),
  about: z.string().describe('the event, task or account'),
  number: number.nullable().describe('number of the event, if it is about one'),
  what: z.enum(['missing', 'extra', 'different']).describe('on the side that follows'),
  expected: z.string().nullable().describe('what the side that leads says'),
  found: z.string().nullable().describe('what the side that follows says'),
  explained: z
    .string()
    .nullable()
    .describe('why it may stay, as who discarded the event said; null for what somebody has to look at'),
  since: moment,
  seenAt: moment.describe('when it was last found to be there'),
  goneAt: moment.nullable(),
})

export const Alert = z.object({
  id: z.int(),
  name: z.string().describe('which condition; it has a runbook page of this name'),
  about: z.string().describe('what it is about, such as a consumer'),
  severity: z.enum(['critical', 'warning']),
  text: z.string().describe('what is wrong, in plain words'),
  details: z
    .record(z.string(), z.union([z.string(), z.number(), z.null()]))
    .optional()
    .describe(
      'facts that the text names, by alert: numbers, words, and durations in milliseconds (`...Ms`); older versions did not say them',
    ),
  since: moment.describe('when the condition began'),
  raisedAt: moment,
  repeatedAt: moment.nullable(),
  clearedAt: moment.nullable(),
})
