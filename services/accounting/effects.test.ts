// What somebody could do to the ledger or to the log is named: by the verification of the ledger, or by comparing the
// events that the postings tell with those of the task tracker's log.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { standardContract } from '../../kernel/standard.ts'
import { addPeople, as, asService, startSystem, type System } from '../../tests/support/system.ts'
import { keepTables, type Tampering } from '../../tests/support/tampering.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { taskTracker } from '../task-tracker/contract.ts'
import { accounting } from './contract.ts'

const { digestLog, listLog } = standardContract('task-tracker')
const { digestEffects, listEffects } = standardContract('accounting')
const consumer = 'ledger'
const tables = ['accounting.posting', 'accounting.account', 'accounting.account_day', 'task_tracker.event'] as const
const all = { after: 0, upTo: 9 }

let system: System
let tampering: Tampering

/** Six tasks of two popugs, three of them completed: nine events. */
before(async () => {
  system = await startSystem()
  const popugIds = (await addPeople(system, ['popug', 'popug'])).map(({ id }) => id ?? 0)
  const taskIds = await addTasks(system, inTurn(6, popugIds))
  for (const [index, taskId] of taskIds.slice(0, 3).entries()) {
    const assignee = { id: popugIds[index % 2] ?? 0, role: 'popug' }
    must(await system.call(taskTracker.completeTask, { taskId }, as(assignee)))
  }
  await system.host.settle()
  // It refuses a double; a ledger without it must still be found out.
  await system.database.query('drop index accounting.one_reward_per_task')
  tampering = await keepTables(system.database, tables)
})
after(() => system[Symbol.asyncDispose]())

/** What both checkers say: the ledger's own differences, and the events that only one side has. */
const look = async () => {
  const { differences } = must(await system.call(accounting.verifyLedger, {}, as({ id: 1, role: 'admin' })))
  const {
    types,
    digests: effects,
    position,
  } = must(await system.call(digestEffects, { consumer, ranges: [all] }, asService))
  const { digests: log } = must(await system.call(digestLog, { types, ranges: [all] }, asService))
  const said = must(await system.call(listLog, { types, ...all }, asService)).events
  const told = must(await system.call(listEffects, { consumer, ...all }, asService)).events
  const linesOf = (events: typeof said) => events.map((event) => JSON.stringify(event))
  return {
    ledger: differences.map(({ what, where }) => `${what}: ${where}`),
    position,
    digests: { log: log[0], effects: effects[0] },
    missing: linesOf(said).filter((line) => !linesOf(told).includes(line)),
    extra: linesOf(told).filter((line, index, lines) => !linesOf(said).includes(line) || lines.indexOf(line) < index),
  }
}

test('the postings of a healthy ledger tell exactly the events of the log', async () => {
  const { ledger, position, digests, missing, extra } = await look()
  assert.deepEqual([ledger, position, missing, extra], [[], 9, [], []])
  assert.deepEqual(digests.log, digests.effects)
  assert.equal(digests.log?.count, 9)
})

interface Damage {
  readonly does: string
  readonly by: string
  readonly ledger: RegExp | null
  readonly missing: RegExp | null
  readonly extra: RegExp | null
}

const copy = `insert into accounting.posting
  select stream, number, 2::smallint, event_id, kind, task_id, assignment, popug_id, from_account, to_account, amount_cents, day, at
  from accounting.posting where number = 9`

const damages: readonly Damage[] = [
  {
    does: 'a posting is deleted',
    by: 'delete from accounting.posting where number = 2',
    ledger: /^balance is the sum of its postings/,
    missing: /"number":2,.*TaskAssigned/,
    extra: null,
  },
  {
    does: 'a posting is deleted and the sums are mended',
    by: `delete from accounting.posting where number = 2;
      update accounting.account a set balance_cents = (select sum(case a.id when to_account then amount_cents else -amount_cents end)
        from accounting.posting where a.id in (from_account, to_account));
      update accounting.account_day d set
        in_cents = (select coalesce(sum(amount_cents), 0) from accounting.posting where to_account = d.account and day = d.day),
        out_cents = (select coalesce(sum(amount_cents), 0) from accounting.posting where from_account = d.account and day = d.day)`,
    ledger: null,
    missing: /"number":2,.*TaskAssigned/,
    extra: null,
  },
  {
    does: 'a posting is doubled',
    by: copy,
    ledger: /one reward per task/,
    missing: null,
    extra: /"number":9,.*TaskCompleted/,
  },
  {
    does: 'an amount is changed',
    by: 'update accounting.posting set amount_cents = amount_cents + 1 where number = 3',
    ledger: /^amount is the kept price: task-tracker #3/m,
    missing: null,
    extra: null,
  },
  {
    does: 'a posting is of another popug',
    by: 'update accounting.posting set popug_id = popug_id + 1 where number = 3',
    ledger: /fees go to the company .*#3/,
    missing: /"number":3,/,
    extra: /"number":3,/,
  },
  {
    does: 'an event is dropped from the log',
    by: 'delete from task_tracker.event where number = 5',
    ledger: null,
    missing: null,
    extra: /"number":5,/,
  },
  {
    does: 'the last event is dropped from the log',
    by: 'delete from task_tracker.event where number = 9',
    ledger: null,
    missing: null,
    extra: /"number":9,/,
  },
]

for (const { does, by, ledger, missing, extra } of damages) {
  test(`when ${does}, it is named`, async () => {
    await tampering.unhindered(by)
    const found = await look()
    await tampering.restore()
    const digestsDiffer = found.digests.log?.hash !== found.digests.effects?.hash
    assert.equal(digestsDiffer, missing !== null || extra !== null)
    if (ledger) assert.match(found.ledger.join('\n'), ledger)
    else assert.deepEqual(found.ledger, [])
    for (const [lines, expected] of [
      [found.missing, missing],
      [found.extra, extra],
    ] as const) {
      assert.equal(lines.length, expected ? 1 : 0)
      if (expected) assert.match(lines[0] ?? '', expected)
    }
  })
}
