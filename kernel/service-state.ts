// What a service says of itself when it is asked: schemas and types for those who watch.
import { z } from 'zod'
import { EventRecord } from './stream.ts'

const number = z.int().min(0)
const count = z.int().min(0)
const milliseconds = z.number().min(0)
const moment = z.iso.datetime()

export const PositionState = z.enum(['running', 'paused', 'forked'])
export const UndeliveredInfo = z.object({
  consumer: z.string(),
  stream: z.string(),
  after: number,
  head: number,
  forMs: milliseconds,
  reason: z.string(),
})

export const StreamState = z.object({
  epoch: z.int().min(1),
  head: number,
  headEventId: z.uuid().nullable(),
  published: number.describe('up to this number every event is known to have reached the bus'),
  unnumbered: count.describe('committed events without a number, counted up to 10,000'),
  oldestUnnumberedMs: milliseconds.describe('0 when there is none'),
  oldestUnpublishedMs: milliseconds.describe('0 when there is none'),
  oldestSnapshotMs: milliseconds.describe(
    'age of the oldest snapshot in this database that this role may see; 0: none',
  ),
})

export const ConsumerState = z.object({
  consumer: z.string(),
  stream: z.string(),
  number,
  state: PositionState,
  reason: z.string().nullable(),
  eventId: z.uuid().nullable(),
  epoch: z.int().min(1),
  movedAt: moment.nullable(),
  parked: count.describe('events set aside and not yet decided'),
})

/** Parked events of one consumer and type whose errors are of one kind. */
export const ParkedGroup = z.object({
  consumer: z.string(),
  stream: z.string(),
  type: z.string(),
  fingerprint: z.string(),
  error: z.string().describe('that of the newest one'),
  count: count.describe('parked'),
  discarded: count,
  firstNumber: number,
  lastNumber: number,
  firstParkedAt: moment,
  lastParkedAt: moment,
})

export const JobState = z.object({
  name: z.string(),
  id: z.int(),
  state: z.enum(['queued', 'running', 'waiting', 'done', 'cancelled']),
  reason: z.string().nullable().describe('why it waits'),
  progress: z.unknown(),
  requestedBy: z.int().nullable(),
  requestedAt: moment,
  startedAt: moment.nullable(),
  steppedAt: moment.nullable().describe('when its last step was committed'),
  trouble: z.string().nullable().describe('with what its last step failed; null after one that did not'),
})

export const ServiceState = z.object({
  service: z.string(),
  instance: z.uuid().describe('the process that answered'),
  startedAt: moment.describe('when that process began to run the service'),
  now: moment.describe("by the database's clock"),
  stream: StreamState,
  positions: z.array(ConsumerState),
  parkedGroups: z.array(ParkedGroup).describe('the 200 newest that have parked or discarded events'),
  jobs: z.array(JobState).describe('newest first: the open ones, at most 100, and of the others the last 20'),
  undelivered: z.array(UndeliveredInfo).describe('seen by the process that answered'),
  troubles: z.record(z.string(), z.string()).describe('of the loops of the process that answered, by their names'),
  breakers: z
    .record(z.string(), z.enum(['closed', 'half-open', 'open']))
    .describe('of the process that answered, by service'),
})
/** What a service says of itself when it is asked. */
export type ServiceState = z.infer<typeof ServiceState>

export const ParkedState = z.enum(['parked', 'applied', 'discarded'])
export const ParkedInfo = EventRecord.extend({
  consumer: z.string(),
  stream: z.string(),
  epoch: z.int().min(1).describe('in another epoch the same number is another event'),
  error: z.string(),
  fingerprint: z.string(),
  attempts: z.int(),
  state: ParkedState,
  reason: z.string().nullable().describe('why it was discarded'),
  parkedAt: moment,
  decidedAt: moment.nullable().describe('when it was applied, discarded or restored'),
  decidedBy: z.int().nullable().describe('person; null for a service'),
})
export type ParkedInfo = z.infer<typeof ParkedInfo>
