// One task from its creation to the ledger's lines.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { accounting } from '../../services/accounting/contract.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { addPeople, as, startSystem } from '../support/system.ts'

test('a task is created, charged, completed and paid, and the ledger explains each cent', async () => {
  await using system = await startSystem()
  const [manager, popug] = await addPeople(system, ['manager', 'popug'])
  assert.ok(manager && popug)

  const task = must(await system.call(taskTracker.createTask, { description: 'Feed the parrot' }, as(manager)))
  assert.equal(task.assigneeId, popug.id)
  await system.host.settle()
  const charged = must(await system.call(accounting.getAccountInfo, { popugId: popug.id ?? 0 }, as(popug)))
  assert.equal(charged.lines.length, 1)
  assert.equal(charged.name, 'popug 2')
  const fee = charged.lines[0]?.amountCents ?? 0
  assert.ok(fee <= -1_000 && fee >= -2_000)
  assert.deepEqual([charged.balanceCents, charged.todayCents, charged.upTo], [fee, fee, 1])

  must(await system.call(taskTracker.completeTask, { taskId: task.taskId }, as(popug)))
  must(await system.call(taskTracker.completeTask, { taskId: task.taskId }, as(popug)))
  await system.host.settle()
  const paid = must(await system.call(accounting.getAccountInfo, { popugId: popug.id ?? 0 }, as(popug)))
  assert.deepEqual(
    paid.lines.map(({ kind, taskId, cause }) => [kind, taskId, cause.stream, cause.number]),
    [
      ['reward', task.taskId, 'task-tracker', 2],
      ['fee', task.taskId, 'task-tracker', 1],
    ],
  )
  const reward = paid.lines[0]?.amountCents ?? 0
  assert.ok(reward >= 2_000 && reward <= 4_000)
  assert.deepEqual(
    paid.lines.map(({ balanceCents }) => balanceCents),
    [fee + reward, fee],
  )
  assert.equal(paid.balanceCents, fee + reward)

  const verification = must(await system.call(accounting.verifyLedger, {}, as({ id: 1, role: 'admin' })))
  assert.deepEqual(verification, { postings: 2, accounts: 2, upTo: 2, differences: [], differing: 0 })
})

test('AssignTasks draws every open task anew and charges each draw', async () => {
  await using system = await startSystem()
  const [manager, ...popugs] = await addPeople(system, ['manager', 'popug', 'popug', 'accountant'])
  assert.ok(manager)
  for (let n = 0; n < 25; n += 1)
    must(await system.call(taskTracker.createTask, { description: `Task ${n}` }, as(manager)))
  const job = must(await system.call(taskTracker.assignTasks, {}, as(manager)))
  await system.host.settle()
  const done = must(await system.call(taskTracker.getReassignment, { id: job.id }, as(manager)))
  assert.deepEqual([done.state, done.total, done.done, done.moved, done.skipped], ['done', 25, 25, 25, 0])
  const { postings, differences } = must(await system.call(accounting.verifyLedger, {}, as({ id: 1, role: 'admin' })))
  assert.deepEqual([postings, differences], [50, []])
  const { tasks } = must(await system.call(taskTracker.getTasks, {}, as(manager)))
  assert.ok(tasks.every(({ assignment, assigneeId }) => assignment === 2 && popugs.some(({ id }) => id === assigneeId)))
})
