// Standard methods for the day after a restore: what a consumer knows, a new epoch at the producer, its acceptance.
import { z } from 'zod'
import { command, type Contract, query, serviceRole } from './contract.ts'
import type { Applying } from './handle.ts'
import { acceptHistory, beginEpoch, knownEvents } from './history.ts'
import { ok, refuse } from './result.ts'
import { rehearsed, unheard } from './savepoint.ts'
import type { Handlers } from './service.ts'
import { storableText } from './storable-text.ts'

const allow = [serviceRole]
const number = z.int().min(0)
const epoch = z.int().min(2).max(2_147_483_647)
const consumer = z.string().max(100)
const reason = storableText.min(3).max(1_000)

/** An answer names at most this many events of a page of the log. */
export const mostCompared = 2_000

export const historyMethods = {
  compareHistory: query({
    http: 'POST /kernel/history/compare',
    summary: 'Which of these events of its stream a consumer has applied or set aside.',
    allow,
    input: z.object({
      consumer,
      events: z.array(z.object({ number: z.int().min(1), eventId: z.uuid() })).max(mostCompared),
    }),
    output: z.object({
      goesOn: z.enum(['after what is known', 'from the beginning', 'not at all']),
      known: z.array(number),
    }),
    refuses: { consumer_not_found: 'absent' },
  }),
  beginEpoch: command({
    http: 'POST /kernel/epoch',
    summary: 'Raises the epoch of the own stream, after its database was restored. Gives the epoch it has then.',
    allow,
    idempotent: true,
    input: z.object({ epoch, reason }),
    output: z.object({ epoch: z.int() }),
  }),
  acceptEpoch: command({
    http: 'POST /kernel/epoch/accept',
    summary: 'Lets a forked consumer go on with the history its producer has now, after the last event both have.',
    allow,
    input: z.object({
      consumer,
      epoch: epoch.describe('of the producer now'),
      after: number.describe('the last event that both histories have; 0 for none'),
      eventId: z.uuid().nullable().describe("that event's id"),
      reason,
      dryRun: z.boolean().default(false).describe('true: say what would happen, and change nothing'),
    }),
    output: z.object({
      epoch: z.int(),
      after: number,
      leftAt: number.describe('how far the lost history had been applied; all that stays'),
      discarded: z.int().describe('parked events of the lost history, set aside'),
    }),
    refuses: {
      consumer_not_found: 'absent',
      not_forked: 'conflict',
      epoch_not_newer: 'conflict',
      cannot_go_on: 'conflict',
      event_unknown: 'conflict',
    },
  }),
} as const

type Methods = Contract<typeof historyMethods>

export const historyHandlers = (
  schema: string,
  named: (consumer: string) => Applying | undefined,
): Handlers<Methods> => ({
  compareHistory: async (input, { tx }) => {
    const applying = named(input.consumer)
    if (!applying) return refuse('consumer_not_found')
    const goesOn = applying.consumer.otherHistory?.goesOn ?? 'not at all'
    return ok({ goesOn, known: (await knownEvents(applying, tx, input.events)) ?? [] })
  },
  beginEpoch: async (input, { tx, actor, now }) =>
    ok({ epoch: await beginEpoch(tx, schema, input.epoch, { by: actor.id, now, reason: input.reason }) }),
  acceptEpoch: async ({ consumer: name, dryRun, reason: why, ...acceptance }, { tx, actor, now }) => {
    const applying = named(name)
    if (!applying) return refuse('consumer_not_found')
    const decision = { by: actor.id, now, reason: why }
    if (!dryRun) return acceptHistory(applying, tx, acceptance, decision)
    return rehearsed(tx, () => acceptHistory({ ...applying, log: unheard }, tx, acceptance, decision))
  },
})
