// Collects the events of a handler and writes them with the handler's change, as its last statement.
import { sql } from 'kysely'
import type { EventData, EventType } from './contract.ts'
import type { Random, Tx } from './ports.ts'
import { Fault } from './result.ts'

/** An event larger than this (bytes of its JSON) is refused at the source. */
export const largestEventBytes = 64 * 1024

/** Says that these things happened. They become events only if the transaction commits. */
export type Emit = <E extends EventType>(type: E, data: readonly EventData<E>[]) => void

export interface Collected {
  readonly eventId: string
  readonly type: string
  readonly version: number
  readonly about: string
  readonly data: unknown
}

const collect = (type: EventType, data: unknown, random: Random): Collected => {
  const about = String((data as Record<string, unknown>)[type.about])
  const size = Buffer.byteLength(JSON.stringify(data))
  if (size > largestEventBytes) throw new Fault('internal', `event ${type.name} about ${about} has ${size} bytes`)
  return { eventId: random.uuid(), type: type.name, version: type.version, about, data }
}

/** An `emit` and what it has collected. */
export const outboxOf = (random: Random): { emit: Emit; collected: Collected[] } => {
  const collected: Collected[] = []
  return {
    collected,
    emit: (type, data) => {
      for (const one of data) collected.push(collect(type, one, random))
    },
  }
}

export interface Origin {
  readonly at: Date
  readonly requestId: string
  readonly actor: number | null
  /** Its place in a trace, which goes with the events. */
  readonly trace: string | null
}

/** Must come after the locks on the aggregates, so that ids follow their commit order. */
export const insertOutbox = async (
  tx: Tx,
  schema: string,
  events: readonly Collected[],
  origin: Origin,
): Promise<void> => {
  if (events.length === 0) return
  await sql`
    insert into ${sql.id(schema, 'outbox')} (event_id, type, version, about, data, at, request_id, actor, trace)
    select e."eventId", e.type, e.version, e.about, e.data, ${origin.at}, ${origin.requestId}, ${origin.actor}, ${origin.trace}
    from rows from (
      jsonb_to_recordset(${JSON.stringify(events)}::jsonb)
        as ("eventId" uuid, type text, version int, about text, data jsonb)
    ) with ordinality as e("eventId", type, version, about, data, place)
    order by e.place`.execute(tx)
}
