// GetHappenings: what has happened to a popug's tasks from an event on, whoever has them now, and how far it looks.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { as, startSystem, type System } from '../../tests/support/system.ts'
import { taskTracker } from './contract.ts'
import { asManager } from './tasks.test-support.ts'

let system: System
const [anna, boris] = [7, 8]

/** Events stay where a command leaves them. */
before(async () => {
  system = await startSystem({ loops: false })
  await system.database.query(
    `insert into task_tracker.popug (id, name, role, active, version)
     values (${anna}, 'Anna', 'popug', true, 1), (${boris}, 'Boris', 'popug', true, 1)`,
  )
})
after(() => system[Symbol.asyncDispose]())

const create = async (popugId: number) =>
  must(await system.call(taskTracker.createTask, { description: 'Sing', popugId }, asManager)).taskId

/** As the relay does it. */
const numberAll = () =>
  system.database.query(`
    with moved as (delete from task_tracker.outbox returning *),
    logged as (
      insert into task_tracker.event (number, event_id, type, version, about, data, at, request_id, actor)
      select (select head from task_tracker.stream) + row_number() over (order by id), event_id, type, version, about, data,
        at, request_id, actor from moved returning number, event_id)
    update task_tracker.stream set (head, head_event_id) = (select number, event_id from logged order by number desc limit 1)
    where exists (select from logged)`)

const happenings = async (popugId: number, more: { fromNumber?: number; fromEpoch?: number; limit?: number } = {}) => {
  const behalf = as({ id: popugId, role: 'popug' })
  const found = must(await system.call(taskTracker.getHappenings, { popugId, ...more }, behalf))
  return {
    ...found,
    happenings: found.happenings.map(({ what, taskId, assignment, number }) =>
      [what, taskId, assignment, number].join(' '),
    ),
  }
}

test('tells of every event of theirs, the latest first, those without a number before all others', async () => {
  const [first, second] = [await create(anna), await create(boris)]
  await numberAll()
  must(await system.call(taskTracker.completeTask, { taskId: first }, as({ id: anna, role: 'popug' })))
  await system.database.query(`update task_tracker.task set assignee = ${anna}, assignment = 2 where id = ${second}`)
  await system.database.query(
    `insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id)
     select gen_random_uuid(), 'TaskAssigned', 1, '${second}',
       jsonb_build_object('taskId', ${second}, 'popugId', p.id, 'assignment', p.assignment), now(), 'a request'
     from (values (${anna}, 2), (${boris}, 3)) as p(id, assignment)`,
  )
  assert.deepEqual(await happenings(anna), {
    head: 2,
    complete: true,
    happenings: [`assigned ${second} 2 `, `completed ${first}  `, `assigned ${first} 1 1`],
  })
  await numberAll()
  assert.deepEqual(await happenings(anna, { fromNumber: 2 }), {
    head: 5,
    complete: true,
    happenings: [`assigned ${second} 2 4`, `completed ${first}  3`],
  })
  assert.deepEqual((await happenings(boris)).happenings, [`assigned ${second} 3 5`, `assigned ${second} 1 2`])
  assert.deepEqual(await happenings(boris, { fromNumber: 6 }), { head: 5, complete: true, happenings: [] })
})

test('tells of the rest when there is an event about no task', async () => {
  await system.database.query(
    `insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id)
     select gen_random_uuid(), 'TaskAssigned', 1, about, '{"popugId": ${boris}, "assignment": 1}', now(), 'a request'
     from unnest(array['nothing', '99999999999', '']) as about`,
  )
  const { happenings: rest } = await happenings(boris)
  assert.equal(rest.length, 2)
  await system.database.query(`delete from task_tracker.outbox`)
})

test('goes on from what two epochs have in common', async () => {
  await system.database.query(
    `insert into task_tracker.epoch (epoch, head, reason, begun_at) values (2, 3, 'restored', now())`,
  )
  assert.deepEqual((await happenings(anna, { fromNumber: 6 })).happenings.length, 1, 'number 4 is of the second epoch')
  assert.deepEqual((await happenings(anna, { fromNumber: 6, fromEpoch: 2 })).happenings, [])
})

test('says so when there are more, or more events than it looks at', async () => {
  const few = await happenings(anna, { limit: 1, fromEpoch: 2 })
  assert.deepEqual([few.complete, few.happenings.length], [false, 1])
  const { head } = few
  const others = (count: number) => `
    insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id)
    select gen_random_uuid(), 'TaskAssigned', 1, '1', '{"taskId": 1, "popugId": ${boris}, "assignment": 9}', now(), 'x'
    from generate_series(1, ${count})`
  await system.database.query(others(9_999))
  await numberAll()
  const asFarAsItGoes = await happenings(anna, { fromNumber: head, fromEpoch: 2 })
  assert.deepEqual(asFarAsItGoes, { head: head + 9_999, complete: true, happenings: [] })
  assert.equal((await happenings(anna, { fromNumber: head - 1, fromEpoch: 2 })).complete, false)
  await system.database.query(others(10_001))
  assert.equal((await happenings(anna, { fromNumber: head + 9_999, fromEpoch: 2 })).complete, false)
})
