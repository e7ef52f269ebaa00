// Statements of accounting that answer questions about many accounts, or about one task.
import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../../../kernel/ports.ts'
import { forItsValues } from '../../../kernel/search.ts'
import { type Line, signedCents } from './lines.ts'

export interface AccountRow {
  readonly popugId: number
  readonly name: string | null
  readonly role: string | null
  readonly active: boolean
  readonly balanceCents: number
  readonly todayCents: number
}

const numberOfAccount = sql`substring(id from 7)::int`

/** Who has an account or may get one, by number after `after`: all, or those whose name fits a text query. */
export const listAccountIds = async (
  tx: Tx,
  nameQuery: string | null,
  after: number,
  limit: number,
): Promise<number[]> => {
  const named = nameQuery === null ? sql`` : sql`and words @@ to_tsquery('simple', ${nameQuery}) ${forItsValues}`
  const holders = sql`select id from accounting.holder where id > ${after}::bigint ${named} order by id limit ${limit}`
  // An account is opened on its first use, which may be before its holder is known.
  const accounts = sql`select ${numberOfAccount} from accounting.account
    where id like 'popug:%' and ${numberOfAccount} > ${after}::bigint order by ${numberOfAccount} limit ${limit}`
  const wanted = nameQuery === null ? sql`(${holders}) union (${accounts}) order by id limit ${limit}` : holders
  const { rows } = await sql<{ id: number }>`${wanted}`.execute(tx)
  return rows.map(({ id }) => id)
}

/** Accounts of these popugs by number; those who are not known here are left out. */
export const findAccounts = async (tx: Tx, popugIds: readonly number[], today: string): Promise<AccountRow[]> => {
  const { rows } = await sql<AccountRow>`
    select w.id as "popugId", h.name, h.role, coalesce(h.active, true) as active,
      coalesce(a.balance_cents, 0)::bigint as "balanceCents", coalesce(d.in_cents - d.out_cents, 0)::bigint as "todayCents"
    from unnest(${popugIds}::int[]) as w(id)
    left join accounting.holder h on h.id = w.id
    left join accounting.account a on a.id = 'popug:' || w.id
    left join accounting.account_day d on d.account = 'popug:' || w.id and d.day = ${today}
    where h.id is not null or a.id is not null order by w.id`.execute(tx)
  return rows
}

export interface DayOfAccount {
  readonly day: string
  readonly inCents: number
  readonly outCents: number
}

/** What came to an account and left it on each day of a range; days without either are left out. */
export const accountDays = async (tx: Tx, account: string, from: string, to: string): Promise<DayOfAccount[]> => {
  const { rows } = await sql<DayOfAccount>`
    select day::text as day, in_cents as "inCents", out_cents as "outCents" from accounting.account_day
    where account = ${account} and day between ${from} and ${to} order by day`.execute(tx)
  return rows
}

export interface TaskPosting extends Omit<Line, 'late'> {
  readonly popugId: number
  readonly popugName: string | null
}

/** A task's postings by event, from this event on, of one popug or of all. Each kind has its own index by task. */
export const taskPostings = async (
  tx: Tx,
  taskId: number,
  popugId: number | null,
  fromNumber: number,
  limit: number,
): Promise<TaskPosting[]> => {
  const ofKind = (kind: RawBuilder<unknown>) => sql`
    select stream, epoch, number, line, event_id, kind, task_id, assignment, popug_id, amount_cents, day, at
    from accounting.posting
    where task_id = ${taskId} and kind = ${kind} and number >= ${fromNumber}::bigint
      and (${popugId}::int is null or popug_id = ${popugId})`
  const { rows } = await sql<TaskPosting>`
    select p.stream, p.epoch, p.number, p.line, p.event_id as "eventId", p.kind, p.task_id as "taskId", p.assignment,
      ${signedCents} as "signedCents", p.day, p.at, p.popug_id as "popugId", h.name as "popugName"
    from (${ofKind(sql`'fee'`)} union all ${ofKind(sql`'reward'`)}) as p
    left join accounting.holder h on h.id = p.popug_id
    order by p.epoch, p.number, p.line limit ${limit}`.execute(tx)
  return rows
}

export interface TakenTask {
  readonly taskId: number
  readonly at: Date
  readonly popugId: number
  readonly popugName: string | null
}

/** How many of a popug's own fees are looked at, the latest. */
const mostFees = 2_000

interface Taken {
  /** False where even the earliest fee that was looked at is of `since` or later. */
  readonly whole: boolean
  readonly tasks: readonly TakenTask[]
}

/** The assignment after a popug's last one of a task, where it was made at `since` or later: somebody else's. */
export const takenTasks = async (tx: Tx, popugId: number, since: Date, limit: number): Promise<Taken> => {
  const { rows } = await sql<{ whole: boolean } & Omit<TakenTask, 'taskId'> & { taskId: number | null }>`
    with latest as materialized (
      select task_id, assignment, at from accounting.posting where popug_id = ${popugId} and kind = 'fee'
      order by epoch desc, number desc, line desc limit ${mostFees}
    ), taken as (
      select next.task_id as "taskId", next.at, next.popug_id as "popugId", h.name as "popugName"
      from (select task_id, max(assignment) as assignment from latest group by task_id) as own
      join accounting.posting next
        on next.task_id = own.task_id and next.kind = 'fee' and next.assignment = own.assignment + 1
      left join accounting.holder h on h.id = next.popug_id
      where next.at >= ${since} order by next.at desc, next.task_id desc limit ${limit}
    )
    select looked.whole, taken."taskId", taken.at, taken."popugId", taken."popugName"
    from (select count(*) < ${mostFees} or min(at) < ${since} as whole from latest) as looked left join taken on true
    order by taken.at desc, taken."taskId" desc`.execute(tx)
  const tasks = rows.flatMap(({ whole: _whole, taskId, ...rest }) => (taskId === null ? [] : { ...rest, taskId }))
  return { whole: rows[0]?.whole ?? true, tasks }
}
