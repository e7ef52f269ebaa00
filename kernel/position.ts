// How far a named consumer has applied a stream. The row's lock is what makes effects happen once and in order.
import { sql } from 'kysely'
import type { Tx } from './ports.ts'
import type { EventRecord } from './stream.ts'

export interface Position {
  readonly consumer: string
  readonly stream: string
  readonly number: number
  readonly eventId: string | null
  readonly epoch: number
  /** `paused`: a person or too many parked events stopped it. `forked`: the producer's history changed. */
  readonly state: 'running' | 'paused' | 'forked'
  readonly reason: string | null
  readonly parkedInRow: number
}

const columns = sql`consumer, stream, number, event_id as "eventId", epoch, state, reason, parked_in_row as "parkedInRow"`

export interface PositionKey {
  readonly schema: string
  readonly consumer: string
  readonly stream: string
}

/** Creates the position at 0 on first use. */
export const openPosition = async (tx: Tx, { schema, consumer, stream }: PositionKey): Promise<void> => {
  await sql`
    insert into ${sql.id(schema, 'position')} (consumer, stream) values (${consumer}, ${stream})
    on conflict do nothing`.execute(tx)
}

export const lockPosition = async (tx: Tx, { schema, consumer, stream }: PositionKey): Promise<Position> => {
  const { rows } = await sql<Position>`
    select ${columns} from ${sql.id(schema, 'position')}
    where consumer = ${consumer} and stream = ${stream} for update`.execute(tx)
  const [position] = rows
  if (!position) throw new Error(`no position of ${consumer} in ${stream}`)
  return position
}

export const listPositions = async (tx: Tx, schema: string): Promise<Position[]> => {
  const { rows } = await sql<Position>`
    select ${columns} from ${sql.id(schema, 'position')} order by consumer, stream`.execute(tx)
  return rows
}

export const movePosition = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  last: EventRecord,
  parkedInRow: number,
  now: Date,
): Promise<void> => {
  await sql`
    update ${sql.id(schema, 'position')}
    set number = ${last.number}, event_id = ${last.eventId}, parked_in_row = ${parkedInRow}, moved_at = ${now}
    where consumer = ${consumer} and stream = ${stream} and number < ${last.number}`.execute(tx)
}

export const setPositionState = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  state: Position['state'],
  reason: string | null,
): Promise<void> => {
  await sql`
    update ${sql.id(schema, 'position')} set state = ${state}, reason = ${reason}, parked_in_row = 0
    where consumer = ${consumer} and stream = ${stream}`.execute(tx)
}
