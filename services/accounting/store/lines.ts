// Statements on the lines of an account: a page of them, and what stands before it and behind it.
import { sql } from 'kysely'
import type { Tx } from '../../../kernel/ports.ts'
import type { Posting } from '../rules/postings.ts'
import type { Place } from '../store.ts'

/** A posting as the holder of the account sees it. */
export interface Line extends Omit<Posting, 'popugId' | 'from' | 'to' | 'amountCents'> {
  readonly stream: string
  readonly signedCents: number
  /** Booked after lines of later events. */
  readonly late: boolean
}

/** A line's place in an account's log. */
export interface LinePlace extends Place {
  readonly line: number
}

export const signedCents = sql`case kind when 'fee' then -amount_cents else amount_cents end`

/** Behind every event. */
const beyond: Place = { epoch: 2 ** 31 - 1, number: Number.MAX_SAFE_INTEGER }

/** Newest first by (epoch, event number, line), those before the given place. */
export const accountLines = async (tx: Tx, popugId: number, before: LinePlace, limit: number): Promise<Line[]> => {
  const { rows } = await sql<Line>`
    select stream, epoch, number, line, event_id as "eventId", kind, task_id as "taskId", assignment,
      ${signedCents} as "signedCents", day, at,
      exists (select from accounting.late_booking l
        where l.stream = p.stream and l.epoch = p.epoch and l.number = p.number) as late
    from accounting.posting p
    where popug_id = ${popugId}
      and (epoch, number, line) < (${before.epoch}::int, ${before.number}::bigint, ${before.line}::int)
    order by epoch desc, number desc, line desc limit ${limit}`.execute(tx)
  return rows
}

/** Sum of the lines before the given place that were booked late. */
export const lateSum = async (tx: Tx, popugId: number, before: LinePlace): Promise<number> => {
  const { rows } = await sql<{ sum: number }>`
    select coalesce(sum(${signedCents}), 0)::bigint as sum
    from accounting.late_booking l
    join accounting.posting p on p.stream = l.stream and p.number = l.number and p.epoch = l.epoch
    where p.popug_id = ${popugId}
      and (p.epoch, p.number, p.line) < (${before.epoch}::int, ${before.number}::bigint, ${before.line}::int)`.execute(
    tx,
  )
  return rows[0]?.sum ?? 0
}

/**
 * Sum of the lines from the given event on. What was booked after that event's day is known by days: an event belongs to
 * the day that began at it or before it, unless it was booked late.
 */
export const sumFrom = async (tx: Tx, popugId: number, from: Place): Promise<number> => {
  const { rows } = await sql<{ sum: number }>`
    with next_day as (
      select d.epoch, d.from_number as number, d.day from accounting.accounting_day d
      where d.stream = 'task-tracker' and (d.epoch, d.from_number) > (${from.epoch}::int, ${from.number}::bigint)
      order by d.epoch, d.from_number limit 1
    ), border as (
      select epoch, number from next_day
      union all select ${beyond.epoch}::int, ${beyond.number}::bigint where not exists (select from next_day)
    ), parts as (
      select ${signedCents} as cents from accounting.posting p
      where p.popug_id = ${popugId} and (p.epoch, p.number) >= (${from.epoch}::int, ${from.number}::bigint)
        and (p.epoch, p.number) < ((select epoch from border), (select number from border))
      union all
      select d.in_cents - d.out_cents from next_day n join accounting.account_day d
        on d.account = 'popug:' || ${popugId}::int and d.day >= n.day
      union all
      select case when p.day < n.day then ${signedCents} else -${signedCents} end
      from next_day n, accounting.late_booking l
      join accounting.posting p on p.stream = l.stream and p.number = l.number and p.epoch = l.epoch
      where p.popug_id = ${popugId} and (p.day < n.day) = ((p.epoch, p.number) >= (n.epoch, n.number))
    )
    select coalesce(sum(cents), 0)::bigint as sum from parts`.execute(tx)
  return rows[0]?.sum ?? 0
}
