// GetTaskHistory: a task's story in order, who made each part happen, also before events have their numbers.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { as, startSystem, type System } from '../../tests/support/system.ts'
import { taskTracker } from './contract.ts'
import { addCast, type Cast, idOf, tasksOf } from './tasks.test-support.ts'

let system: System
let cast: Cast
const { create, complete } = tasksOf(() => system)

before(async () => {
  system = await startSystem()
  cast = await addCast(system)
})
after(async () => {
  await using _ended = system
  await checkInvariants(system)
})

const historyOf = async (taskId: number, more: { after?: string; limit?: number } = {}) =>
  must(await system.call(taskTracker.getTaskHistory, { taskId, ...more }, as(cast.accountant)))

const shuffle = async () => {
  must(await system.call(taskTracker.assignTasks, {}, as(cast.admin, { requestId: 'the shuffle' })))
  await system.host.settle()
}

test('tells each assignment and the completion, with who made it happen and by which request', async () => {
  const popugId = idOf(cast.popugs[0])
  const created = as(cast.manager, { requestId: 'the creation' })
  const { taskId } = must(await create('A story', created, popugId))
  await shuffle()
  await shuffle()
  const { assigneeId } = must(await system.call(taskTracker.getTask, { taskId }, as(cast.manager)))
  must(await complete(taskId, assigneeId))
  await system.host.settle()

  const { task, createdByName, happenings, next } = await historyOf(taskId)
  assert.deepEqual([task.taskId, task.state, createdByName, next], [taskId, 'completed', 'manager 1', null])
  assert.deepEqual(
    happenings.map(({ what, assignment, byId }) => [what, assignment, byId]),
    [
      ['assigned', 1, cast.manager.id],
      ['assigned', 2, cast.admin.id],
      ['assigned', 3, cast.admin.id],
      ['completed', null, assigneeId],
    ],
  )
  assert.deepEqual(
    happenings.slice(0, 3).map(({ requestId, byName }) => [requestId, byName]),
    [
      ['the creation', 'manager 1'],
      ['the shuffle', 'admin 2'],
      ['the shuffle', 'admin 2'],
    ],
  )
  assert.deepEqual([happenings[0]?.popugId, happenings[3]?.popugId], [popugId, assigneeId])
  const logged = await system.database.query<{ number: number; id: string }>(
    `select number::int, event_id as id from task_tracker.event where about = $1 order by number`,
    [String(taskId)],
  )
  assert.deepEqual(
    happenings.map(({ number, eventId }) => ({ number, id: eventId })),
    logged,
  )
})

test('comes in pages', async () => {
  const { taskId } = must(await create('A long story', as(cast.manager)))
  for (let times = 0; times < 4; times += 1) await shuffle()
  const seen: (number | null)[] = []
  for (let after: string | undefined; ;) {
    const { happenings, next } = await historyOf(taskId, { limit: 2, ...(after === undefined ? {} : { after }) })
    assert.ok(happenings.length <= 2)
    seen.push(...happenings.map(({ assignment }) => assignment))
    if (next === null) break
    after = next
  }
  assert.deepEqual(seen, [1, 2, 3, 4, 5])
})

test('tells what has no number yet', async () => {
  await using still = await startSystem({ loops: false })
  await still.database.query(
    `insert into task_tracker.popug (id, name, role, active, version) values (7, 'Anna', 'popug', true, 1)`,
  )
  const manager = as({ id: 1, role: 'manager' })
  const { taskId } = must(await still.call(taskTracker.createTask, { description: 'New' }, manager))
  const { happenings } = must(await still.call(taskTracker.getTaskHistory, { taskId }, manager))
  assert.deepEqual(
    happenings.map(({ number, popugName, byName }) => [number, popugName, byName]),
    [[null, 'Anna', null]],
  )
})

test('an unknown task has none', async () => {
  const outcome = await system.call(taskTracker.getTaskHistory, { taskId: 2_147_483_647 }, as(cast.manager))
  assert.deepEqual(outcome, { refused: 'task_not_found' })
})
