// Every statement of accounting, each over a set. Tables of derived data are given by `derived`: live or shadow.
import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../../kernel/ports.ts'
import type { Posting } from './rules/postings.ts'
import type { Price } from './rules/prices.ts'

export type Derived = (table: string) => RawBuilder<unknown>
export const live: Derived = (table) => sql`${sql.id('accounting', table)}`

/** Makes all writers of the ledger take turns; gives the open day. */
export const lockLedger = async (tx: Tx): Promise<string | null> => {
  const { rows } = await sql<{ day: string | null }>`select day from accounting.ledger for update`.execute(tx)
  return rows[0]?.day ?? null
}

/** An event's place in its stream. */
export interface Place {
  readonly epoch: number
  readonly number: number
}

export const beginDay = async (tx: Tx, stream: string, day: string, from: Place, now: Date): Promise<void> => {
  await sql`
    with begun as (update accounting.ledger set day = ${day})
    insert into accounting.accounting_day (stream, day, epoch, from_number, opened_at)
    values (${stream}, ${day}, ${from.epoch}, ${from.number}, ${now})`.execute(tx)
}

/** Books on the open day what comes after its own day has ended. */
export const noteLate = async (tx: Tx, stream: string, places: readonly Place[], day: string): Promise<void> => {
  await sql`
    insert into accounting.late_booking (stream, epoch, number, day)
    select ${stream}, epoch, number, ${day} from ${placesTable(places)}
    on conflict do nothing`.execute(tx)
}

const placesTable = (places: readonly Place[]) =>
  sql`unnest(${places.map((p) => p.epoch)}::int[], ${places.map((p) => p.number)}::bigint[]) as n(epoch, number)`

/** The accounting day of each event, by its number. */
export const daysOf = async (tx: Tx, stream: string, places: readonly Place[]): Promise<Map<number, string>> => {
  const { rows } = await sql<{ number: number; day: string }>`
    select n.number, coalesce(l.day, (
      select d.day from accounting.accounting_day d
      where d.stream = ${stream} and (d.epoch, d.from_number) <= (n.epoch, n.number)
      order by d.epoch desc, d.from_number desc, d.day desc limit 1)) as day
    from ${placesTable(places)}
    left join accounting.late_booking l on l.stream = ${stream} and l.epoch = n.epoch and l.number = n.number`.execute(
    tx,
  )
  return new Map(rows.map(({ number, day }) => [number, day]))
}

interface PriceRow {
  readonly taskId: number
  readonly feeCents: number
  readonly rewardCents: number
}

export const findPrices = async (tx: Tx, taskIds: readonly number[]): Promise<Price[]> => {
  const { rows } = await sql<PriceRow>`
    select task_id as "taskId", fee_cents as "feeCents", reward_cents as "rewardCents"
    from accounting.price where task_id = any(${taskIds}::int[]) order by task_id`.execute(tx)
  return rows.map((row) => ({
    taskId: row.taskId,
    feeCents: BigInt(row.feeCents),
    rewardCents: BigInt(row.rewardCents),
  }))
}

/** With the event that spoke of the task first. */
export interface DrawnPrice extends Price, Place {
  readonly at: Date
}

export const insertPrices = async (tx: Tx, stream: string, prices: readonly DrawnPrice[]): Promise<void> => {
  await sql`
    insert into accounting.price (task_id, fee_cents, reward_cents, stream, epoch, number, at)
    select task_id, fee, reward, ${stream}, epoch, number, at
    from unnest(${prices.map((p) => p.taskId)}::int[], ${prices.map((p) => String(p.feeCents))}::bigint[],
      ${prices.map((p) => String(p.rewardCents))}::bigint[], ${prices.map((p) => p.epoch)}::int[],
      ${prices.map((p) => p.number)}::bigint[], ${prices.map((p) => p.at)}::timestamptz[])
      as p(task_id, fee, reward, epoch, number, at)`.execute(tx)
}

const postingColumns =
  sql.raw(`epoch, number, line, event_id, kind, task_id, assignment, popug_id, from_account, to_account,
  amount_cents, day, at`)

/** As a table, each column an array, which PostgreSQL reads much faster than JSON. */
const postingsTable = (postings: readonly Posting[]): RawBuilder<unknown> => sql`unnest(
  ${postings.map((p) => p.epoch)}::int[], ${postings.map((p) => p.number)}::bigint[], ${postings.map((p) => p.line)}::smallint[],
  ${postings.map((p) => p.eventId)}::uuid[], ${postings.map((p) => p.kind)}::text[], ${postings.map((p) => p.taskId)}::int[],
  ${postings.map((p) => p.assignment)}::int[], ${postings.map((p) => p.popugId)}::int[],
  ${postings.map((p) => p.from)}::text[], ${postings.map((p) => p.to)}::text[],
  ${postings.map((p) => String(p.amountCents))}::bigint[], ${postings.map((p) => p.day)}::date[],
  ${postings.map((p) => p.at)}::timestamptz[])
  as g(${postingColumns})`

/**
 * Writes postings, balances and sums of days in one statement, accounts in order of their ids. What is there already
 * under its business key or at its place is left out, or makes it fail as a duplicate. Gives how many were written.
 */
export const insertPostings = async (
  tx: Tx,
  derived: Derived,
  stream: string,
  postings: readonly Posting[],
  known: 'is left out' | 'fails',
): Promise<number> => {
  const { rows } = await sql<{ count: number }>`
    with inserted as (
      insert into ${derived('posting')} (stream, ${postingColumns})
      select ${stream}, ${postingColumns} from ${postingsTable(postings)} order by number, line
      ${known === 'fails' ? sql`` : sql`on conflict do nothing`}
      returning from_account, to_account, amount_cents, day
    ), moves as (
      select from_account as account, day, 0 as plus, amount_cents as minus from inserted
      union all select to_account, day, amount_cents, 0 from inserted
    ), balances as (
      insert into ${derived('account')} as a (id, balance_cents)
      select account, sum(plus - minus)::bigint from moves group by account order by account
      on conflict (id) do update set balance_cents = a.balance_cents + excluded.balance_cents
    ), days as (
      insert into ${derived('account_day')} as d (account, day, in_cents, out_cents)
      select account, day, sum(plus)::bigint, sum(minus)::bigint from moves group by account, day order by account, day
      on conflict (account, day) do update
        set in_cents = d.in_cents + excluded.in_cents, out_cents = d.out_cents + excluded.out_cents
    )
    select count(*)::int as count from inserted`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Those of the given postings whose business key, or whose place, stands in the ledger with another content. */
export const conflictingPostings = async (
  tx: Tx,
  derived: Derived,
  stream: string,
  postings: readonly Posting[],
): Promise<number[]> => {
  const { rows } = await sql<{ number: number }>`
    with given as (select ${postingColumns} from ${postingsTable(postings)})
    select g.number from given g
    join ${derived('posting')} p on p.kind = g.kind and p.task_id = g.task_id and p.assignment is not distinct from g.assignment
    where (p.popug_id, p.from_account, p.to_account, p.amount_cents)
      is distinct from (g.popug_id, g.from_account, g.to_account, g.amount_cents)
    union
    select g.number from given g
    join ${derived('posting')} p
      on p.stream = ${stream} and p.number = g.number and p.epoch = g.epoch and p.line = g.line
    where (p.kind, p.task_id, p.assignment) is distinct from (g.kind, g.task_id, g.assignment)
    order by 1`.execute(tx)
  return rows.map(({ number }) => number)
}

/** Writes down which of these events found their posting written by another event. */
export const noteTakeovers = async (
  tx: Tx,
  derived: Derived,
  stream: string,
  postings: readonly Posting[],
): Promise<void> => {
  await sql`
    insert into ${derived('takeover')} (stream, epoch, number, event_id, kind, task_id, assignment)
    select ${stream}, g.epoch, g.number, g.event_id, g.kind, g.task_id, g.assignment
    from ${postingsTable(postings)}
    join ${derived('posting')} p on p.kind = g.kind and p.task_id = g.task_id and p.assignment is not distinct from g.assignment
    where p.event_id <> g.event_id order by g.number
    on conflict do nothing`.execute(tx)
}

export interface Summary {
  readonly balanceCents: number
  readonly todayCents: number
  readonly upTo: number
  readonly upToEpoch: number
}

export const accountSummary = async (tx: Tx, account: string, today: string): Promise<Summary> => {
  const { rows } = await sql<Summary>`
    select coalesce((select balance_cents from accounting.account where id = ${account}), 0) as "balanceCents",
      coalesce((select in_cents - out_cents from accounting.account_day where account = ${account} and day = ${today}), 0)
        as "todayCents",
      coalesce(max(number), 0) as "upTo", coalesce(max(epoch), 1) as "upToEpoch"
    from accounting.position where consumer = 'ledger' and stream = 'task-tracker'`.execute(tx)
  return rows[0] ?? { balanceCents: 0, todayCents: 0, upTo: 0, upToEpoch: 1 }
}

export const ledgerUpTo = async (tx: Tx): Promise<number> => {
  const { rows } = await sql<{ number: number }>`
    select number from accounting.position where consumer = 'ledger' and stream = 'task-tracker'`.execute(tx)
  return rows[0]?.number ?? 0
}

export interface Holder {
  readonly popugId: number
  readonly name: string
  readonly role: string
  readonly active: boolean
  readonly version: number
}

/** Keeps what is newer than what is there. */
export const saveHolders = async (tx: Tx, holders: readonly Holder[]): Promise<void> => {
  await sql`
    insert into accounting.holder (id, name, role, active, version)
    select * from unnest(${holders.map((h) => h.popugId)}::int[], ${holders.map((h) => h.name)}::text[],
      ${holders.map((h) => h.role)}::text[], ${holders.map((h) => h.active)}::boolean[], ${holders.map((h) => h.version)}::int[])
    on conflict (id) do update
      set name = excluded.name, role = excluded.role, active = excluded.active, version = excluded.version
      where holder.version < excluded.version`.execute(tx)
}

/** Names stay, for the ledger shows them; whatever is said of a holder from now on is newer. */
export const forgetHolders = async (tx: Tx): Promise<void> => {
  await sql`update accounting.holder set active = false, version = 0`.execute(tx)
}

export const holderName = async (tx: Tx, popugId: number): Promise<string | null> => {
  const { rows } = await sql<{ name: string }>`select name from accounting.holder where id = ${popugId}`.execute(tx)
  return rows[0]?.name ?? null
}
