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

/** What a replay adds to the name of a consumer, for the position it keeps beside the live one. */
export const shadowMark = '_replay'
export const notShadow = sql`strpos(consumer, ${sql.lit(shadowMark)}) = 0`

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

/** Where a consumer stands; at 0 before it has begun. */
export const findPosition = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
): Promise<Pick<Position, 'number' | 'epoch'>> => {
  const { rows } = await sql<Position>`
    select ${columns} from ${sql.id(schema, 'position')}
    where consumer = ${consumer} and stream = ${stream}`.execute(tx)
  return rows[0] ?? { number: 0, epoch: 1 }
}

/** Those of replays beside the live tables are left out. */
export const listPositions = async (tx: Tx, schema: string): Promise<Position[]> => {
  const { rows } = await sql<Position>`
    select ${columns} from ${sql.id(schema, 'position')} where ${notShadow} order by consumer, stream`.execute(tx)
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

/** Goes on in another epoch, after this event. */
export const turnPosition = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  { epoch, number, eventId }: Pick<Position, 'epoch' | 'number' | 'eventId'>,
  now: Date,
): Promise<void> => {
  await sql`
    update ${sql.id(schema, 'position')}
    set epoch = ${epoch}, number = ${number}, event_id = ${eventId}, state = 'running', reason = null,
      parked_in_row = 0, moved_at = ${now}
    where consumer = ${consumer} and stream = ${stream}`.execute(tx)
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
