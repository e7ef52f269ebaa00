// Another history of a stream: how a producer begins an epoch after its database was restored, and how each of its
// consumers goes on with it. What was applied of the lost history stays applied.
import { sql } from 'kysely'
import { type Applying, keyOf } from './handle.ts'
import { discardParkedAfter } from './parked.ts'
import { lockPosition, type Position, type PositionKey, turnPosition } from './position.ts'
import type { Tx } from './ports.ts'
import { type Outcome, ok, refuse } from './result.ts'
import type { NamedEvent } from './service.ts'

export interface Decision {
  readonly by: number | null
  readonly now: Date
  readonly reason: string
}

/** Raises the epoch of this service's own stream; what is published from now on says it. One that is there stays. */
export const beginEpoch = async (
  tx: Tx,
  schema: string,
  epoch: number,
  { by, now, reason }: Decision,
): Promise<number> => {
  const { rows } = await sql<{ epoch: number }>`
    with raised as (
      update ${sql.id(schema, 'stream')} set epoch = ${epoch} where epoch < ${epoch} returning head
    ), written as (
      insert into ${sql.id(schema, 'epoch')} (epoch, head, reason, begun_by, begun_at)
      select ${epoch}, head, ${reason}, ${by}, ${now} from raised
      on conflict (epoch) do update set head = excluded.head, reason = excluded.reason, begun_by = excluded.begun_by,
        begun_at = excluded.begun_at
    )
    select greatest(epoch, ${epoch}::int) as epoch from ${sql.id(schema, 'stream')}`.execute(tx)
  return rows[0]?.epoch ?? epoch
}

interface Begun {
  readonly epoch: number
  readonly after: number
  readonly eventId: string | null
  readonly leftAt: number
}

const insertHistory = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  { epoch, after, eventId, leftAt }: Begun,
  { by, now, reason }: Pick<Decision, 'by' | 'now'> & { readonly reason: string | null },
): Promise<void> => {
  await sql`
    insert into ${sql.id(schema, 'history')}
      (consumer, stream, epoch, after, event_id, left_at, reason, decided_by, decided_at)
    values (${consumer}, ${stream}, ${epoch}, ${after}, ${eventId}, ${leftAt}, ${reason}, ${by}, ${now})`.execute(tx)
}

/** Which epoch a consumer was in at each number of the history that lives. */
export const epochsOf = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
): Promise<(number: number) => number> => {
  const { rows } = await sql<{ epoch: number; after: number }>`
    select epoch, after from ${sql.id(schema, 'history')} where consumer = ${consumer} and stream = ${stream}
    order by epoch desc`.execute(tx)
  return (number) => rows.find(({ after }) => after < number)?.epoch ?? 1
}

/** The producer began an epoch, and its log has all that was applied here: nothing needs to be decided. */
export const adoptEpoch = (applying: Applying, known: Position, epoch: number): Promise<Position> =>
  applying.database.transaction('position.epoch', async (tx) => {
    const key = keyOf(applying)
    const position = await lockPosition(tx, key)
    const { state, number: after, eventId } = position
    const changed = position.epoch !== known.epoch || eventId !== known.eventId
    if (state !== 'running' || changed) return position
    const now = await applying.clock.now(tx)
    await insertHistory(tx, key, { epoch, after, eventId, leftAt: after }, { by: null, now, reason: null })
    await turnPosition(tx, key, { epoch, number: after, eventId }, now)
    applying.log.info({ ...key, epoch, after }, 'the producer began an epoch, and has all that was applied')
    return { ...position, epoch }
  })

/** Numbers of these events that are known to have been applied, or set aside. Undefined for whoever begins anew. */
export const knownEvents = async (
  { consumer, database }: Applying,
  tx: Tx,
  events: readonly NamedEvent[],
): Promise<number[] | undefined> => {
  if (consumer.otherHistory?.goesOn !== 'after what is known') return undefined
  const effects = await consumer.otherHistory.known(tx, consumer.stream, events)
  const { rows } = await sql<{ number: number }>`
    select number from ${sql.id(database.schema, 'parked')}
    where consumer = ${consumer.name} and stream = ${consumer.stream} and number = any(${events.map((e) => e.number)}::bigint[])
      and event_id = any(${events.map((e) => e.eventId)}::uuid[])`.execute(tx)
  return [...new Set([...effects, ...rows.map(({ number }) => number)])].toSorted((a, b) => a - b)
}

export interface Acceptance {
  readonly epoch: number
  /** The last event that both histories have, 0 for none, and its id. */
  readonly after: number
  readonly eventId: string | null
}

export interface Accepted {
  readonly epoch: number
  readonly after: number
  /** How far the lost history had been applied. */
  readonly leftAt: number
  /** Parked events of the lost history, which were discarded. */
  readonly discarded: number
}

type NotAccepted = 'not_forked' | 'epoch_not_newer' | 'cannot_go_on' | 'event_unknown'

/** Why the consumer cannot go on like this, or null. */
const objection = async (
  applying: Applying,
  tx: Tx,
  position: Position,
  { epoch, after, eventId }: Acceptance,
): Promise<NotAccepted | null> => {
  if (position.state !== 'forked') return 'not_forked'
  if (epoch <= position.epoch) return 'epoch_not_newer'
  if (!applying.consumer.otherHistory) return 'cannot_go_on'
  if (after === 0) return null
  // Whatever lies before an event that was applied is the same in both histories; of another event nobody can say so.
  const known = eventId === null ? [] : await knownEvents(applying, tx, [{ number: after, eventId }])
  return after <= position.number && known?.includes(after) ? null : 'event_unknown'
}

/** Lets a forked consumer go on with another history after the last event that both have. */
export const acceptHistory = async (
  applying: Applying,
  tx: Tx,
  acceptance: Acceptance,
  decision: Decision,
): Promise<Outcome<Accepted, NotAccepted>> => {
  const key = keyOf(applying)
  const position = await lockPosition(tx, key)
  const refused = await objection(applying, tx, position, acceptance)
  if (refused) return refuse(refused, { state: position.state, epoch: position.epoch, number: position.number })
  const { epoch, after, eventId } = acceptance
  const leftAt = position.number
  await insertHistory(tx, key, { epoch, after, eventId, leftAt }, decision)
  const { otherHistory } = applying.consumer
  if (otherHistory?.goesOn === 'from the beginning') await otherHistory.forget(tx)
  const reason = `of a history that was lost: ${decision.reason}`
  const discarded = await discardParkedAfter(tx, key, after, { ...decision, reason })
  await turnPosition(tx, key, { epoch, number: after, eventId }, decision.now)
  applying.log.warn({ ...key, ...acceptance, leftAt, discarded }, 'another history was accepted')
  return ok({ epoch, after, leftAt, discarded })
}
