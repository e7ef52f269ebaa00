// VerifyTasks says nothing of tasks that are as their events tell, and names what somebody changed behind their backs.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { freshDatabase, type TestDatabase } from '../../tests/support/server.ts'
import { addPeople, as, asService, schemas, startSystem, type System } from '../../tests/support/system.ts'
import { keepTables, type Tampering } from '../../tests/support/tampering.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { taskTracker } from './contract.ts'
import { asManager, idOf } from './tasks.test-support.ts'

const tables = ['task_tracker.task', 'task_tracker.event', 'task_tracker.outbox'] as const
let database: TestDatabase
let system: System
let tampering: Tampering

/** Six tasks of two popugs, all drawn anew once, three of them completed: fifteen events. */
before(async () => {
  database = await freshDatabase(schemas)
  system = await startSystem({ database })
  const popugIds = (await addPeople(system, ['popug', 'popug'])).map(idOf)
  const taskIds = await addTasks(system, inTurn(6, popugIds))
  must(await system.call(taskTracker.assignTasks, {}, asManager))
  await system.host.settle()
  for (const taskId of taskIds.slice(0, 3)) {
    const { assigneeId } = must(await system.call(taskTracker.getTask, { taskId }, asManager))
    must(await system.call(taskTracker.completeTask, { taskId }, as({ id: assigneeId, role: 'popug' })))
  }
  await system.host.settle()
  tampering = await keepTables(system.database, tables)
})
after(async () => {
  await system[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const verify = (input: { after?: string; limit?: number } = {}) =>
  system.call(taskTracker.verifyTasks, input, asService).then(must)

test('healthy tasks are as their events tell', async () => {
  assert.deepEqual(await verify(), { upTo: 15, tasks: 6, events: 15, differences: [], next: null })
})

test('part by part, each task and each event is compared once', async () => {
  const parts: [number, number][] = []
  let mark: string | null | undefined
  while (mark !== null && parts.length < 20) {
    const { tasks, events, next } = await verify({ limit: 4, ...(mark ? { after: mark } : {}) })
    parts.push([tasks, events])
    mark = next
  }
  assert.deepEqual(parts, [
    [4, 4],
    [2, 4],
    [0, 4],
    [0, 3],
  ])
})

test('an event that has no number yet counts, in its place after those that have', async () => {
  await tampering.unhindered(`
    with moved as (delete from task_tracker.event where number > 12 returning *)
    insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id, actor)
    select event_id, type, version, about, data, at, request_id, actor from moved order by number`)
  const { differences } = await verify()
  await tampering.restore()
  assert.deepEqual(differences, [])
})

interface Damage {
  readonly does: string
  readonly by: string
  readonly named: readonly string[]
}

const task = 'a task is as its events tell: task'
const event = 'an event is of a task: task-tracker #'

const damages: readonly Damage[] = [
  { does: 'an assignment is lost', by: 'delete from task_tracker.event where number = 2', named: [`${task} 2`] },
  {
    does: 'an assignment is told twice',
    by: `insert into task_tracker.event (number, event_id, type, version, about, data, at, request_id)
      select 16, gen_random_uuid(), type, version, about, data, at, request_id from task_tracker.event where number = 1`,
    named: [`${task} 1`],
  },
  { does: 'a completion is lost', by: 'delete from task_tracker.event where number = 14', named: [`${task} 2`] },
  {
    does: 'a completion is of somebody else',
    by: `update task_tracker.event set data = data || '{"popugId": 99}' where number = 14`,
    named: [`${task} 2`],
  },
  {
    does: 'assignments changed places',
    by: `update task_tracker.event set data = data || '{"assignment": 1}' where number = 9; update task_tracker.event set data = data || '{"assignment": 2}' where number = 3`,
    named: [`${task} 3`],
  },
  {
    does: 'a task has another assignee',
    by: 'update task_tracker.task set assignee = 99 where id = 5',
    named: [`${task} 5`],
  },
  {
    does: 'a task was drawn once more',
    by: 'update task_tracker.task set assignment = 3 where id = 5',
    named: [`${task} 5`],
  },
  {
    does: 'a task is open again',
    by: `update task_tracker.task set state = 'open', completed_at = null where id = 1`,
    named: [`${task} 1`],
  },
  {
    does: 'a task is completed and nobody said so',
    by: `update task_tracker.task set state = 'completed', completed_at = now() where id = 6`,
    named: [`${task} 6`],
  },
  { does: 'a task is gone', by: 'delete from task_tracker.task where id = 6', named: [`${event}6`, `${event}12`] },
  {
    does: 'an event says another task than it is about',
    by: `update task_tracker.event set data = data || '{"taskId": 5}' where number = 4`,
    named: [`${event}4`],
  },
  {
    does: 'an event is about nothing',
    by: `update task_tracker.event set data = '"words"', about = 'words' where number = 14`,
    named: [`${task} 2`, `${event}14`],
  },
]

describe('it is named when', () => {
  for (const { does, by, named } of damages) {
    test(does, async () => {
      await tampering.unhindered(by)
      const { differences } = await verify()
      await tampering.restore()
      assert.deepEqual(
        differences.map(({ what, where }) => `${what}: ${where}`),
        named,
      )
      for (const { expected, found } of differences) assert.notEqual(expected, found)
    })
  }
})
