// VerifyLedger names what is wrong with a ledger that was changed behind its back, and nothing on a healthy one.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Clock } from '../../kernel/ports.ts'
import { must } from '../../kernel/result.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { addPeople, as, startSystem, type System } from '../../tests/support/system.ts'
import { keepTables, type Tampering } from '../../tests/support/tampering.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { taskTracker } from '../task-tracker/contract.ts'
import { accounting } from './contract.ts'

let time = new Date('2026-05-01T12:00:00Z')
const clock: Clock = { now: () => Promise.resolve(time) }
let system: System
let tampering: Tampering
const tables = ['posting', 'account', 'account_day', 'price', 'accounting_day', 'late_booking'] as const

/** Two popugs, six tasks on two days, three of them completed: nine events. */
before(async () => {
  system = await startSystem({ clock })
  const popugIds = (await addPeople(system, ['popug', 'popug'])).map(({ id }) => id ?? 0)
  for (const day of ['2026-05-01T12:00:00Z', '2026-05-02T12:00:00Z']) {
    time = new Date(day)
    const taskIds = await addTasks(system, inTurn(3, popugIds))
    await system.host.settle()
    for (const [index, taskId] of taskIds.slice(0, day.includes('-02') ? 2 : 1).entries()) {
      must(await system.call(taskTracker.completeTask, { taskId }, as({ id: popugIds[index] ?? 0, role: 'popug' })))
    }
    await system.host.settle()
  }
  tampering = await keepTables(
    system.database,
    tables.map((table) => `accounting.${table}`),
  )
})
after(() => system[Symbol.asyncDispose]())

const verify = async () => must(await system.call(accounting.verifyLedger, {}, as({ id: 1, role: 'admin' })))

/** Changes rows, looks, and puts all rows back. */
const verifyAfter = async (change: string) => {
  await tampering.unhindered(change)
  const found = await verify()
  await tampering.restore()
  return found.differences
}

const balance = 'balance is the sum of its postings'
const zero = 'all balances sum to zero'
const day = 'sum of a day is the sum of its postings'
const price = 'amount is the kept price'
const parties = 'fees go to the company and rewards to the popug'
const double = 'one fee per assignment and one reward per task'
const booked = 'day is the one open when the event was applied'
const applied = 'postings are of applied events'

/** The indexes that refuse a double are taken away first; a ledger without them must still be found out. */
const copied = (columns: string) => `insert into accounting.posting
  select ${columns}, event_id, kind, task_id, assignment, popug_id, from_account, to_account, amount_cents, day, at
  from accounting.posting where number = 2`

const damages: readonly { what: string; by: string; found: readonly string[]; where: RegExp }[] = [
  {
    what: 'a posting is gone',
    by: 'delete from accounting.posting where number = 2',
    found: [balance, day],
    where: /popug:2$/,
  },
  {
    what: 'the last posting is gone',
    by: 'delete from accounting.posting where number = 9',
    found: [balance, day],
    where: /company:tasks/,
  },
  {
    what: 'a posting is there twice, under another number',
    by: copied('stream, 99, line'),
    found: [balance, day, double, booked, applied],
    where: /task-tracker #99/,
  },
  {
    what: 'a reward was paid twice, and the sums agree',
    by: `insert into accounting.posting select stream, number, 2, event_id, kind, task_id, assignment, popug_id,
        from_account, to_account, amount_cents, day, at from accounting.posting where number = 9;
      update accounting.account a set balance_cents = balance_cents + case a.id when to_account then amount_cents else -amount_cents end
        from accounting.posting p where p.number = 9 and p.line = 1 and a.id in (from_account, to_account);
      update accounting.account_day d set in_cents = in_cents + case d.account when to_account then amount_cents else 0 end,
          out_cents = out_cents + case d.account when from_account then amount_cents else 0 end
        from accounting.posting p where p.number = 9 and p.line = 1 and d.day = p.day and d.account in (from_account, to_account)`,
    found: [double],
    where: /^reward of task 5$/,
  },
  {
    what: 'a posting is there twice, on another line',
    by: copied('stream, number, line + 1'),
    found: [balance, day, double],
    where: /^fee of task 2, assignment 1$/,
  },
  {
    what: 'an amount is a cent more',
    by: 'update accounting.posting set amount_cents = amount_cents + 1 where number = 3',
    found: [balance, day, price],
    where: /task-tracker #3, fee of task 3/,
  },
  {
    what: 'a balance is a cent more',
    by: `update accounting.account set balance_cents = balance_cents + 1 where id = 'popug:1'`,
    found: [balance, zero],
    where: /^popug:1$/,
  },
  {
    what: 'a cent moved between balances',
    by: `update accounting.account set balance_cents = balance_cents + case id when 'popug:1' then 1 else -1 end where id in ('popug:1', 'popug:2')`,
    found: [balance],
    where: /^popug:2$/,
  },
  {
    what: 'a balance is gone',
    by: `delete from accounting.account where id = 'popug:1'`,
    found: [balance, zero],
    where: /^popug:1$/,
  },
  {
    what: 'an account has a balance and no posting',
    by: `insert into accounting.account values ('popug:77', 5)`,
    found: [balance, zero],
    where: /^popug:77$/,
  },
  {
    what: 'what came in on a day is a cent more',
    by: `update accounting.account_day set in_cents = in_cents + 1 where account = 'company:tasks' and day = '2026-05-01'`,
    found: [day],
    where: /company:tasks on 2026-05-01/,
  },
  {
    what: 'both sums of a day are a cent more',
    by: `update accounting.account_day set in_cents = in_cents + 1, out_cents = out_cents + 1 where account = 'popug:1' and day = '2026-05-02'`,
    found: [day],
    where: /popug:1 on 2026-05-02/,
  },
  {
    what: 'a sum of a day is gone',
    by: `delete from accounting.account_day where account = 'popug:2' and day = '2026-05-01'`,
    found: [day],
    where: /popug:2 on 2026-05-01/,
  },
  {
    what: 'a posting is on another day',
    by: `update accounting.posting set day = '2026-05-02' where number = 1`,
    found: [day, booked],
    where: /task-tracker #1$/,
  },
  {
    what: 'a posting and the sums are on another day',
    by: `update accounting.posting set day = '2026-05-03' where number = 9;
      delete from accounting.account_day;
      insert into accounting.account_day select account, day, sum(plus), sum(minus) from (
        select from_account as account, day, 0 as plus, amount_cents as minus from accounting.posting
        union all select to_account, day, amount_cents, 0 from accounting.posting) m group by account, day`,
    found: [booked],
    where: /task-tracker #9$/,
  },
  {
    what: 'a posting is of an event that was not applied',
    by: `update accounting.posting set number = 10 where number = 9`,
    found: [applied],
    where: /task-tracker #10/,
  },
  {
    what: 'somebody else pays',
    by: `update accounting.posting set popug_id = 77 where number = 1`,
    found: [parties],
    where: /task-tracker #1$/,
  },
  {
    what: 'another account pays',
    by: `update accounting.posting set from_account = 'popug:2' where number = 1`,
    found: [balance, day, parties],
    where: /task-tracker #1$/,
  },
  {
    what: 'a fee is paid by the company',
    by: `update accounting.posting set from_account = to_account, to_account = from_account where number = 1`,
    found: [balance, day, parties],
    where: /task-tracker #1$/,
  },
  {
    what: 'a price was changed afterwards',
    by: 'update accounting.price set fee_cents = fee_cents + case when fee_cents < 1500 then 1 else -1 end where task_id = 1',
    found: [price],
    where: /fee of task 1/,
  },
  {
    what: 'a price is gone',
    by: 'delete from accounting.price where task_id = 2',
    found: [price],
    where: /fee of task 2/,
  },
]

test('a healthy ledger has no differences', async () => {
  await checkInvariants(system)
  const { postings, accounts, upTo, differences } = await verify()
  assert.deepEqual({ postings, accounts, upTo, differences }, { postings: 9, accounts: 3, upTo: 9, differences: [] })
})

test('a double is refused by the schema itself', async () => {
  await assert.rejects(system.database.query(copied('stream, 99, line')), { code: '23505' })
})

test('each damage is named, with where it is and nothing that is not damaged', async () => {
  const { query } = system.database
  await query('alter table accounting.posting drop constraint posting_pkey')
  await query('drop index accounting.one_fee_per_assignment; drop index accounting.one_reward_per_task')
  for (const { what, by, found, where } of damages) {
    const differences = await verifyAfter(by)
    assert.deepEqual(
      [...new Set(differences.map((difference) => difference.what))].toSorted(),
      [...found].toSorted(),
      what,
    )
    assert.ok(
      differences.some((difference) => where.test(difference.where)),
      `${what}: ${JSON.stringify(differences)}`,
    )
    for (const { expected, found: seen } of differences) assert.notEqual(expected, seen)
    assert.deepEqual((await verify()).differences, [], `${what}, mended`)
  }
})

test('differences say what is expected and what was found, to the cent', async () => {
  const [before] = await system.database.query<{ balance: string }>(
    `select balance_cents as balance from accounting.account where id = 'popug:1'`,
  )
  const expected = before?.balance ?? ''
  const found = String(Number(expected) + 1)
  const differences = await verifyAfter(`update accounting.account set balance_cents = ${found} where id = 'popug:1'`)
  assert.deepEqual(differences, [
    { what: balance, where: 'popug:1', expected, found },
    { what: zero, where: 'ledger', expected: '0', found: '1' },
  ])
})

test('thousands of differences are cut to what a person reads', async () => {
  const differences = await verifyAfter(
    `insert into accounting.account select 'popug:' || n, 1 from generate_series(1000, 2000) n`,
  )
  assert.equal(differences.filter(({ what }) => what === balance).length, 100)
})

test('all differences are counted, and the first hundred of each kind named', async () => {
  await tampering.unhindered(
    `insert into accounting.account (id, balance_cents) select 'popug:' || n, 1 from generate_series(10001, 10150) n`,
  )
  const { differing, differences } = await verify()
  await tampering.restore()
  assert.equal(differing, 151)
  const named = differences.filter(({ what }) => what === balance).map(({ where }) => where)
  assert.deepEqual(
    named,
    Array.from({ length: 100 }, (_, index) => `popug:${10_001 + index}`),
  )
  assert.equal(differences.length, 101)
})
