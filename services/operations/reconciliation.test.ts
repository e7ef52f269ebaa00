// Reconciliation finds nothing where nothing is wrong, names exactly what somebody changed behind everybody's back, and
// sees when it is mended.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { addPeople, as, startSystem, type System } from '../../tests/support/system.ts'
import { keepTables, type Tampering } from '../../tests/support/tampering.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { taskTracker } from '../task-tracker/contract.ts'
import { operations } from './contract.ts'
import { admin, ended, overviewOf, seen } from './operations.test-support.ts'

const tables = ['accounting.posting', 'accounting.account', 'task_tracker.event', 'task_tracker.task'] as const
let system: System
let tampering: Tampering

/** Eight tasks, three of them completed: eleven events. */
before(async () => {
  system = await startSystem()
  const popugIds = (await addPeople(system, ['popug', 'popug'])).map(({ id }) => id ?? 0)
  const taskIds = await addTasks(system, inTurn(8, popugIds))
  await system.host.settle()
  for (const [index, taskId] of taskIds.slice(0, 3).entries())
    must(await system.call(taskTracker.completeTask, { taskId }, as({ id: popugIds[index % 2] ?? 0, role: 'popug' })))
  await system.host.settle()
  await seen('all events', system, ({ consumers }) =>
    consumers.some(({ consumer, number }) => consumer === 'ledger' && number === 11),
  )
  tampering = await keepTables(system.database, tables)
})
after(() => system[Symbol.asyncDispose]())

const reconcile = async () => ended(system, must(await system.call(operations.reconcile, {}, admin)))
const differencesOf = async (state: 'open' | 'all' = 'open') =>
  must(await system.call(operations.listDifferences, { state, limit: 200 }, admin)).differences
const named = async () =>
  (await differencesOf()).map(({ name, about, what }) => `${name} | ${about} | ${what}`).toSorted()

test('nothing is found where nothing is wrong, and what was compared is told', async () => {
  const { state, results, total } = await reconcile()
  assert.deepEqual([state, total], ['done', 3])
  assert.deepEqual(results, [
    // Eleven events with the ledger, eight tasks and eleven events with each other, eleven postings.
    { what: 'compared', count: 41, example: null },
    { what: 'differences', count: 0, example: null },
  ])
  assert.deepEqual(await named(), [])
  const { reconciliations } = await overviewOf(system)
  assert.deepEqual(
    reconciliations.map(({ name, lastRound, waiting }) => [name, lastRound?.compared, waiting]),
    [
      ['ledger', 11, null],
      ['log-ledger', 11, null],
      ['tasks-log', 19, null],
    ],
  )
})

interface Damage {
  readonly does: string
  readonly by: string
  readonly named: readonly RegExp[]
}

const damages: readonly Damage[] = [
  {
    does: 'a row of the ledger is deleted',
    by: 'delete from accounting.posting where number = 4',
    named: [
      /^ledger \| company:tasks: balance is the sum/,
      /^ledger \| company:tasks on .*: sum of a day/,
      /^ledger \| popug:\d+: balance is the sum/,
      /^ledger \| popug:\d+ on .*: sum of a day/,
      /^log-ledger \| task-tracker #4 \| missing$/,
    ],
  },
  {
    does: 'an amount of the ledger is changed',
    by: 'update accounting.posting set amount_cents = amount_cents + 1 where number = 5',
    named: [
      /^ledger \| company:tasks: balance/,
      /^ledger \| company:tasks on/,
      /^ledger \| popug:\d+: balance/,
      /^ledger \| popug:\d+ on/,
      /^ledger \| task-tracker #5, fee of task 5: amount is the kept price \| different$/,
    ],
  },
  {
    does: 'an event is dropped from the log',
    by: 'delete from task_tracker.event where number = 10',
    named: [
      /^log-ledger \| task-tracker #10 \| extra$/,
      /^tasks-log \| task 2: a task is as its events tell \| different$/,
    ],
  },
  {
    does: 'a task is changed',
    by: 'update task_tracker.task set assignment = 2 where id = 7',
    named: [/^tasks-log \| task 7: a task is as its events tell \| different$/],
  },
]

for (const { does, by, named: expected } of damages) {
  test(`when ${does}, it is named, and so is that it was mended`, async () => {
    await tampering.unhindered(by)
    await reconcile()
    const found = await named()
    for (const line of found)
      assert.ok(
        expected.some((one) => one.test(line)),
        line,
      )
    for (const one of expected) assert.equal(found.filter((line) => one.test(line)).length, 1, `${one}`)
    await tampering.restore()
    await reconcile()
    assert.deepEqual(await named(), [])
    const all = await differencesOf('all')
    assert.ok(all.every(({ goneAt }) => goneAt !== null))
  })
}

describe('a row of the ledger that is there twice', () => {
  before(() =>
    system.database.query(`
      drop index accounting.one_fee_per_assignment;
      insert into accounting.posting select stream, number, 2, event_id, kind, task_id, assignment, popug_id, from_account,
        to_account, amount_cents, day, at from accounting.posting where number = 3`),
  )

  test('is found without being asked for, with both sides, and so is its end', async () => {
    const [difference] = await eventually('the difference', async () => {
      await reconcile()
      const found = (await differencesOf()).filter(({ name }) => name === 'log-ledger')
      return found.length > 0 && found
    })
    assert.deepEqual([difference?.number, difference?.what], [3, 'extra'])
    assert.match(difference?.expected ?? '', /^TaskAssigned \{"taskId":3,/)
    assert.equal(difference?.found, `${difference?.expected}; ${difference?.expected}`)
    await tampering.restore()
    await eventually('it is gone', async () => (await named()).length === 0)
  })
})

describe('an event that could not be applied', () => {
  /** As no program of ours says it: nobody is no popug. Gives its number. */
  const sayForged = async (taskId: number): Promise<number> => {
    const data = { taskId, popugId: 'nobody', assignment: 1 }
    const [said] = await system.database.query<{ id: string }>(
      `insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id)
       values (gen_random_uuid(), 'TaskAssigned', 1, 'forged', $1, clock_timestamp(), 'forged') returning event_id as id`,
      [data],
    )
    await system.host.settle()
    const [row] = await system.database.query<{ number: number }>(
      `select number::int from accounting.parked where event_id = $1 and state = 'parked'`,
      [said?.id],
    )
    return row?.number ?? assert.fail('it was not parked')
  }
  const ofLedger = async () => {
    await reconcile()
    return (await differencesOf()).filter(({ name }) => name === 'log-ledger')
  }
  const events = (number: number) => ({ service: 'accounting', consumer: 'ledger', numbers: [number] })

  test('is no difference while it waits, nor when it was applied as somebody had mended it, until its effect is changed', async () => {
    const number = await sayForged(901)
    assert.deepEqual(await ofLedger(), [])
    await system.database.query(
      `update accounting.parked set data = data || jsonb_build_object('popugId', (select min(id) from accounting.holder)) where number = $1`,
      [number],
    )
    const { results } = await ended(system, must(await system.call(operations.retryEvents, events(number), admin)))
    assert.deepEqual(
      results.map(({ what, count }) => [what, count]),
      [['applied', 1]],
    )
    assert.deepEqual(await ofLedger(), [])
    await tampering.unhindered(`update accounting.posting set popug_id = popug_id + 1 where number = ${number}`)
    const found = await ofLedger()
    assert.deepEqual(
      found.map(({ about, what, explained }) => [about, what, explained]),
      [[`task-tracker #${number}`, 'different', null]],
    )
    await tampering.unhindered(`update accounting.posting set popug_id = popug_id - 1 where number = ${number}`)
    assert.deepEqual(await ofLedger(), [])
  })

  test('and was discarded is named with the reason, is nothing to look at, and is gone when it was restored', async () => {
    const number = await sayForged(902)
    const discard = { ...events(number), reason: 'said by a program that is gone' }
    await ended(system, must(await system.call(operations.discardEvents, discard, admin)))
    const found = await ofLedger()
    assert.deepEqual(
      found.map(({ about, what, explained }) => [about, what, explained]),
      [[`task-tracker #${number}`, 'missing', 'said by a program that is gone']],
    )
    assert.match(found[0]?.expected ?? '', /^TaskAssigned .*"popugId":"nobody"/)
    const { openDifferences, explainedDifferences } = await overviewOf(system)
    const toLookAt = (await differencesOf()).filter(({ explained }) => explained === null)
    assert.deepEqual([openDifferences, explainedDifferences], [toLookAt.length, 1])
    await ended(system, must(await system.call(operations.restoreEvents, events(number), admin)))
    assert.deepEqual(await ofLedger(), [])
  })
})
