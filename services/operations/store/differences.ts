// Statements on what reconciliation compared and found.
import { sql } from 'kysely'
import type { Tx } from '../../../kernel/ports.ts'

export interface ReconciliationRow {
  readonly name: string
  /** How many steps were saved: who saves the next one must have seen this one. */
  readonly step: number
  readonly progress: unknown
  readonly lastRoundAt: Date | null
  readonly lastRoundCompared: number | null
  readonly lastRoundMs: number | null
  readonly steppedAt: Date | null
  readonly waiting: string | null
}

const columns = sql`name, step, progress, last_round_at as "lastRoundAt", last_round_compared as "lastRoundCompared",
  last_round_ms as "lastRoundMs", stepped_at as "steppedAt", waiting`

export const listReconciliations = async (tx: Tx): Promise<ReconciliationRow[]> => {
  const { rows } = await sql<ReconciliationRow>`select ${columns} from operations.reconciliation order by name`.execute(
    tx,
  )
  return rows
}

export interface DifferenceRow {
  readonly id: number
  readonly name: string
  readonly about: string
  readonly number: number | null
  readonly what: 'missing' | 'extra' | 'different'
  readonly expected: string | null
  readonly found: string | null
  /** Why it may stay: a person decided it. Null for what somebody has to look at. */
  readonly explained: string | null
  readonly since: Date
  readonly seenAt: Date
  readonly goneAt: Date | null
}

const differenceColumns = sql`id, name, about, number, what, expected, found, explained, since, seen_at as "seenAt", gone_at as "goneAt"`

/** Newest first, those with an id below `before`. */
export const listDifferences = async (
  tx: Tx,
  openOnly: boolean,
  before: number,
  limit: number,
): Promise<DifferenceRow[]> => {
  // Those that are open are few among all that ever were, and have an index.
  const wanted = openOnly ? sql`and gone_at is null` : sql``
  const { rows } = await sql<DifferenceRow>`
    select ${differenceColumns} from operations.difference
    where id < ${before}::bigint ${wanted} order by id desc limit ${limit}`.execute(tx)
  return rows
}

export interface OpenDifferences {
  /** Those that somebody has to look at. */
  readonly open: number
  /** Those that stay because a person decided so. */
  readonly explained: number
  readonly oldest: Date | null
  readonly ledgerUnbalanced: boolean
}

export const countOpenDifferences = async (tx: Tx): Promise<OpenDifferences> => {
  const { rows } = await sql<OpenDifferences>`
    select count(*) filter (where explained is null)::int as open,
      count(*) filter (where explained is not null)::int as explained,
      min(since) filter (where explained is null) as oldest,
      coalesce(bool_or(name = 'ledger' and what <> 'extra'), false) as "ledgerUnbalanced"
    from operations.difference where gone_at is null`.execute(tx)
  return rows[0] ?? { open: 0, explained: 0, oldest: null, ledgerUnbalanced: false }
}

export interface SteppedReconciliation {
  readonly name: string
  /** The step that was seen; 0 when there was none. */
  readonly step: number
  readonly progress: unknown
  readonly waiting: string | null
  /** Set when a round has ended with this step. */
  readonly round: { readonly compared: number; readonly tookMs: number } | null
}

/** Saves one more step of each whose last saved step is the one given; gives the names of those it saved. */
export const saveReconciliations = async (
  tx: Tx,
  steps: readonly SteppedReconciliation[],
  now: Date,
): Promise<string[]> => {
  const { rows } = await sql<{ name: string }>`
    insert into operations.reconciliation as r (name, step, progress, waiting, stepped_at,
      last_round_at, last_round_compared, last_round_ms)
    select s->>'name', 1, s->'progress', s->>'waiting', ${now}::timestamptz,
      case when s->>'round' is not null then ${now}::timestamptz end,
      (s->'round'->>'compared')::bigint, (s->'round'->>'tookMs')::bigint
    from jsonb_array_elements(${JSON.stringify(steps)}::jsonb) as given(s)
    on conflict (name) do update set step = r.step + 1, progress = excluded.progress, waiting = excluded.waiting,
      stepped_at = excluded.stepped_at, last_round_at = coalesce(excluded.last_round_at, r.last_round_at),
      last_round_compared = coalesce(excluded.last_round_compared, r.last_round_compared),
      last_round_ms = coalesce(excluded.last_round_ms, r.last_round_ms)
    where r.step = any(
      select (s->>'step')::bigint from jsonb_array_elements(${JSON.stringify(steps)}::jsonb) as given(s)
      where s->>'name' = r.name)
    returning r.name`.execute(tx)
  return rows.map(({ name }) => name)
}

export type NewDifference = Pick<
  DifferenceRow,
  'name' | 'about' | 'number' | 'what' | 'expected' | 'found' | 'explained'
>

/** Opens what is not open yet; of what is, it is noted that it is still there, and how. */
export const saveDifferences = async (tx: Tx, found: readonly NewDifference[], now: Date): Promise<void> => {
  await sql`
    insert into operations.difference as d (name, about, number, what, expected, found, explained, since, seen_at)
    select f.name, f.about, f.number, f.what, f.expected, f.found, f.explained, ${now}, ${now}
    from jsonb_to_recordset(${JSON.stringify(found)}::jsonb) as f(
      name text, about text, number bigint, what text, expected text, found text, explained text)
    on conflict (name, about) where gone_at is null
    do update set what = excluded.what, expected = excluded.expected, found = excluded.found,
      explained = excluded.explained, seen_at = excluded.seen_at`.execute(tx)
}

/** Of those that are open within these ranges, the ones that are not among those still there are gone. */
export const endDifferencesIn = async (
  tx: Tx,
  name: string,
  ranges: readonly { readonly after: number; readonly upTo: number }[],
  stillThere: readonly string[],
  now: Date,
): Promise<void> => {
  await sql`
    update operations.difference d set gone_at = ${now}
    from unnest(${ranges.map((r) => r.after)}::bigint[], ${ranges.map((r) => r.upTo)}::bigint[]) as r(after, up_to)
    where d.name = ${name} and d.gone_at is null and d.number > r.after and d.number <= r.up_to
      and d.about <> all(${stillThere}::text[])`.execute(tx)
}

/** Of these comparisons, what has not been seen since a moment is gone. */
export const endDifferencesBefore = async (tx: Tx, names: readonly string[], since: Date, now: Date): Promise<void> => {
  await sql`
    update operations.difference set gone_at = ${now}
    where name = any(${names}::text[]) and gone_at is null and seen_at < ${since}`.execute(tx)
}

export interface OpenNumbers {
  /** Of events about which somebody has to do something, ascending. */
  readonly numbers: number[]
  /** Of those that stay because a person decided so. */
  readonly explained: number[]
  /** How many there are that somebody has to look at, about events or not. */
  readonly open: number
}

/** What is open of a comparison; as many numbers of each kind as told. */
export const openNumbers = async (tx: Tx, name: string, limit: number): Promise<OpenNumbers> => {
  const those = (isExplained: boolean) => sql`coalesce((select array_agg(number order by number) from (
    select number from operations.difference
    where name = ${name} and gone_at is null and number is not null and (explained is not null) = ${isExplained}
    order by number limit ${limit}) o), '{}')::int[]`
  const { rows } = await sql<OpenNumbers>`
    select ${those(false)} as numbers, ${those(true)} as explained,
      (select count(*)::int from operations.difference
        where name = ${name} and gone_at is null and explained is null) as open`.execute(tx)
  return rows[0] ?? { numbers: [], explained: [], open: 0 }
}
