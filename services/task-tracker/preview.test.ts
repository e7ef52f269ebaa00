// What AssignTasks would do, counted beforehand: always as much as there is, however it came about.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { checkInvariants, tallyViolations } from '../../tests/support/invariants.ts'
import { addPeople, as, startSystem, type System } from '../../tests/support/system.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { identity } from '../identity/contract.ts'
import { taskTracker } from './contract.ts'
import { asAdmin, assign, boss, complete, holders, idsOf } from './reassign.test-support.ts'

test('a preview says how many tasks, among how many, and how many wait for people who can no longer be given any', async () => {
  await using system = await startSystem()
  const people = await addPeople(system, ['manager', 'popug', 'popug', 'accountant'])
  const popugIds = idsOf(people).slice(1)
  const taskIds = await addTasks(system, inTurn(9, popugIds))
  must(await complete(system, taskIds[0] ?? 0, (await holders(system)).get(taskIds[0] ?? 0) ?? 0))
  const preview = async () => must(await system.call(taskTracker.previewReassignment, {}, as(boss)))
  const exactly = { exact: true, assignableExact: true }
  assert.deepEqual(await preview(), { openTasks: 8, assignable: 3, waiting: 0, ...exactly })
  must(await system.call(identity.changePerson, { popugId: popugIds[1] ?? 0, active: false }, asAdmin))
  await system.host.settle()
  assert.deepEqual(await preview(), { openTasks: 8, assignable: 2, waiting: 3, ...exactly })
  // What is drawn anew leaves nobody who can be given no more, and then nobody is asked for.
  await assign(system)
  await system.host.settle()
  assert.deepEqual(await preview(), { openTasks: 8, assignable: 2, waiting: 0, ...exactly })
  assert.deepEqual(await askedFor(system), [])
  // Back, given one, and gone again.
  const gone = popugIds[1] ?? 0
  must(await system.call(identity.changePerson, { popugId: gone, active: true }, asAdmin))
  await system.host.settle()
  must(await system.call(taskTracker.createTask, { description: 'once more', popugId: gone }, as(boss)))
  must(await system.call(identity.changePerson, { popugId: gone, role: 'manager' }, asAdmin))
  await system.host.settle()
  assert.deepEqual(await preview(), { openTasks: 9, assignable: 2, waiting: 1, ...exactly })
  assert.deepEqual(await askedFor(system), [gone])
})

test('what is counted stays right, whatever is done to tasks and people at once', async () => {
  await using system = await startSystem()
  const people = await addPeople(system, ['popug', 'popug', 'popug'])
  const popugIds = idsOf(people)
  const work = popugIds.map(async (popugId) => {
    for (const taskId of await addTasks(system, inTurn(6, [popugId]))) await complete(system, taskId, popugId)
    await addTasks(system, inTurn(4, [popugId]))
  })
  const changes = [false, true, false].map((active) =>
    system.call(identity.changePerson, { popugId: popugIds[2] ?? 0, active }, asAdmin),
  )
  await Promise.allSettled([...work, ...changes, assign(system)])
  await system.host.settle()
  await checkInvariants(system)
  for (const state of ['open', 'completed']) {
    await system.database.query(`
      with gone as (select min(id) as id from task_tracker.task where state = '${state}'),
      text as (delete from task_tracker.task_text where task_id = (select id from gone))
      delete from task_tracker.task where id = (select id from gone)`)
  }
  assert.deepEqual(await tallyViolations(system.database), [])
})

/** Who can be given no more and might hold something. */
const askedFor = async (system: System) => {
  const rows = await system.database.query<{ id: number }>(
    'select id from task_tracker.popug where not assignable and may_hold order by id',
  )
  return rows.map(({ id }) => id)
}
