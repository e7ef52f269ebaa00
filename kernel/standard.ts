// What every service answers beside its own methods: its log, its positions, its parked events.
import { z } from 'zod'
import { command, contract, query, serviceRole } from './contract.ts'
import type { Reader } from './consume.ts'
import type { Applying } from './handle.ts'
import { discardParked, listParked, retryParked } from './parked.ts'
import { listPositions, lockPosition, setPositionState } from './position.ts'
import type { Database } from './ports.ts'
import { ok, refuse } from './result.ts'
import type { Handlers } from './service.ts'
import { EventBatch, EventRecord, readLog, streamHead } from './stream.ts'

const number = z.int().min(0)
const PositionInfo = z.object({
  consumer: z.string(),
  stream: z.string(),
  number,
  state: z.enum(['running', 'paused', 'forked']),
  reason: z.string().nullable(),
})
const UndeliveredInfo = z.object({
  consumer: z.string(),
  stream: z.string(),
  after: number,
  head: number,
  forMs: z.number(),
  reason: z.string(),
})
const ParkedInfo = EventRecord.extend({
  consumer: z.string(),
  stream: z.string(),
  error: z.string(),
  fingerprint: z.string(),
  attempts: z.int(),
})
/** PostgreSQL's text cannot hold U+0000, and lone surrogates are no text. */
const storable = (value: string) => !value.includes('\0') && value.isWellFormed()
const reason = z.string().max(1_000).refine(storable, 'must be valid Unicode without U+0000')
const parkedKey = { consumer: z.string().max(100), number: z.int().min(1) }
const allow = [serviceRole]

/** The standard methods of one service. They are for services and operators, never public. */
export const standardContract = (service: string) =>
  contract(service, {
    readLog: query({
      http: 'GET /kernel/log',
      summary: 'Events after a number, oldest first, with the head of the stream.',
      allow,
      input: z.object({ from: number, limit: z.int().min(0).max(5_000) }),
      output: EventBatch,
    }),
    getPositions: query({
      http: 'GET /kernel/positions',
      summary: 'Head of the own stream, position of each consumer, and what is overdue.',
      allow,
      input: z.object({}),
      output: z.object({
        head: number,
        published: number,
        positions: z.array(PositionInfo),
        undelivered: z.array(UndeliveredInfo),
      }),
    }),
    getParked: query({
      http: 'GET /kernel/parked',
      summary: 'Events that could not be applied.',
      allow,
      input: z.object({ limit: z.int().min(1).max(1_000).default(100) }),
      output: z.object({ parked: z.array(ParkedInfo) }),
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
    discardParked: command({
      http: 'POST /kernel/parked/discard',
      summary: 'Sets a parked event aside for good; it stays readable.',
      allow,
      idempotent: true,
      input: z.object({ ...parkedKey, reason: reason.min(3) }),
      output: z.object({}),
      refuses: { not_parked: 'absent' },
    }),
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
  })

export type StandardContract = ReturnType<typeof standardContract>

export interface StandardDeps {
  readonly service: string
  readonly database: Database
  readonly consumers: readonly Applying[]
  /** The readers that run in this process, for what they see as overdue. */
  readonly readers: () => readonly Reader[]
}

export const standardHandlers = ({
  service,
  database,
  consumers,
  readers,
}: StandardDeps): Handlers<StandardContract> => {
  const { schema } = database
  const named = (name: string) => consumers.find(({ consumer }) => consumer.name === name)
  return {
    readLog: async ({ from, limit }, { tx }) => ok(await readLog(tx, schema, service, from, limit)),
    getPositions: async (_input, { tx }) => {
      const { head, published } = await streamHead(tx, schema)
      const positions = await listPositions(tx, schema)
      const undelivered = readers().flatMap((reader) => reader.undelivered() ?? [])
      return ok({ head, published, positions, undelivered })
    },
    getParked: async ({ limit }, { tx }) => ok({ parked: await listParked(tx, schema, limit) }),
    retryParked: async ({ consumer, number }, { tx, actor, now }) => {
      const applying = named(consumer)
      const result = applying ? await retryParked(applying, tx, number, { by: actor.id, now }) : 'absent'
      return result === 'absent' ? refuse('not_parked') : ok({ result })
    },
    discardParked: async ({ consumer, number, reason }, { tx, actor, now }) => {
      const applying = named(consumer)
      const done = applying && (await discardParked(applying, tx, number, { by: actor.id, now, reason }))
      return done ? ok({}) : refuse('not_parked')
    },
    setConsumerState: async ({ consumer, state, reason }, { tx }) => {
      const own = (await listPositions(tx, schema)).filter((position) => position.consumer === consumer)
      if (own.length === 0) return refuse('consumer_not_found')
      for (const { stream } of own) {
        const key = { schema, consumer, stream }
        if ((await lockPosition(tx, key)).state === 'forked') return refuse('consumer_forked')
        await setPositionState(tx, key, state, state === 'paused' ? reason : null)
      }
      return ok({})
    },
  }
}
