// Events that cannot be applied: set aside with their error, retried late or discarded with a reason, never lost.
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { describeError, isOfTheSystem, isTransient } from './failure.ts'
import { type Applying, handle, keyOf, type Run } from './handle.ts'
import { lockPosition, movePosition, type Position, type PositionKey, setPositionState } from './position.ts'
import type { Tx } from './ports.ts'
import type { EventRecord } from './stream.ts'

/** After this many parked events in a row something else is wrong, and the consumer pauses. */
export const mostParkedInRow = 20

export interface ParkedEvent extends EventRecord {
  readonly consumer: string
  readonly stream: string
  readonly error: string
  readonly fingerprint: string
  readonly attempts: number
  readonly state: 'parked' | 'applied' | 'discarded'
  readonly reason: string | null
}

/** Errors that differ only in numbers, ids and quoted values are of one kind. */
export const fingerprintOf = (type: string, error: string): string =>
  createHash('sha256')
    .update(`${type} ${error.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|\d+|"[^"]*"|'[^']*'/g, '?')}`)
    .digest('hex')
    .slice(0, 12)

const insertParked = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  event: EventRecord,
  { error, attempts }: { error: string; attempts: number },
  now: Date,
): Promise<void> => {
  await sql`
    insert into ${sql.id(schema, 'parked')}
      (consumer, stream, number, event_id, type, version, about, data, at, request_id, actor, error, fingerprint, attempts, parked_at)
    values (${consumer}, ${stream}, ${event.number}, ${event.eventId}, ${event.type}, ${event.version}, ${event.about},
      ${JSON.stringify(event.data)}::jsonb, ${event.at}, ${event.requestId}, ${event.actor}, ${error},
      ${fingerprintOf(event.type, error)}, ${attempts}, ${now})
    on conflict do nothing`.execute(tx)
}

/** Parks the event and moves the position past it, in one transaction. */
export const parkEvent = (
  { database, clock, log }: Applying,
  key: PositionKey,
  run: Run,
  event: EventRecord,
  failure: { error: unknown; attempts: number },
): Promise<Position> =>
  database.transaction('park', async (tx) => {
    const position = await lockPosition(tx, key)
    const continues = position.number === 0 || run.predecessor === null || run.predecessor === position.eventId
    if (position.state !== 'running' || position.number + 1 !== event.number || !continues) return position
    const now = await clock.now(tx)
    const error = describeError(failure.error)
    await insertParked(tx, key, event, { error, attempts: failure.attempts }, now)
    const parkedInRow = position.parkedInRow + 1
    await movePosition(tx, key, event, parkedInRow, now)
    log.error({ ...key, number: event.number, type: event.type, requestId: event.requestId, error }, 'event parked')
    const moved = { ...position, number: event.number, eventId: event.eventId, parkedInRow }
    if (parkedInRow <= mostParkedInRow) return moved
    const reason = `more than ${mostParkedInRow} events parked in a row`
    await setPositionState(tx, key, 'paused', reason)
    log.error({ ...key, reason }, 'consumer paused')
    return { ...moved, state: 'paused', reason }
  })

const parkedColumns = sql`consumer, stream, number, event_id as "eventId", type, version, about, data,
  to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, request_id as "requestId", actor,
  error, fingerprint, attempts, state, reason`

export const listParked = async (tx: Tx, schema: string, limit: number): Promise<ParkedEvent[]> => {
  const { rows } = await sql<ParkedEvent>`
    select ${parkedColumns} from ${sql.id(schema, 'parked')} where state = 'parked'
    order by consumer, stream, number limit ${limit}`.execute(tx)
  return rows
}

const lockParked = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  number: number,
): Promise<ParkedEvent | undefined> => {
  const { rows } = await sql<ParkedEvent>`
    select ${parkedColumns} from ${sql.id(schema, 'parked')}
    where consumer = ${consumer} and stream = ${stream} and number = ${number} and state = 'parked' for update`.execute(
    tx,
  )
  return rows[0]
}

interface Decider {
  readonly by: number | null
  readonly now: Date
}

const decide = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  number: number,
  decision: Decider & { state: ParkedEvent['state']; reason: string | null },
): Promise<void> => {
  await sql`
    update ${sql.id(schema, 'parked')}
    set state = ${decision.state}, reason = ${decision.reason}, decided_by = ${decision.by}, decided_at = ${decision.now}
    where consumer = ${consumer} and stream = ${stream} and number = ${number}`.execute(tx)
}

/**
 * Applies one parked event now, late; handlers that keep state must not let it undo newer events.
 * Gives 'applied', 'absent' when it is not parked (any more), or the error with which it failed again.
 * Throws what may pass by itself.
 */
export const retryParked = async (applying: Applying, tx: Tx, number: number, decider: Decider): Promise<string> => {
  const key = keyOf(applying)
  const { number: applied } = await lockPosition(tx, key)
  const event = await lockParked(tx, key, number)
  if (!event) return 'absent'
  await sql`savepoint retry`.execute(tx)
  try {
    await handle(applying, tx, [event], { now: decider.now, applied })
  } catch (error) {
    if (isTransient(error) || isOfTheSystem(error)) throw error
    await sql`rollback to savepoint retry`.execute(tx)
    const text = describeError(error)
    await noteFailure(tx, key, number, text)
    return text
  }
  await decide(tx, key, number, { state: 'applied', reason: null, ...decider })
  return 'applied'
}

const noteFailure = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  number: number,
  error: string,
): Promise<void> => {
  await sql`
    update ${sql.id(schema, 'parked')} set attempts = attempts + 1, error = ${error}
    where consumer = ${consumer} and stream = ${stream} and number = ${number} and state = 'parked'`.execute(tx)
}

/** Sets a parked event aside for good, with the reason; it stays readable. False when it is not parked. */
export const discardParked = async (
  applying: Applying,
  tx: Tx,
  number: number,
  { reason, ...decider }: Decider & { reason: string },
): Promise<boolean> => {
  const key = keyOf(applying)
  if (!(await lockParked(tx, key, number))) return false
  await decide(tx, key, number, { state: 'discarded', reason, ...decider })
  return true
}
