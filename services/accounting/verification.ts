// Recomputes what the ledger keeps ready from the postings themselves, and names every difference.
import { sql } from 'kysely'
import type { Tx } from '../../kernel/ports.ts'
import { isLost, isTakenOver } from './store/lost-history.ts'

export interface Difference {
  readonly what: string
  readonly where: string
  readonly expected: string
  readonly found: string
  /** True when nothing is wrong with the sums: a posting of an event that a restored history does not have. */
  readonly lost?: boolean
}

/** What a difference says that a person has to reverse, not to mend. */
export const lostEvent = 'the event is in the history of its stream'

type Check = (tx: Tx) => Promise<readonly Difference[]>

/** As many as a person reads; the first ones lead to the rest. */
const mostPerCheck = 100

const balances: Check = async (tx) => {
  const { rows } = await sql<Difference>`
    with moves as (
      select from_account as account, -amount_cents as amount from accounting.posting
      union all select to_account, amount_cents from accounting.posting
    ), sums as (select account, sum(amount) as sum from moves group by account)
    select 'balance is the sum of its postings' as what, coalesce(s.account, a.id) as where,
      coalesce(s.sum, 0)::text as expected, coalesce(a.balance_cents, 0)::text as found
    from sums s full join accounting.account a on a.id = s.account
    where coalesce(s.sum, 0) <> coalesce(a.balance_cents, 0) order by 2 limit ${mostPerCheck}`.execute(tx)
  return rows
}

const zeroSum: Check = async (tx) => {
  const { rows } = await sql<Difference>`
    select 'all balances sum to zero' as what, 'ledger' as where, '0' as expected, sum(balance_cents)::text as found
    from accounting.account having sum(balance_cents) <> 0`.execute(tx)
  return rows
}

const days: Check = async (tx) => {
  const { rows } = await sql<Difference>`
    with moves as (
      select from_account as account, day, 0 as plus, amount_cents as minus from accounting.posting
      union all select to_account, day, amount_cents, 0 from accounting.posting
    ), sums as (select account, day, sum(plus) as plus, sum(minus) as minus from moves group by account, day)
    select 'sum of a day is the sum of its postings' as what,
      coalesce(s.account, d.account) || ' on ' || coalesce(s.day, d.day)::text as where,
      coalesce(s.plus, 0) || ' in, ' || coalesce(s.minus, 0) || ' out' as expected,
      coalesce(d.in_cents, 0) || ' in, ' || coalesce(d.out_cents, 0) || ' out' as found
    from sums s full join accounting.account_day d on d.account = s.account and d.day = s.day
    where (coalesce(s.plus, 0), coalesce(s.minus, 0)) <> (coalesce(d.in_cents, 0), coalesce(d.out_cents, 0))
    order by 2 limit ${mostPerCheck}`.execute(tx)
  return rows
}

const prices: Check = async (tx) => {
  const { rows } = await sql<Difference>`
    select 'amount is the kept price' as what, p.stream || ' #' || p.number || ', ' || p.kind || ' of task ' || p.task_id as where,
      coalesce(case p.kind when 'fee' then r.fee_cents else r.reward_cents end::text, 'a price') as expected,
      p.amount_cents::text as found
    from accounting.posting p left join accounting.price r on r.task_id = p.task_id
    where p.amount_cents is distinct from case p.kind when 'fee' then r.fee_cents else r.reward_cents end
    order by p.number limit ${mostPerCheck}`.execute(tx)
  return rows
}

const parties: Check = async (tx) => {
  const { rows } = await sql<Difference>`
    with expected as (
      select stream, number, from_account, to_account,
        case kind when 'fee' then 'popug:' || popug_id || ' -> company:tasks'
          else 'company:tasks -> popug:' || popug_id end as parties
      from accounting.posting)
    select 'fees go to the company and rewards to the popug' as what, stream || ' #' || number as where,
      parties as expected, from_account || ' -> ' || to_account as found
    from expected where parties <> from_account || ' -> ' || to_account order by number limit ${mostPerCheck}`.execute(
    tx,
  )
  return rows
}

const doubles: Check = async (tx) => {
  const { rows } = await sql<Difference>`
    select 'one fee per assignment and one reward per task' as what,
      kind || ' of task ' || task_id || coalesce(', assignment ' || assignment, '') as where,
      '1' as expected, count(*)::text as found
    from accounting.posting group by kind, task_id, assignment having count(*) > 1
    order by task_id, 2 limit ${mostPerCheck}`.execute(tx)
  return rows
}

const bookedDays: Check = async (tx) => {
  const { rows } = await sql<Difference>`
    select 'day is the one open when the event was applied' as what, p.stream || ' #' || p.number as where,
      coalesce(e.day::text, 'a day') as expected, p.day::text as found
    from accounting.posting p
    left join accounting.late_booking l on l.stream = p.stream and l.epoch = p.epoch and l.number = p.number
    cross join lateral (select coalesce(l.day, (
      select d.day from accounting.accounting_day d
      where d.stream = p.stream and (d.epoch, d.from_number) <= (p.epoch, p.number)
      order by d.epoch desc, d.from_number desc, d.day desc limit 1)) as day) e
    where p.day is distinct from e.day order by p.number limit ${mostPerCheck}`.execute(tx)
  return rows
}

const applied: Check = async (tx) => {
  const { rows } = await sql<Difference>`
    select 'postings are of applied events' as what, p.stream || ' #' || p.number as where,
      'at most ' || coalesce(n.number, 0) as expected, p.number::text as found
    from accounting.posting p
    left join accounting.position n on n.consumer = 'ledger' and n.stream = p.stream
    where (p.epoch, p.number) > (coalesce(n.epoch, 0), coalesce(n.number, 0))
    order by p.epoch, p.number limit ${mostPerCheck}`.execute(tx)
  return rows
}

const lost: Check = async (tx) => {
  const { rows } = await sql<Difference>`
    select ${lostEvent} as what,
      p.stream || ' #' || p.number || ' of epoch ' || p.epoch || ', ' || p.kind || ' of task ' || p.task_id
        || coalesce(', assignment ' || p.assignment, '') as where,
      'nothing' as expected, p.from_account || ' -> ' || p.to_account || ' ' || p.amount_cents as found, true as lost
    from accounting.posting p where ${isLost} and not ${isTakenOver}
    order by p.epoch, p.number, p.line limit ${mostPerCheck}`.execute(tx)
  return rows
}

/** All that can be checked without asking another service. */
export const findDifferences = async (tx: Tx): Promise<Difference[]> => {
  const found: Difference[] = []
  const checks = [balances, zeroSum, days, prices, parties, doubles, bookedDays, applied, lost]
  for (const check of checks) found.push(...(await check(tx)))
  return found
}

export const ledgerSize = async (tx: Tx): Promise<{ postings: number; accounts: number; upTo: number }> => {
  const { rows } = await sql<{ postings: number; accounts: number; upTo: number }>`
    select (select count(*) from accounting.posting)::int as postings, (select count(*) from accounting.account)::int as accounts,
      coalesce((select number from accounting.position where consumer = 'ledger'), 0) as "upTo"`.execute(tx)
  return rows[0] ?? { postings: 0, accounts: 0, upTo: 0 }
}
