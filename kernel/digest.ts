// Digests of events: how many there are in ranges of numbers, and a hash that differs where they do. Made of the
// producer's log, and of what a consumer's tables tell, so that both can be compared without being sent.
import { type RawBuilder, sql } from 'kysely'
import { isLiving } from './parked.ts'
import type { PositionKey } from './position.ts'
import type { Tx } from './ports.ts'
import type { EffectType, Effects } from './service.ts'

export interface Range {
  readonly after: number
  readonly upTo: number
}

export interface Digest {
  readonly count: number
  /** Sum of the events' hashes: an event that is missing, doubled or different changes it, their order does not. */
  readonly hash: string
}

export interface ListedEvent {
  readonly number: number
  readonly eventId: string
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The events of a range as rows of `number, event_id, type, data`. */
type Source = (after: RawBuilder<unknown>, upTo: RawBuilder<unknown>) => RawBuilder<unknown>

/** What counts of an event's data. Fields that a newer producer adds do not. */
const counting = (types: readonly EffectType[], make: (fields: readonly string[]) => RawBuilder<unknown>) =>
  sql`case type ${sql.join(
    types.map(({ type, fields }) => sql`when ${type} then ${make(fields)}`),
    sql` `,
  )} end`

const fieldsAsList = (fields: readonly string[]) =>
  sql`jsonb_build_array(${sql.join(fields.map((field) => sql`data -> ${field}::text`))})`

const fieldsAsObject = (fields: readonly string[]) =>
  sql`jsonb_build_object(${sql.join(fields.map((field) => sql`${field}::text, data -> ${field}::text`))})`

const isOf = (types: readonly EffectType[]) => sql`type = any(${types.map(({ type }) => type)}::text[])`

/** The first 64 bits of a hash that is the same on every server. */
const hashOf = (text: RawBuilder<unknown>) =>
  sql`('x' || encode(substr(sha256(convert_to(${text}, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint`

/** One statement for all ranges. */
const digest = async (
  tx: Tx,
  source: Source,
  types: readonly EffectType[],
  ranges: readonly Range[],
  without: readonly number[],
): Promise<Digest[]> => {
  if (types.length === 0) return ranges.map(() => ({ count: 0, hash: '0' }))
  const text = sql`number || ' ' || event_id || ' ' || type || ' ' || ${counting(types, fieldsAsList)}`
  const { rows } = await sql<Digest>`
    select d.count, d.hash
    from unnest(${ranges.map(({ after }) => after)}::bigint[], ${ranges.map(({ upTo }) => upTo)}::bigint[])
      with ordinality as r(after, up_to, place)
    cross join lateral (
      select count(*)::int as count, coalesce(sum(${hashOf(text)}), 0)::text as hash
      from (${source(sql`r.after`, sql`r.up_to`)}) e
      where ${isOf(types)} and number <> all(${without}::bigint[])) d
    order by r.place`.execute(tx)
  return rows
}

const list = async (
  tx: Tx,
  source: Source,
  types: readonly EffectType[],
  { after, upTo }: Range,
): Promise<ListedEvent[]> => {
  if (types.length === 0) return []
  const { rows } = await sql<ListedEvent>`
    select number, event_id as "eventId", type, ${counting(types, fieldsAsObject)} as data
    from (${source(sql`${after}::bigint`, sql`${upTo}::bigint`)}) e where ${isOf(types)}
    order by number, event_id, type limit ${mostListed}`.execute(tx)
  return rows
}

/** A range is of at most 2,000 numbers; more than that only where events are doubled. */
const mostListed = 10_000

const logOf =
  (schema: string): Source =>
  (after, upTo) =>
    sql`
    select number, event_id, type, data from ${sql.id(schema, 'event')} where number > ${after} and number <= ${upTo}`

export const digestLog = (
  tx: Tx,
  schema: string,
  types: readonly EffectType[],
  ranges: readonly Range[],
  without: readonly number[],
): Promise<Digest[]> => digest(tx, logOf(schema), types, ranges, without)

export const listLog = (tx: Tx, schema: string, types: readonly EffectType[], range: Range): Promise<ListedEvent[]> =>
  list(tx, logOf(schema), types, range)

export const digestEffects = (tx: Tx, { types, told }: Effects, ranges: readonly Range[]): Promise<Digest[]> =>
  digest(tx, told, types, ranges, [])

export const listEffects = (tx: Tx, { types, told }: Effects, range: Range): Promise<ListedEvent[]> =>
  list(tx, told, types, range)

const mostSetAside = 10_000

/** Numbers in these ranges that have no effect because they could not be applied. */
export const setAside = async (
  tx: Tx,
  { schema, consumer, stream }: PositionKey,
  ranges: readonly Range[],
): Promise<number[]> => {
  const { rows } = await sql<{ number: number }>`
    select distinct p.number
    from unnest(${ranges.map(({ after }) => after)}::bigint[], ${ranges.map(({ upTo }) => upTo)}::bigint[])
      as r(after, up_to)
    join ${sql.id(schema, 'parked')} p on p.number > r.after and p.number <= r.up_to
    where p.consumer = ${consumer} and p.stream = ${stream} and p.state <> 'applied' and ${isLiving(schema)}
    order by p.number limit ${mostSetAside}`.execute(tx)
  return rows.map(({ number }) => number)
}
