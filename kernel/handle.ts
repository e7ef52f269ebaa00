// What a consumer does with events that are its turn: each subscription gets its own, typed, as one set.
import { sql } from 'kysely'
import { z } from 'zod'
import type { EventType } from './contract.ts'
import { insertOutbox, outboxOf } from './outbox.ts'
import type { PositionKey } from './position.ts'
import type { Clock, Database, Log, Random, Tx } from './ports.ts'
import type { Consumer, ConsumerContext, Delivered, Subscription } from './service.ts'
import type { EventRecord } from './stream.ts'

export interface Applying {
  readonly database: Database
  readonly consumer: Consumer
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Set while replaying beside the live tables. */
  readonly shadow?: Shadow
}

/** Where a replay writes: emits nothing, and leaves out what a person has discarded or nobody could apply. */
export interface Shadow {
  /** The name of the shadow of a derived table, and of the consumer's own position. */
  readonly nameOf: (name: string) => string
  readonly leftOut: ReadonlySet<number>
}

/** Consecutive events, and the id of the one before the first where it is known. */
export interface Run {
  readonly predecessor: string | null
  readonly events: readonly EventRecord[]
  /** Where the producer's log ends, when this is its answer. `predecessor` is that event's id when there are no others. */
  readonly head?: number
}

export const keyOf = ({ database, consumer, shadow }: Applying): PositionKey => ({
  schema: database.schema,
  consumer: shadow?.nameOf(consumer.name) ?? consumer.name,
  stream: consumer.stream,
})

/** The newest version of this type that the consumer knows; undefined when it does not listen to the type. */
export const knownVersion = (consumer: Consumer, type: string): number | undefined =>
  consumer.subscriptions.flatMap(({ types }) => types).find(({ name }) => name === type)?.version

/** A version that a newer replica may know: wait for it, never park or skip. */
export const isUnknownVersion = (consumer: Consumer, event: EventRecord): boolean => {
  const known = knownVersion(consumer, event.type)
  return known !== undefined && event.version > known
}

const typed = (types: readonly EventType[], event: EventRecord): Delivered => {
  const type = types.find(({ name }) => name === event.type)
  if (!type) throw new Error(`${event.type} is not listened to`)
  const { number, eventId, requestId, actor } = event
  return {
    type: type.name,
    number,
    eventId,
    requestId,
    actor,
    at: new Date(event.at),
    data: z.parse(type.data, event.data),
  }
}

const listens = ({ types }: Subscription, event: EventRecord): boolean => types.some(({ name }) => name === event.type)

/** Gives each subscription its events, as one set, in number order. Throws what the schema or a handler throws. */
export const handle = async (
  applying: Applying,
  tx: Tx,
  events: readonly EventRecord[],
  { now, applied }: { now: Date; applied: number },
): Promise<void> => {
  const { database, consumer, random, shadow } = applying
  const { emit, collected } = outboxOf(random)
  const context: ConsumerContext = {
    tx,
    now,
    random,
    emit,
    applied,
    replaying: shadow !== undefined,
    stream: consumer.stream,
    derived: (table) => {
      if (!consumer.derived.includes(table)) throw new Error(`${consumer.name} does not declare ${table} as derived`)
      return sql`${sql.id(database.schema, shadow?.nameOf(table) ?? table)}`
    },
  }
  for (const subscription of consumer.subscriptions) {
    const own = events
      .filter((event) => listens(subscription, event) && !shadow?.leftOut.has(event.number))
      .map((event) => typed(subscription.types, event))
    if (own.length > 0) await subscription.apply(own, context)
  }
  if (shadow) return
  const last = events.at(-1)
  await insertOutbox(tx, database.schema, collected, { at: now, requestId: last?.requestId ?? '', actor: null })
}
