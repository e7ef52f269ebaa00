// What every service answers beside its own methods, so that it can be watched and mended from outside: its state, its
// log, its parked events, and digests of what it said and did. Any replica answers from the service's database.
import { z } from 'zod'
import { command, contract, query, serviceRole } from './contract.ts'
import { historyMethods } from './history-methods.ts'
import { ParkedInfo, ParkedState, ServiceState } from './service-state.ts'
import { EventBatch, EventRecord } from './stream.ts'
import { storableText } from './storable-text.ts'

const number = z.int().min(0)
const count = z.int().min(0)
const reason = storableText.max(1_000)
const name = storableText.max(100)
const parkedKey = { consumer: name, number: z.int().min(1) }
const allow = [serviceRole]

export const mostDelivered = 2_000
export const DeliveryOutcome = z.enum([
  'applied',
  'already',
  'was_parked_now_applied',
  'still_parked',
  'parked',
  'discarded',
  'beyond',
  'contradicts',
])
export const Delivery = z.object({
  number: z.int().min(1),
  outcome: DeliveryOutcome,
  detail: z.string().optional().describe('the error of a parked one, or why it is beyond or contradicts'),
})
export type Delivery = z.infer<typeof Delivery>

/** A type of events and those fields of its data that count in a digest. */
const DigestType = z.object({ type: name, fields: z.array(name).max(20) })
const types = z.array(DigestType).max(20)
const Range = z.object({ after: number, upTo: number })
const ranges = z.array(Range).max(64).describe('numbers above `after`, up to and with `upTo`')
export const Digest = z.object({
  count,
  hash: z.string().describe('sum over the events; equal where the same events are'),
})
const Listed = z.object({ number, eventId: z.uuid(), type: z.string(), data: z.record(z.string(), z.unknown()) })
const range = { after: number, upTo: number }
export const mostListed = 2_000
/** Whoever compares leaves ranges behind the last one that was named to a further call. */
export const mostSetAside = 10_000
export const mostDiscarded = 1_000
const isListable = ({ after, upTo }: z.infer<typeof Range>) => upTo - after <= mostListed
const tooMany = `at most ${mostListed} numbers`

/** How a service is, and what it said. */
const watching = {
  getState: query({
    http: 'GET /kernel/state',
    summary: 'Stream, positions, parked events, jobs and troubles, for whoever watches.',
    allow,
    input: z.object({}),
    output: ServiceState,
  }),
  readLog: query({
    http: 'GET /kernel/log',
    summary:
      'Events after a number, oldest first, with the head of the stream. Fewer than asked for when they are large.',
    allow,
    input: z.object({ from: number, limit: z.int().min(0).max(5_000) }),
    output: EventBatch,
  }),
}

/** What could not be applied. */
const parked = {
  getParked: query({
    http: 'GET /kernel/parked',
    summary: 'Events that could not be applied, or those that became of them.',
    allow,
    input: z.object({
      consumer: name.optional(),
      fingerprint: name.optional(),
      number: z.int().min(1).optional(),
      state: ParkedState.default('parked'),
      after: z
        .string()
        .max(200)
        .regex(/^[\w-]*$/)
        .optional()
        .describe('from `next` of the page before'),
      limit: z.int().min(1).max(1_000).default(100),
    }),
    output: z.object({ parked: z.array(ParkedInfo), next: z.string().nullable() }),
  }),
  retryParked: command({
    http: 'POST /kernel/parked/retry',
    summary: 'Applies a parked event now.',
    allow,
    idempotent: true,
    input: z.object(parkedKey),
    output: z.object({ result: z.string().describe("'applied', or the error it failed with again") }),
    refuses: { not_parked: 'absent' },
  }),
  retryParkedEvents: command({
    http: 'POST /kernel/parked/retry-many',
    summary: 'Applies parked events now, each for itself.',
    allow,
    idempotent: true,
    input: z.object({ consumer: name, numbers: z.array(z.int().min(1)).min(1).max(100) }),
    output: z.object({
      results: z.array(
        z.object({
          number,
          result: z.string().describe("'applied', 'absent' when it is not parked, or the error it failed with again"),
        }),
      ),
    }),
    refuses: { consumer_not_found: 'absent' },
  }),
  discardParked: command({
    http: 'POST /kernel/parked/discard',
    summary: 'Sets a parked event aside for good; it stays readable.',
    allow,
    idempotent: true,
    input: z.object({ ...parkedKey, reason: reason.min(3) }),
    output: z.object({}),
    refuses: { not_parked: 'absent' },
  }),
  restoreParked: command({
    http: 'POST /kernel/parked/restore',
    summary: 'Makes a discarded event parked again.',
    allow,
    idempotent: true,
    input: z.object(parkedKey),
    output: z.object({}),
    refuses: { not_discarded: 'absent' },
  }),
}

/** A hand on consumers and on the bus. */
const delivering = {
  setConsumerState: command({
    http: 'POST /kernel/consumers',
    summary: 'Pauses a consumer, or lets a paused one go on.',
    allow,
    idempotent: true,
    input: z.object({
      consumer: parkedKey.consumer,
      state: z.enum(['running', 'paused']),
      reason,
    }),
    output: z.object({}),
    refuses: { consumer_not_found: 'absent', consumer_forked: 'conflict' },
  }),
  deliver: command({
    http: 'POST /kernel/deliveries',
    summary: "Applies events of the producer's log as the consumer itself would, or says what that would do.",
    allow,
    idempotent: true,
    input: z.object({
      consumer: name,
      batch: EventBatch.extend({ events: z.array(EventRecord).max(mostDelivered) }),
      dryRun: z.boolean(),
    }),
    output: z.object({ outcomes: z.array(Delivery), position: number }),
    refuses: { consumer_not_found: 'absent', other_stream: 'invalid', not_consecutive: 'invalid' },
  }),
  republish: command({
    http: 'POST /kernel/log/republish',
    summary: 'Says events on the bus once more. Consumers drop what they have.',
    allow,
    idempotent: true,
    input: z.object({ from: z.int().min(1), to: z.int().min(1) }),
    output: z.object({
      count,
      upTo: number.describe('the last number said; lower than `to` when there are more than fit at once'),
    }),
  }),
}

/** What was said against what was done. */
const comparing = {
  digestLog: query({
    http: 'POST /kernel/log/digests',
    summary: 'What the service said, by count and hash of ranges of its log.',
    allow,
    input: z.object({
      types,
      ranges,
      without: z.array(number).max(mostSetAside).default([]).describe('numbers that do not count'),
    }),
    output: z.object({ head: number, epoch: z.int().min(1), digests: z.array(Digest) }),
  }),
  listLog: query({
    http: 'POST /kernel/log/list',
    summary: 'The events of a range as they count in its digest.',
    allow,
    input: z.object({ types, ...range }).refine(isListable, tooMany),
    output: z.object({ head: number, events: z.array(Listed) }),
  }),
  digestEffects: query({
    http: 'POST /kernel/effects/digests',
    summary: "What a consumer's tables say that happened, by count and hash of ranges of numbers.",
    allow,
    input: z.object({ consumer: name, ranges }),
    output: z.object({
      position: number,
      epoch: z.int().min(1),
      types: types.describe('what to give to digestLog of the producer'),
      digests: z.array(Digest),
      setAside: z
        .array(number)
        .describe(
          'numbers in these ranges that the log is no measure of, the first 10,000: parked, discarded, or applied as they had been mended',
        ),
      discarded: z
        .array(Listed.extend({ reason: z.string() }))
        .default([])
        .describe('those of them that a person decided should have no effect, the first 1,000'),
    }),
    refuses: { consumer_not_found: 'absent', no_effects: 'conflict' },
  }),
  listEffects: query({
    http: 'GET /kernel/effects',
    summary: 'The events of a range as the tables of a consumer tell them.',
    allow,
    input: z.object({ consumer: name, ...range }).refine(isListable, tooMany),
    output: z.object({ position: number, events: z.array(Listed) }),
    refuses: { consumer_not_found: 'absent', no_effects: 'conflict' },
  }),
}

/** The standard methods of one service. They are for services and operators, never public. */
export const standardContract = (service: string) =>
  contract(service, { ...watching, ...parked, ...delivering, ...comparing, ...historyMethods })

export type StandardContract = ReturnType<typeof standardContract>
