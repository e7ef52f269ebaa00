// Recomputes what the ledger keeps ready from the postings themselves, counts what differs and names the first of it.
import { type RawBuilder, sql } from 'kysely'
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

/** Gives all differences of a kind, each with its place among them. */
type Check = RawBuilder<unknown>

/** As many of a kind are named as a person reads; the first ones lead to the rest. */
const mostNamed = 100

const balances: Check = sql`
  with moves as (
    select from_account as account, -amount_cents as amount from accounting.posting
    union all select to_account, amount_cents from accounting.posting
  ), sums as (select account, sum(amount) as sum from moves group by account)
  select 'balance is the sum of its postings' as what, coalesce(s.account, a.id) as where,
    coalesce(s.sum, 0)::text as expected, coalesce(a.balance_cents, 0)::text as found,
    row_number() over (order by coalesce(s.account, a.id)) as place
  from sums s full join accounting.account a on a.id = s.account
  where coalesce(s.sum, 0) <> coalesce(a.balance_cents, 0)`

const zeroSum: Check = sql`
  select 'all balances sum to zero' as what, 'ledger' as where, '0' as expected, sum(balance_cents)::text as found, 1 as place
  from accounting.account having sum(balance_cents) <> 0`

const days: Check = sql`
  with moves as (
    select from_account as account, day, 0 as plus, amount_cents as minus from accounting.posting
    union all select to_account, day, amount_cents, 0 from accounting.posting
  ), sums as (select account, day, sum(plus) as plus, sum(minus) as minus from moves group by account, day)
  select 'sum of a day is the sum of its postings' as what,
    coalesce(s.account, d.account) || ' on ' || coalesce(s.day, d.day)::text as where,
    coalesce(s.plus, 0) || ' in, ' || coalesce(s.minus, 0) || ' out' as expected,
    coalesce(d.in_cents, 0) || ' in, ' || coalesce(d.out_cents, 0) || ' out' as found,
    row_number() over (order by coalesce(s.account, d.account), coalesce(s.day, d.day)) as place
  from sums s full join accounting.account_day d on d.account = s.account and d.day = s.day
  where (coalesce(s.plus, 0), coalesce(s.minus, 0)) <> (coalesce(d.in_cents, 0), coalesce(d.out_cents, 0))`

const prices: Check = sql`
  select 'amount is the kept price' as what, p.stream || ' #' || p.number || ', ' || p.kind || ' of task ' || p.task_id as where,
    coalesce(case p.kind when 'fee' then r.fee_cents else r.reward_cents end::text, 'a price') as expected,
    p.amount_cents::text as found,
    row_number() over (order by p.number) as place
  from accounting.posting p left join accounting.price r on r.task_id = p.task_id
  where p.amount_cents is distinct from case p.kind when 'fee' then r.fee_cents else r.reward_cents end`

const parties: Check = sql`
  with expected as (
    select stream, number, from_account, to_account,
      case kind when 'fee' then 'popug:' || popug_id || ' -> company:tasks'
        else 'company:tasks -> popug:' || popug_id end as parties
    from accounting.posting)
  select 'fees go to the company and rewards to the popug' as what, stream || ' #' || number as where,
    parties as expected, from_account || ' -> ' || to_account as found,
    row_number() over (order by number) as place
  from expected where parties <> from_account || ' -> ' || to_account`

const doubles: Check = sql`
  select 'one fee per assignment and one reward per task' as what,
    kind || ' of task ' || task_id || coalesce(', assignment ' || assignment, '') as where,
    '1' as expected, count(*)::text as found,
    row_number() over (order by task_id, kind, assignment) as place
  from accounting.posting group by kind, task_id, assignment having count(*) > 1`

const bookedDays: Check = sql`
  select 'day is the one open when the event was applied' as what, p.stream || ' #' || p.number as where,
    coalesce(e.day::text, 'a day') as expected, p.day::text as found,
    row_number() over (order by p.number) as place
  from accounting.posting p
  left join accounting.late_booking l on l.stream = p.stream and l.epoch = p.epoch and l.number = p.number
  cross join lateral (select coalesce(l.day, (
    select d.day from accounting.accounting_day d
    where d.stream = p.stream and (d.epoch, d.from_number) <= (p.epoch, p.number)
    order by d.epoch desc, d.from_number desc, d.day desc limit 1)) as day) e
  where p.day is distinct from e.day`

const applied: Check = sql`
  select 'postings are of applied events' as what, p.stream || ' #' || p.number as where,
    'at most ' || coalesce(n.number, 0) as expected, p.number::text as found,
    row_number() over (order by p.epoch, p.number) as place
  from accounting.posting p
  left join accounting.position n on n.consumer = 'ledger' and n.stream = p.stream
  where (p.epoch, p.number) > (coalesce(n.epoch, 0), coalesce(n.number, 0))`

const lost: Check = sql`
  select ${lostEvent} as what,
    p.stream || ' #' || p.number || ' of epoch ' || p.epoch || ', ' || p.kind || ' of task ' || p.task_id
      || coalesce(', assignment ' || p.assignment, '') as where,
    'nothing' as expected, p.from_account || ' -> ' || p.to_account || ' ' || p.amount_cents as found, true as lost,
    row_number() over (order by p.epoch, p.number, p.line) as place
  from accounting.posting p where ${isLost} and not ${isTakenOver}`

const checks = [balances, zeroSum, days, prices, parties, doubles, bookedDays, applied, lost]

export interface Verified {
  /** The first hundred of each kind. */
  readonly differences: Difference[]
  /** How many there are. */
  readonly differing: number
}

const namesOf = async (tx: Tx, check: Check): Promise<Verified> => {
  const { rows } = await sql<{ difference: Difference; total: number }>`
    select to_jsonb(f) - 'place' as difference, count(*) over ()::int as total
    from (${check}) f order by place limit ${mostNamed}`.execute(tx)
  return { differences: rows.map(({ difference }) => difference), differing: rows[0]?.total ?? 0 }
}

/** All that can be checked without asking another service. */
export const findDifferences = async (tx: Tx): Promise<Verified> => {
  const found: Verified[] = []
  for (const check of checks) found.push(await namesOf(tx, check))
  return {
    differences: found.flatMap(({ differences }) => differences),
    differing: found.reduce((sum, one) => sum + one.differing, 0),
  }
}

export const ledgerSize = async (tx: Tx): Promise<{ postings: number; accounts: number; upTo: number }> => {
  const { rows } = await sql<{ postings: number; accounts: number; upTo: number }>`
    select (select count(*) from accounting.posting)::int as postings, (select count(*) from accounting.account)::int as accounts,
      coalesce((select number from accounting.position where consumer = 'ledger'), 0) as "upTo"`.execute(tx)
  return rows[0] ?? { postings: 0, accounts: 0, upTo: 0 }
}
