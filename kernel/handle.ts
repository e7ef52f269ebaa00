// What a consumer does with events that are its turn: each subscription gets its own, typed, as one set.
import { sql } from 'kysely'
import { z } from 'zod'
import type { EventType } from './contract.ts'
import { insertOutbox, outboxOf } from './outbox.ts'
import type { Position, PositionKey } from './position.ts'
import type { Clock, Database, Log, Random, Tracing, Tx } from './ports.ts'
import type { Consumer, ConsumerContext, Delivered, Subscription } from './service.ts'
import type { EventRecord } from './stream.ts'
import { noTracing } from './tracing.ts'

export interface Applying {
  readonly database: Database
  readonly consumer: Consumer
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly tracing?: Tracing
  /** Set while replaying beside the live tables. */
  readonly shadow?: Shadow
}

/** Where a replay writes: emits nothing, and leaves out what a person has discarded or nobody could apply. */
export interface Shadow {
  /** Under which name the replay has its position. */
  readonly consumer: string
  /** The name of the shadow of a derived table. */
  readonly nameOf: (table: string) => string
  /** Ids of events. */
  readonly leftOut: ReadonlySet<string>
  /** Events as they were applied in the end, by their ids, where that need not be as the log has them. */
  readonly instead: ReadonlyMap<string, EventRecord>
  /** The epoch in which the live consumer met the event of this number. */
  readonly epochOf: (number: number) => number
}

/** Consecutive events, and the id of the one before the first where it is known. */
export interface Run {
  readonly predecessor: string | null
  readonly events: readonly EventRecord[]
  /** Of a replay, which goes through all epochs, it is not said. */
  readonly epoch?: number
  /** It came over the bus, whose word is no reason to stop a consumer. */
  readonly isHint?: boolean
  /** Where the producer's log ends, when this is its answer. `predecessor` is that event's id when there are no others. */
  readonly head?: number
}

export const keyOf = ({ database, consumer, shadow }: Applying): PositionKey => ({
  schema: database.schema,
  consumer: shadow?.consumer ?? consumer.name,
  stream: consumer.stream,
})

/** The newest version of this type that the consumer knows; undefined when it does not listen to the type. */
export const knownVersion = (consumer: Consumer, type: string): number | undefined =>
  consumer.subscriptions.flatMap(({ types }) => types).find(({ name }) => name === type)?.version

/** A version that a newer replica may know: wait for it, never park or skip. */
const isUnknownVersion = (consumer: Consumer, event: EventRecord): boolean => {
  const known = knownVersion(consumer, event.type)
  return known !== undefined && event.version > known
}

/** A run up to the first event whose version is not known, and that one. */
export const knownPart = (consumer: Consumer, run: Run): { known: Run; unknown: EventRecord | null } => {
  const end = run.events.findIndex((event) => isUnknownVersion(consumer, event))
  if (end < 0) return { known: run, unknown: null }
  return { known: { ...run, events: run.events.slice(0, end) }, unknown: run.events[end] ?? null }
}

export const waitingFor = ({ type, version }: EventRecord): string =>
  `waiting for a version that knows ${type} ${version}`

const typed = (types: readonly EventType[], event: EventRecord, epoch: number): Delivered => {
  const type = types.find(({ name }) => name === event.type)
  if (!type) throw new Error(`${event.type} is not listened to`)
  const { number, eventId, requestId, actor } = event
  return {
    type: type.name,
    epoch,
    number,
    eventId,
    requestId,
    actor,
    at: new Date(event.at),
    data: z.parse(type.data, event.data),
  }
}

const listens = ({ types }: Subscription, event: EventRecord): boolean => types.some(({ name }) => name === event.type)

/** When, and on top of what, events are handled. */
export interface Occasion {
  readonly now: Date
  readonly position: Pick<Position, 'number' | 'epoch'>
  /** The epoch of an event that is retried after later ones were applied; null for those whose turn it is. */
  readonly late: number | null
}

/** Gives each subscription its events, as one set, in number order. Throws what the schema or a handler throws. */
export const handle = async (
  applying: Applying,
  tx: Tx,
  events: readonly EventRecord[],
  { now, position, late }: Occasion,
): Promise<void> => {
  const { database, consumer, random, shadow, tracing = noTracing } = applying
  const { emit, collected } = outboxOf(random)
  const context: ConsumerContext = {
    tx,
    now,
    random,
    emit,
    applied: position.number,
    epoch: position.epoch,
    late: late !== null,
    replaying: shadow !== undefined,
    stream: consumer.stream,
    derived: (table) => {
      if (!consumer.derived.includes(table)) throw new Error(`${consumer.name} does not declare ${table} as derived`)
      return sql`${sql.id(database.schema, shadow?.nameOf(table) ?? table)}`
    },
  }
  const epochOf = (number: number) => late ?? shadow?.epochOf(number) ?? position.epoch
  for (const subscription of consumer.subscriptions) {
    const own = events
      .map((event) => shadow?.instead.get(event.eventId) ?? event)
      .filter((event) => listens(subscription, event) && !shadow?.leftOut.has(event.eventId))
      .map((event) => typed(subscription.types, event, epochOf(event.number)))
    if (own.length > 0) await subscription.apply(own, context)
  }
  if (shadow) return
  const requestId = events.at(-1)?.requestId ?? ''
  await insertOutbox(tx, database.schema, collected, { at: now, requestId, actor: null, trace: tracing.place() })
}
