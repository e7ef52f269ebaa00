// Digests of events: how many there are in ranges of numbers, and a hash that differs where they do. Made of the
// producer's log, and of what a consumer's tables tell, so that both can be compared without being sent.
import { type RawBuilder, sql } from 'kysely'
import { isLiving } from './parked.ts'
import type { PositionKey } from './position.ts'
import type { Tx } from './ports.ts'
import type { EffectType, Effects } from './service.ts'
import { mostDiscarded, mostSetAside } from './standard.ts'

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

/** What a consumer's tables tell of these ranges, but for what was applied as a person had mended it. */
export const digestEffects = async (
  tx: Tx,
  key: PositionKey,
  { types, told }: Effects,
  ranges: readonly Range[],
): Promise<{ digests: Digest[]; setAside: number[] }> => {
  const mended = await appliedAsParked(tx, key, { types, told }, ranges)
  const waiting = await notApplied(tx, key, ranges)
  const without = [...new Set([...mended, ...waiting])].toSorted((a, b) => a - b)
  return { digests: await digest(tx, told, types, ranges, mended), setAside: without.slice(0, mostSetAside) }
}

export const listEffects = async (tx: Tx, key: PositionKey, effects: Effects, range: Range): Promise<ListedEvent[]> => {
  const mended = new Set(await appliedAsParked(tx, key, effects, [range]))
  return (await list(tx, effects.told, effects.types, range)).filter(({ number }) => !mended.has(number))
}

/** Parked events `p` of a consumer with numbers in these ranges. */
const parkedIn = ({ schema, consumer, stream }: PositionKey, ranges: readonly Range[]) => ({
  from: sql`
    unnest(${ranges.map(({ after }) => after)}::bigint[], ${ranges.map(({ upTo }) => upTo)}::bigint[]) as r(after, up_to)
    join ${sql.id(schema, 'parked')} p on p.number > r.after and p.number <= r.up_to`,
  where: sql`p.consumer = ${consumer} and p.stream = ${stream} and ${isLiving(schema)}`,
})

/** Numbers in these ranges that have no effect because they could not be applied. */
const notApplied = async (tx: Tx, key: PositionKey, ranges: readonly Range[]): Promise<number[]> => {
  const { from, where } = parkedIn(key, ranges)
  const { rows } = await sql<{ number: number }>`
    select distinct p.number from ${from} where ${where} and p.state <> 'applied'
    order by p.number limit ${mostSetAside}`.execute(tx)
  return rows.map(({ number }) => number)
}

/**
 * Numbers in these ranges of events that were applied after they had been parked, and whose effects are what was parked:
 * a person may have mended them, and then the log is no measure of them.
 */
const appliedAsParked = async (
  tx: Tx,
  key: PositionKey,
  { types, told }: Effects,
  ranges: readonly Range[],
): Promise<number[]> => {
  if (types.length === 0) return []
  const { from, where } = parkedIn(key, ranges)
  const { rows } = await sql<{ number: number }>`
    select distinct p.number from ${from}
    cross join lateral (select ${counting(types, fieldsAsList)} as counted from (select p.type, p.data) q) parked
    cross join lateral (select p.number - 1 as after, p.number as up_to) one
    where ${where} and p.state = 'applied' and (
      select count(*) = 1 and bool_and(event_id = p.event_id and type = p.type and ${counting(types, fieldsAsList)} = parked.counted)
      from (${told(sql`one.after`, sql`one.up_to`)}) e where ${isOf(types)})
    order by p.number limit ${mostSetAside}`.execute(tx)
  return rows.map(({ number }) => number)
}

export interface Discarded extends ListedEvent {
  readonly reason: string
}

/** Of the types that have effects, those that a person decided should have none, with the reason. */
export const listDiscarded = async (
  tx: Tx,
  key: PositionKey,
  { types }: Effects,
  ranges: readonly Range[],
): Promise<Discarded[]> => {
  if (types.length === 0) return []
  const { from, where } = parkedIn(key, ranges)
  const { rows } = await sql<Discarded>`
    select distinct on (number) number, event_id as "eventId", type, ${counting(types, fieldsAsObject)} as data, reason
    from (select p.number, p.event_id, p.type, p.data, p.reason from ${from} where ${where} and p.state = 'discarded') d where ${isOf(types)}
    order by number limit ${mostDiscarded}`.execute(tx)
  return rows
}
