// Statements on what was seen of the services, and on what did not arrive.
import { sql } from 'kysely'
import type { Tx } from '../../../kernel/ports.ts'
import type { ForkSeen, Observation } from '../observation.ts'
import type { OpenUndelivered } from '../rules/observe.ts'

/** As it stands in the database: moments are texts there. */
export type KeptObservation = Omit<Observation, 'at' | 'differences'> & { readonly forks: readonly ForkSeen[] }

export interface Watch {
  readonly at: Date
  readonly observation: KeptObservation
}

/** What was seen last, and when; undefined when nobody has looked yet. */
export const lastWatch = async (tx: Tx): Promise<Watch | undefined> => {
  const { rows } = await sql<Watch>`select at, observation from operations.watch where at is not null`.execute(tx)
  return rows[0]
}

const longestText = 1_000

/** What others say of their troubles may hold what PostgreSQL's JSON cannot, and be of any length. */
const jsonOf = (value: unknown): string =>
  JSON.stringify(value, (_name, one: unknown) =>
    typeof one === 'string' ? one.slice(0, longestText).replaceAll('\0', '').toWellFormed() : one,
  )

export interface PositionSeen {
  readonly number: number
  readonly epoch: number
  readonly state: string
}

/** Where a consumer was seen last; undefined when it was not, or its service does not answer. */
export const positionSeen = async (tx: Tx, service: string, consumer: string): Promise<PositionSeen | undefined> => {
  const { rows } = await sql<PositionSeen>`
    select (p->>'number')::bigint as number, (p->>'epoch')::int as epoch, p->>'state' as state
    from operations.watch, jsonb_array_elements(observation->'services') s,
      jsonb_array_elements(s->'state'->'positions') p
    where s->>'name' = ${service} and (s->>'silentMs')::float8 = 0 and jsonb_typeof(s->'state') = 'object'
      and p->>'consumer' = ${consumer}`.execute(tx)
  return rows[0]
}

/** Replaces what was seen before. */
export const saveWatch = async (tx: Tx, observation: Observation, forks: readonly ForkSeen[]): Promise<void> => {
  const { at, differences: _known, ...kept } = observation
  await sql`update operations.watch set at = ${at}, observation = ${jsonOf({ ...kept, forks })}::jsonb`.execute(tx)
}

/** Losing what was seen in a crash costs a look a second later: no need to wait for the disk. */
export const withoutWaiting = async (tx: Tx): Promise<void> => {
  await sql`set local synchronous_commit = off`.execute(tx)
}

export interface UndeliveredRow extends OpenUndelivered {
  readonly healedAt: Date | null
}

const undeliveredColumns = sql`id, service, consumer, stream, after, head, reason, since, healed_at as "healedAt"`

export const openUndelivered = async (tx: Tx): Promise<UndeliveredRow[]> => {
  const { rows } = await sql<UndeliveredRow>`
    select ${undeliveredColumns} from operations.undelivered where healed_at is null
    order by service, consumer, stream`.execute(tx)
  return rows
}

/** The last that healed, newest first. */
export const healedUndelivered = async (tx: Tx, limit: number): Promise<UndeliveredRow[]> => {
  const { rows } = await sql<UndeliveredRow>`
    select ${undeliveredColumns} from operations.undelivered where healed_at is not null
    order by healed_at desc, id desc limit ${limit}`.execute(tx)
  return rows
}

export type NewUndelivered = Omit<UndeliveredRow, 'id' | 'healedAt'>

/** Opens what is not open yet; of what is, the head and the reason are brought up to date. */
export const saveUndelivered = async (tx: Tx, found: readonly NewUndelivered[]): Promise<void> => {
  await sql`
    insert into operations.undelivered as u (service, consumer, stream, after, head, reason, since)
    select f.service, f.consumer, f.stream, f.after, f.head, f.reason, f.since
    from jsonb_to_recordset(${jsonOf(found)}::jsonb) as f(
      service text, consumer text, stream text, after bigint, head bigint, reason text, since timestamptz)
    on conflict (service, consumer, stream) where healed_at is null
    do update set after = excluded.after, head = excluded.head, reason = excluded.reason`.execute(tx)
}

export const healUndelivered = async (tx: Tx, ids: readonly number[], now: Date): Promise<void> => {
  await sql`
    update operations.undelivered set healed_at = ${now}
    where id = any(${ids}::int[]) and healed_at is null`.execute(tx)
}
