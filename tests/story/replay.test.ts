// A replay rebuilds the ledger from the events beside the live one, finds what differs, and mends it when swapped in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { accounting } from '../../services/accounting/contract.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { addPeople, as, startSystem, type System } from '../support/system.ts'

const work = async (system: System): Promise<void> => {
  const [manager, popug, other] = await addPeople(system, ['manager', 'popug', 'popug'])
  assert.ok(manager && popug && other)
  const people = new Map([popug, other].map((actor) => [actor.id, actor]))
  for (let n = 0; n < 12; n += 1) {
    const task = must(await system.call(taskTracker.createTask, { description: `Task ${n}` }, as(manager)))
    const assignee = people.get(task.assigneeId)
    if (n % 3 === 0 && assignee)
      must(await system.call(taskTracker.completeTask, { taskId: task.taskId }, as(assignee)))
  }
  must(await system.call(taskTracker.assignTasks, {}, as(manager)))
  await system.host.settle()
}

const differencesOf = async (system: System) =>
  must(await system.call(accounting.verifyLedger, {}, as({ id: 1, role: 'admin' }))).differences

test('a replay of a healthy ledger finds no difference and changes nothing', async () => {
  await using system = await startSystem()
  await work(system)
  const replayed = await system.host.replay('accounting', { swap: false })
  assert.deepEqual([replayed.upTo, replayed.differences, replayed.swapped], [24, [], false])
  assert.ok(replayed.rows >= 24)
  assert.deepEqual(await differencesOf(system), [])
  const left = await system.database.query(`select relname from pg_class where relname like '%\\_replay'`)
  assert.deepEqual(left, [])
})

test('a replay names a lost and a changed posting, and swapping it in mends them; work goes on, postings stay final', async () => {
  await using system = await startSystem()
  await work(system)
  const { query } = system.database
  await query('alter table accounting.posting disable trigger user')
  await query('delete from accounting.posting where number = 3')
  await query('update accounting.posting set amount_cents = amount_cents + 1 where number = 5')
  await query('alter table accounting.posting enable trigger user')
  assert.notDeepEqual(await differencesOf(system), [])

  const found = await system.host.replay('accounting', { swap: false })
  const postings = found.differences
    .filter(({ table }) => table === 'posting')
    .map(({ what, row }) => [what, (JSON.parse(row) as { number: number }).number])
  assert.deepEqual(postings, [
    ['missing', 3],
    ['missing', 5],
    ['extra', 5],
  ])

  const swapped = await system.host.replay('accounting', { swap: true })
  assert.equal(swapped.swapped, true)
  assert.deepEqual(await differencesOf(system), [])
  await work(system)
  assert.deepEqual(await differencesOf(system), [])
  assert.deepEqual((await system.host.replay('accounting', { swap: false })).differences, [])
  await assert.rejects(query('update accounting.posting set amount_cents = 1'), /never changed/)
  const rights = await query(`select has_table_privilege('ates_accounting', 'accounting.posting', 'update') as may`)
  assert.deepEqual(rights, [{ may: false }])
})

test('a replay draws no price: where one was lost it stops and names the task, and the ledger serves on', async () => {
  await using system = await startSystem()
  await work(system)
  await system.database.query('delete from accounting.price where task_id = 4')
  await assert.rejects(system.host.replay('accounting', { swap: false }), /replay stopped at event \d+/)
  const [{ count } = { count: 0 }] = await system.database.query<{ count: number }>(
    'select count(*)::int as count from accounting.price where task_id = 4',
  )
  assert.equal(count, 0)
  assert.ok((await differencesOf(system)).every(({ expected }) => expected === 'a price'))
})

test('a replay counts all that differs, and names of it as much as it is asked for', async () => {
  await using system = await startSystem()
  await work(system)
  await system.database.query(
    `insert into accounting.account (id, balance_cents) select 'popug:' || n, 1 from generate_series(10001, 10150) n`,
  )
  const some = await system.host.replay('accounting', { swap: false })
  assert.deepEqual([some.differing, some.differences.length], [150, 100])
  const all = await system.host.replay('accounting', { swap: false, mostNamed: 1_000 })
  assert.deepEqual([all.differing, new Set(all.differences.map(({ row }) => row)).size], [150, 150])
})
