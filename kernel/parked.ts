// Events that cannot be applied: set aside with their error, retried late or discarded with a reason, never lost.
import { createHash } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { describeError, isOfTheSystem, isTransient } from './failure.ts'
import { findFork, isOfEpoch } from './fork.ts'
import { type Applying, handle, keyOf, type Run } from './handle.ts'
import { numberInMark, pageMarkOf, readPageMark } from './page.ts'
import { lockPosition, movePosition, notShadow, type Position, type PositionKey, setPositionState } from './position.ts'
import type { Tx } from './ports.ts'
import { inSavepoint } from './savepoint.ts'
import type { EventRecord } from './stream.ts'
import { noTracing, placesOf, rangeOf } from './tracing.ts'

/** After this many parked events in a row something else is wrong, and the consumer pauses. */
export const mostParkedInRow = 20

export interface ParkedEvent extends EventRecord {
  readonly consumer: string
  readonly stream: string
  readonly epoch: number
  readonly error: string
  readonly fingerprint: string
  readonly attempts: number
  readonly state: 'parked' | 'applied' | 'discarded'
  readonly reason: string | null
  readonly parkedAt: Date
  /** When it was applied, discarded or restored, and by whom. */
  readonly decidedAt: Date | null
  readonly decidedBy: number | null
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
  { epoch, error, attempts }: { epoch: number; error: string; attempts: number },
  now: Date,
): Promise<void> => {
  await sql`
    insert into ${sql.id(schema, 'parked')}
      (consumer, stream, epoch, number, event_id, type, version, about, data, at, request_id, actor, trace, error, fingerprint,
       attempts, parked_at)
    values (${consumer}, ${stream}, ${epoch}, ${event.number}, ${event.eventId}, ${event.type}, ${event.version},
      ${event.about}, ${JSON.stringify(event.data)}::jsonb, ${event.at}, ${event.requestId}, ${event.actor}, ${event.trace ?? null}, ${error},
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
    const continues = isOfEpoch(position, run) && findFork(position, run) === null
    if (position.state !== 'running' || position.number + 1 !== event.number || !continues) return position
    const now = await clock.now(tx)
    const error = describeError(failure.error)
    await insertParked(tx, key, event, { epoch: position.epoch, error, attempts: failure.attempts }, now)
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

const parkedColumns = sql`consumer, stream, epoch, number, event_id as "eventId", type, version, about, data,
  to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, request_id as "requestId", actor, trace,
  error, fingerprint, attempts, state, reason, parked_at as "parkedAt", decided_at as "decidedAt", decided_by as "decidedBy"`

export interface ParkedFilter {
  readonly consumer?: string | undefined
  readonly fingerprint?: string | undefined
  readonly number?: number | undefined
  readonly state: ParkedEvent['state']
  /** Mark of the last one of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

export const parkedMarkOf = ({ consumer, stream, number, epoch }: ParkedEvent): string =>
  pageMarkOf(consumer, stream, number, epoch)

const conditions = ({ consumer, fingerprint, number, state, after }: ParkedFilter): RawBuilder<unknown>[] => {
  const [lastConsumer, lastStream] = readPageMark(after) ?? []
  return [
    sql`state = ${sql.lit(state)}`,
    notShadow,
    ...(consumer === undefined ? [] : [sql`consumer = ${consumer}`]),
    ...(fingerprint === undefined ? [] : [sql`fingerprint = ${fingerprint}`]),
    ...(number === undefined ? [] : [sql`number = ${number}`]),
    ...(typeof lastConsumer === 'string' && typeof lastStream === 'string'
      ? [
          sql`(consumer, stream, number, epoch) > (${lastConsumer}, ${lastStream}, ${numberInMark(after, 2, 0)}::bigint,
            ${numberInMark(after, 3, 1)}::int)`,
        ]
      : []),
  ]
}

/** By consumer, stream, number and epoch. */
export const listParked = async (tx: Tx, schema: string, filter: ParkedFilter): Promise<ParkedEvent[]> => {
  const { rows } = await sql<ParkedEvent>`
    select ${parkedColumns} from ${sql.id(schema, 'parked')} where ${sql.join(conditions(filter), sql` and `)}
    order by consumer, stream, number, epoch limit ${filter.limit}`.execute(tx)
  return rows
}

/** True of a parked event `p` whose number no later epoch has given to another one. */
export const isLiving = (schema: string): RawBuilder<boolean> => sql`not exists (
  select from ${sql.id(schema, 'history')} h
  where h.consumer = p.consumer and h.stream = p.stream and h.epoch > p.epoch and h.after < p.number)`

/** Those of these events that were ever set aside, by number. */
export const parkedAmong = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  events: readonly EventRecord[],
): Promise<Map<number, ParkedEvent>> => {
  const { rows } = await sql<ParkedEvent>`
    select ${parkedColumns} from ${sql.id(schema, 'parked')} p
    where consumer = ${consumer} and stream = ${stream} and ${isLiving(schema)}
      and number = any(${events.map(({ number }) => number)}::bigint[])`.execute(tx)
  return new Map(rows.map((row) => [row.number, row]))
}

/** Events that were applied after they had been parked, as a person may have mended them, by their ids. */
export const appliedLate = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
): Promise<Map<string, ParkedEvent>> => {
  const { rows } = await sql<ParkedEvent>`
    select ${parkedColumns} from ${sql.id(schema, 'parked')}
    where consumer = ${consumer} and stream = ${stream} and state = 'applied'`.execute(tx)
  return new Map(rows.map((row) => [row.eventId, row]))
}

const lockParked = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  number: number,
  state: ParkedEvent['state'] = 'parked',
): Promise<ParkedEvent | undefined> => {
  const { rows } = await sql<ParkedEvent>`
    select ${parkedColumns} from ${sql.id(schema, 'parked')}
    where consumer = ${consumer} and stream = ${stream} and number = ${number} and state = ${state}
    order by epoch desc limit 1 for update`.execute(tx)
  return rows[0]
}

/** Who decides about a parked event, and when. */
export interface Decider {
  readonly by: number | null
  readonly now: Date
}

const decide = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  { epoch, number }: ParkedEvent,
  decision: Decider & { state: ParkedEvent['state']; reason: string | null },
): Promise<void> => {
  await sql`
    update ${sql.id(schema, 'parked')}
    set state = ${decision.state}, reason = ${decision.reason}, decided_by = ${decision.by}, decided_at = ${decision.now}
    where consumer = ${consumer} and stream = ${stream} and epoch = ${epoch} and number = ${number}`.execute(tx)
}

/**
 * Applies one parked event now, late; handlers that keep state must not let it undo newer events.
 * Gives 'applied', 'absent' when it is not parked (any more), or the error with which it failed again.
 * Throws what may pass by itself.
 */
export const retryParked = async (applying: Applying, tx: Tx, number: number, decider: Decider): Promise<string> => {
  const key = keyOf(applying)
  const position = await lockPosition(tx, key)
  const event = await lockParked(tx, key, number)
  if (!event) return 'absent'
  try {
    await traced(applying, event, () =>
      inSavepoint(tx, () => handle(applying, tx, [event], { now: decider.now, position, late: event.epoch })),
    )
  } catch (error) {
    if (isTransient(error) || isOfTheSystem(error)) throw error
    const text = describeError(error)
    await noteFailure(tx, key, event, text)
    return text
  }
  await decide(tx, key, event, { state: 'applied', reason: null, ...decider })
  return 'applied'
}

/** A part of the trace in which the event was said, however late. */
const traced = ({ tracing = noTracing, consumer }: Applying, event: EventRecord, work: () => Promise<void>) => {
  const attributes = { ...rangeOf([event]), 'ates.stream': consumer.stream }
  return tracing.shared(`retry ${consumer.name}`, placesOf([event]), { kind: 'consumer', attributes }, work)
}

const noteFailure = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  { epoch, number }: ParkedEvent,
  error: string,
): Promise<void> => {
  await sql`
    update ${sql.id(schema, 'parked')} set attempts = attempts + 1, error = ${error}
    where consumer = ${consumer} and stream = ${stream} and epoch = ${epoch} and number = ${number}`.execute(tx)
}

/** Sets a parked event aside for good, with the reason; it stays readable. False when it is not parked. */
export const discardParked = async (
  applying: Applying,
  tx: Tx,
  number: number,
  { reason, ...decider }: Decider & { reason: string },
): Promise<boolean> => {
  const key = keyOf(applying)
  const event = await lockParked(tx, key, number)
  if (!event) return false
  await decide(tx, key, event, { state: 'discarded', reason, ...decider })
  return true
}

/** Makes a discarded event parked again; why it was discarded stays readable. False when it is not discarded. */
export const restoreParked = async (applying: Applying, tx: Tx, number: number, decider: Decider): Promise<boolean> => {
  const key = keyOf(applying)
  const event = await lockParked(tx, key, number, 'discarded')
  if (!event) return false
  await decide(tx, key, event, { state: 'parked', reason: event.reason, ...decider })
  return true
}

/** Sets aside what is parked after this number: of a history that was lost, or to come again. Gives how many. */
export const discardParkedAfter = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  after: number,
  { reason, by, now }: Decider & { reason: string },
): Promise<number> => {
  const { numAffectedRows = 0n } = await sql`
    update ${sql.id(schema, 'parked')}
    set state = 'discarded', reason = ${reason}, decided_by = ${by}, decided_at = ${now}
    where consumer = ${consumer} and stream = ${stream} and number > ${after} and state = 'parked'`.execute(tx)
  return Number(numAffectedRows)
}
