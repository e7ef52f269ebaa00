// What operations offers: how the services are, what did not arrive, what could not be applied, and the acts of people.
import { z } from 'zod'
import { command, contract, query, serviceRole } from '../../kernel/contract.ts'
import { admins, moment, nextPage, pageMark, pageSize, staff } from '../vocabulary.ts'
import {
  Act,
  actId,
  Alert,
  consumer,
  ConsumerInfo,
  count,
  deliveryOutcome,
  Difference,
  durationMs,
  eventNumber,
  fingerprint,
  number,
  ParkedEvent,
  ParkedGroup,
  ProcessReport,
  reason,
  Reconciliation,
  service,
  stream,
  Undelivered,
  WatchedJob,
  WatchedService,
} from './vocabulary.ts'

export type { ActResult } from './vocabulary.ts'

/** Some parked events of one consumer by their numbers, or all that failed in the same way. */
const selection = z
  .object({
    service,
    consumer,
    numbers: z.array(eventNumber).min(1).max(1_000).optional(),
    fingerprint: fingerprint.optional(),
  })
  .refine(
    ({ numbers, fingerprint: kind }) => (numbers === undefined) !== (kind === undefined),
    'needs either numbers or a fingerprint',
  )
const isRange = ({ after, upTo }: { after: number; upTo: number }): boolean => after < upTo
const range = { after: number.describe('events behind this number'), upTo: eventNumber.describe('and up to this one') }
const ofConsumer = { service, consumer }
const outcomes = z.array(z.object({ outcome: deliveryOutcome, count, numbers: z.array(eventNumber) }))
const ascending = 'upTo must be greater than after'

const noService = { service_not_found: 'absent' } as const
const noConsumer = { ...noService, consumer_not_found: 'absent' } as const

export const operations = contract('operations', {
  getOverview: query({
    http: 'GET /overview',
    summary: 'All services, streams, consumers, gaps, parked events, jobs, breakers and reconciliation, as seen last.',
    allow: staff,
    input: z.object({}),
    output: z.object({
      now: moment,
      observedAt: moment.nullable().describe('when the services were last looked at; old: nobody watches'),
      services: z.array(WatchedService),
      consumers: z.array(ConsumerInfo),
      undelivered: z.array(Undelivered).describe('the open ones, and the last that healed'),
      parkedGroups: z.array(ParkedGroup),
      jobs: z.array(WatchedJob),
      reconciliations: z.array(Reconciliation),
      openDifferences: count.describe('that somebody has to look at'),
      explainedDifferences: count.describe('that stay because a person discarded the event'),
      openAlerts: count,
      openActs: count,
    }),
  }),
  listParked: query({
    http: 'GET /parked',
    summary: 'Parked events of a consumer, oldest first: those not decided about, or discarded, or applied since.',
    allow: staff,
    input: z.object({
      service,
      consumer,
      fingerprint: fingerprint.optional(),
      state: z.enum(['parked', 'discarded', 'applied']).default('parked'),
      after: pageMark,
      limit: pageSize,
    }),
    output: z.object({ parked: z.array(ParkedEvent), next: nextPage }),
    refuses: noConsumer,
  }),
  getParkedEvent: query({
    http: 'GET /parked/{service}/{consumer}/{number}',
    summary: 'One parked event with its body and headers.',
    allow: staff,
    input: z.object({ service, consumer, number: eventNumber }),
    output: ParkedEvent,
    refuses: { ...noConsumer, parked_not_found: 'absent' },
  }),
  planDelivery: query({
    http: 'GET /delivery-plan',
    summary: "What a delivery of a range from the producer's log would do to each event; nothing is changed.",
    allow: staff,
    input: z.object({ ...ofConsumer, ...range }).refine(isRange, ascending),
    output: z.object({
      stream,
      head: number,
      position: number,
      after: number,
      upTo: number.describe('the last event looked at: a plan covers at most 2,000 events'),
      outcomes,
    }),
    refuses: noConsumer,
  }),
  planRedelivery: query({
    http: 'GET /redelivery-plan',
    summary:
      'What each consumer of a stream would do with a range that is said on the bus once more; nothing is changed.',
    allow: staff,
    input: z.object({ stream, ...range }).refine(isRange, ascending),
    output: z.object({
      stream,
      head: number,
      after: number,
      upTo: number.describe('the last event looked at: a plan covers at most 2,000 events'),
      consumers: z.array(
        z.object({ ...ofConsumer, position: number.describe('where it would be afterwards'), outcomes }),
      ),
      unasked: z
        .array(z.object({ service, reason: z.string() }))
        .describe('services that did not answer: what their consumers would do is not known'),
    }),
    refuses: noService,
  }),
  planAcceptance: query({
    http: 'GET /acceptance-plan',
    summary: "Where a forked consumer would go on with its producer's present history; nothing is changed.",
    allow: staff,
    input: z.object(ofConsumer),
    output: z.object({
      stream,
      epoch: z.int().describe('that would begin'),
      after: number.describe('the last event that both histories have'),
      leftAt: number.describe('how far the lost history had been applied; that stays applied'),
      head: number.describe("where the producer's log ends now"),
      discarded: count.describe('parked events of the lost history, which would be discarded'),
    }),
    refuses: { ...noConsumer, not_forked: 'conflict', cannot_go_on: 'conflict' },
  }),
  retryEvents: command({
    http: 'POST /parked/retry',
    summary: 'Applies parked events again, one by one.',
    allow: admins,
    input: selection,
    output: Act,
    refuses: noConsumer,
  }),
  discardEvents: command({
    http: 'POST /parked/discard',
    summary: 'Sets parked events aside; they are kept and can be restored.',
    allow: admins,
    input: selection.safeExtend({ reason }),
    output: Act,
    refuses: noConsumer,
  }),
  restoreEvents: command({
    http: 'POST /parked/restore',
    summary: 'Takes back that events were discarded: they are parked again.',
    allow: admins,
    input: selection,
    output: Act,
    refuses: noConsumer,
  }),
  refetchEvents: command({
    http: 'POST /events/refetch',
    summary: "Delivers a range to a consumer from the producer's log. Twice has the effect of once.",
    allow: admins,
    input: z.object({ ...ofConsumer, ...range }).refine(isRange, ascending),
    output: Act,
    refuses: noConsumer,
  }),
  redeliverEvents: command({
    http: 'POST /events/redeliver',
    summary: 'Says a range of a stream on the bus once more; consumers drop what they have.',
    allow: admins,
    input: z.object({ stream, ...range }).refine(isRange, ascending),
    output: Act,
    refuses: noService,
  }),
  pauseConsumer: command({
    http: 'POST /consumers/pause',
    summary: 'Stops a consumer until it is resumed.',
    allow: admins,
    input: z.object({ ...ofConsumer, reason }),
    output: Act,
    refuses: noConsumer,
  }),
  resumeConsumer: command({
    http: 'POST /consumers/resume',
    summary: 'Lets a paused consumer go on.',
    allow: admins,
    input: z.object(ofConsumer),
    output: Act,
    refuses: noConsumer,
  }),
  acceptHistory: command({
    http: 'POST /consumers/accept-history',
    summary: "Lets a forked consumer go on with the producer's present history, behind a number, as a new epoch.",
    allow: admins,
    input: z.object({ ...ofConsumer, after: number, reason }),
    output: Act,
    refuses: noConsumer,
  }),
  reconcile: command({
    http: 'POST /reconciliation',
    summary: 'Compares everything from the beginning, now.',
    allow: admins,
    input: z.object({}),
    output: Act,
  }),
  cancelAct: command({
    http: 'POST /acts/{id}/cancel',
    summary: 'Stops an act after its present step; what was done stays done.',
    allow: admins,
    idempotent: true,
    input: z.object({ id: actId }),
    output: Act,
    refuses: { act_not_found: 'absent', act_finished: 'conflict' },
  }),
  getAct: query({
    http: 'GET /acts/{id}',
    summary: 'One act and how far it is.',
    allow: staff,
    input: z.object({ id: actId }),
    output: Act,
    refuses: { act_not_found: 'absent' },
  }),
  listActs: query({
    http: 'GET /acts',
    summary: 'Who did what: the operator log, newest first.',
    allow: staff,
    input: z.object({ after: pageMark, limit: pageSize }),
    output: z.object({ acts: z.array(Act), next: nextPage }),
  }),
  listDifferences: query({
    http: 'GET /differences',
    summary: 'What reconciliation found: what is still there, or all of it; newest first.',
    allow: staff,
    input: z.object({ state: z.enum(['open', 'all']).default('open'), after: pageMark, limit: pageSize }),
    output: z.object({ differences: z.array(Difference), next: nextPage }),
  }),
  listAlerts: query({
    http: 'GET /alerts',
    summary: 'Alerts, newest first: those that are raised, or all.',
    allow: staff,
    input: z.object({ state: z.enum(['open', 'all']).default('open'), after: pageMark, limit: pageSize }),
    output: z.object({ alerts: z.array(Alert), next: nextPage }),
  }),

  reportProcess: command({
    http: 'POST /processes',
    summary: 'A process without a database, through which it could be watched, says how it is; its last report counts.',
    allow: [serviceRole],
    idempotent: true,
    input: ProcessReport,
    output: z.object({}),
  }),
  getAlarm: query({
    http: 'GET /alarm',
    summary: 'What must be seen at once: raised alerts, whether somebody watches, and how the channels are.',
    allow: [serviceRole],
    input: z.object({}),
    output: z.object({
      now: moment,
      watchedAt: moment.nullable().describe('when the watcher last finished a round'),
      alerts: z.array(Alert).describe('the newest hundred that are raised'),
      channels: z.array(
        z.object({
          channel: z.string(),
          failingMs: durationMs.describe('how long its first message has waited'),
          waiting: count,
        }),
      ),
      services: z.array(z.object({ name: service, silentMs: durationMs.describe('0 when it answers') })),
      reconciliation: z.object({
        differences: count,
        oldestDifferenceMs: durationMs,
        idleMs: durationMs.describe('since it last compared anything'),
        ledgerUnbalanced: z.boolean(),
      }),
    }),
  }),
})
