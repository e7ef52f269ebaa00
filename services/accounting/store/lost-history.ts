// What the ledger holds of events that are in no log any more, because the task tracker's database was restored: it stays
// booked, is carried into a replay, and is named as a difference until somebody reverses it.
import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../../../kernel/ports.ts'
import type { KnowsApplied, NamedEvent } from '../../../kernel/service.ts'

const afterLaterEpoch = (row: string): RawBuilder<boolean> => sql`exists (
  select from accounting.history h
  where h.consumer = 'ledger' and h.stream = ${sql.raw(row)}.stream and h.epoch > ${sql.raw(row)}.epoch
    and h.after < ${sql.raw(row)}.number)`

/** True of a posting `p` whose event lies after the place where a later epoch began. */
export const isLost = afterLaterEpoch('p')
/** The same of a takeover `o`. */
export const isLostTakeover = afterLaterEpoch('o')

/** True of a posting `p` that an event of the living history has found booked already. */
export const isTakenOver: RawBuilder<boolean> = sql`exists (
  select from accounting.takeover o
  where o.task_id = p.task_id and o.kind = p.kind and o.assignment is not distinct from p.assignment
    and not ${isLostTakeover})`

/** Numbers of those events that are booked, by themselves or by an earlier event of the same key. */
export const bookedEvents = async (tx: Tx, stream: string, events: readonly NamedEvent[]): Promise<number[]> => {
  const { rows } = await sql<{ number: number }>`
    with named as (
      select * from unnest(${events.map((e) => e.number)}::bigint[], ${events.map((e) => e.eventId)}::uuid[])
        as n(number, event_id)
    )
    select n.number from named n
    where exists (select from accounting.posting p
        where p.stream = ${stream} and p.number = n.number and p.event_id = n.event_id)
      or exists (select from accounting.takeover o
        where o.stream = ${stream} and o.number = n.number and o.event_id = n.event_id)
    order by 1`.execute(tx)
  return rows.map(({ number }) => number)
}

/** One statement: postings that lost events left, with their balances and sums of days. */
export const keepLostPostings: KnowsApplied['keepLost'] = async ({ tx, stream, derived }) => {
  await sql`
    with kept as (
      insert into ${derived('posting')}
        (stream, epoch, number, line, event_id, kind, task_id, assignment, popug_id, from_account, to_account, amount_cents, day, at)
      select stream, epoch, number, line, event_id, kind, task_id, assignment, popug_id, from_account, to_account, amount_cents, day, at
      from accounting.posting p where p.stream = ${stream} and ${isLost}
      returning from_account, to_account, amount_cents, day
    ), taken as (
      insert into ${derived('takeover')} (stream, epoch, number, event_id, kind, task_id, assignment)
      select stream, epoch, number, event_id, kind, task_id, assignment
      from accounting.takeover o where o.stream = ${stream} and ${isLostTakeover}
    ), moves as (
      select from_account as account, day, 0 as plus, amount_cents as minus from kept
      union all select to_account, day, amount_cents, 0 from kept
    ), balances as (
      insert into ${derived('account')} (id, balance_cents)
      select account, sum(plus - minus)::bigint from moves group by account order by account
    )
    insert into ${derived('account_day')} (account, day, in_cents, out_cents)
    select account, day, sum(plus)::bigint, sum(minus)::bigint from moves group by account, day order by account, day`.execute(
    tx,
  )
}
