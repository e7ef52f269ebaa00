// ReassignTasks on a real database: whom it draws, its progress, the queue, cancelling and waiting.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRefusal, must, type Outcome } from '../../kernel/result.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { seededRandom, seedOf } from '../../tests/support/random.ts'
import { stepwise } from '../../tests/support/stepwise.ts'
import { addPeople, as, startSystem } from '../../tests/support/system.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { assertUniform, countWithin } from '../../tests/support/uniform.ts'
import { identity } from '../identity/contract.ts'
import { taskTracker } from './contract.ts'
import {
  asAdmin,
  assertAssigned,
  assign,
  boss,
  cancel,
  chunk,
  complete,
  counters,
  holders,
  idsOf,
  look,
  step,
} from './reassign.test-support.ts'

test('every open task is drawn anew, uniformly, the present assignee included, and the progress says so', async () => {
  const random = seededRandom(seedOf('reassignment'))
  await using system = await startSystem({ random })
  const people = await addPeople(system, ['manager', 'popug', 'popug', 'accountant', 'popug'])
  const popugIds = idsOf(people).slice(1)
  const taskIds = await addTasks(system, inTurn(2_300, popugIds))
  const first = taskIds.slice(0, 3)
  const before = await holders(system)
  for (const taskId of first) must(await complete(system, taskId, before.get(taskId) ?? 0))
  const asked = await assign(system)
  assert.deepEqual([asked.requestedBy, asked.done, asked.finishedAt], [boss.id, 0, null])
  await system.host.settle()
  const found = await look(system, asked.id)
  assert.deepEqual(await counters(system, asked.id), {
    state: 'done',
    total: 2_297,
    done: 2_297,
    moved: 2_297,
    skipped: 0,
  })
  assert.ok(found.startedAt !== null && found.finishedAt !== null && found.finishedAt >= found.startedAt)
  await assertAssigned(system, first, 1)
  await assertAssigned(system, taskIds.slice(3), 2)
  const after = await holders(system)
  const place = (popugId: number | undefined) => popugIds.indexOf(popugId ?? 0)
  const pairs = taskIds.slice(3).map((taskId) => place(before.get(taskId)) * 4 + place(after.get(taskId)))
  assertUniform(
    countWithin(
      pairs.map((pair) => pair % 4),
      0,
      3,
    ),
    'new assignees',
  )
  for (let held = 0; held < 4; held += 1) {
    const own = pairs.filter((pair) => Math.floor(pair / 4) === held).map((pair) => pair % 4)
    assertUniform(countWithin(own, 0, 3), `new assignees of what assignee ${held} held`)
  }
  await checkInvariants(system)
})

test('chunks end exactly where the tasks end', async () => {
  await using system = await startSystem()
  const popugIds = idsOf(await addPeople(system, ['popug', 'popug']))
  const none = await assign(system)
  await system.host.settle()
  assert.deepEqual(await counters(system, none.id), { state: 'done', total: 0, done: 0, moved: 0, skipped: 0 })
  let times = 1
  let taskIds: number[] = []
  for (const count of [chunk - 1, chunk, chunk + 1]) {
    taskIds = [...taskIds, ...(await addTasks(system, inTurn(count - taskIds.length, popugIds)))]
    const { id } = await assign(system)
    await system.host.settle()
    assert.deepEqual(await counters(system, id), { state: 'done', total: count, done: count, moved: count, skipped: 0 })
    times += 1
    await assertAssigned(system, taskIds.slice(0, chunk - 1), times)
  }
  await assertAssigned(system, taskIds.slice(chunk), 2)
  await checkInvariants(system)
})

test('only managers and admins reassign, look and cancel', async () => {
  await using system = await startSystem()
  const { call } = system
  for (const role of ['popug', 'accountant'] as const) {
    const behalf = as({ id: 1, role })
    const outcomes: Outcome<unknown>[] = [
      await call(taskTracker.assignTasks, {}, behalf),
      await call(taskTracker.getReassignment, { id: 1 }, behalf),
      await call(taskTracker.listReassignments, {}, behalf),
      await call(taskTracker.cancelReassignment, { id: 1 }, behalf),
    ]
    for (const outcome of outcomes) assert.ok(isRefusal(outcome) && outcome.refused === 'forbidden')
  }
  for (const outcome of [await cancel(system, 99), await call(taskTracker.getReassignment, { id: 99 }, as(boss))]) {
    assert.ok(isRefusal(outcome) && outcome.refused === 'reassignment_not_found')
  }
  assert.deepEqual(must(await call(taskTracker.listReassignments, {}, as(boss))).reassignments, [])
})

test('pressed again while one runs, it is queued and runs after it; the same key is the same job', async () => {
  const steps = stepwise(step)
  await using system = await startSystem({ decorate: steps.database })
  using _free = steps
  const popugIds = idsOf(await addPeople(system, ['popug', 'popug']))
  const taskIds = await addTasks(system, inTurn(2_100, popugIds))
  steps.stop()
  const first = await assign(system, 'first')
  assert.equal(first.state, 'queued')
  await steps.next()
  assert.deepEqual(await counters(system, first.id), {
    state: 'running',
    total: 2_100,
    done: 1_000,
    moved: 1_000,
    skipped: 0,
  })
  const second = await assign(system, 'second')
  assert.ok(second.id > first.id)
  assert.equal(second.state, 'queued')
  const same = await Promise.all(['first', 'second', 'second', 'first'].map((key) => assign(system, key)))
  assert.deepEqual(
    same.map(({ id }) => id),
    [first.id, second.id, second.id, first.id],
  )
  assert.deepEqual(same[0], first, 'the answer is the first one')
  await steps.next()
  await steps.next()
  assert.equal((await look(system, first.id)).state, 'done')
  assert.equal((await look(system, second.id)).state, 'queued')
  await assertAssigned(system, taskIds, 2)
  steps.free()
  await system.host.settle()
  assert.equal((await look(system, second.id)).done, 2_100)
  await assertAssigned(system, taskIds, 3)
  const { reassignments } = must(await system.call(taskTracker.listReassignments, {}, as(boss)))
  assert.deepEqual(
    reassignments.map(({ id, state }) => [id, state]),
    [
      [second.id, 'done'],
      [first.id, 'done'],
    ],
  )
  await checkInvariants(system)
})

test('cancelled in the middle, what was drawn stays drawn and the rest stays as it was', async () => {
  const steps = stepwise(step)
  await using system = await startSystem({ decorate: steps.database })
  using _free = steps
  const popugIds = idsOf(await addPeople(system, ['popug', 'popug']))
  const taskIds = await addTasks(system, inTurn(2_100, popugIds))
  steps.stop()
  const { id } = await assign(system)
  const queued = await assign(system)
  await steps.next()
  const cancelled = must(await cancel(system, id))
  assert.deepEqual([cancelled.state, cancelled.done], ['cancelled', 1_000])
  assert.notEqual(cancelled.finishedAt, null)
  assert.deepEqual(must(await cancel(system, id)), cancelled, 'again: the same answer')
  assert.equal(must(await cancel(system, queued.id)).state, 'cancelled')
  steps.free()
  await system.host.settle()
  await assertAssigned(system, taskIds.slice(0, 1_000), 2)
  await assertAssigned(system, taskIds.slice(1_000), 1)
  assert.deepEqual(await look(system, id), cancelled)
  const next = await assign(system)
  await system.host.settle()
  assert.equal((await look(system, next.id)).done, 2_100)
  const late = await cancel(system, next.id)
  assert.ok(isRefusal(late) && late.refused === 'reassignment_finished')
  await assertAssigned(system, taskIds.slice(1_000), 2)
  await checkInvariants(system)
})

test('tasks created after the start are not drawn, tasks completed meanwhile are skipped', async () => {
  const steps = stepwise(step)
  await using system = await startSystem({ decorate: steps.database })
  using _free = steps
  const popugIds = idsOf(await addPeople(system, ['popug', 'popug']))
  const taskIds = await addTasks(system, inTurn(2_100, popugIds))
  steps.stop()
  const { id } = await assign(system)
  await steps.next()
  const created = await addTasks(system, inTurn(5, popugIds))
  const drawn = await holders(system)
  const [passed, ahead] = [taskIds.slice(0, 4), [...taskIds.slice(1_000, 1_010), ...taskIds.slice(-3)]]
  for (const taskId of [...passed, ...ahead, ...created.slice(0, 2)]) {
    must(await complete(system, taskId, drawn.get(taskId) ?? 0))
  }
  await steps.next()
  assert.deepEqual(await counters(system, id), {
    state: 'running',
    total: 2_100,
    done: 2_010,
    moved: 2_000,
    skipped: 10,
  })
  steps.free()
  await system.host.settle()
  assert.deepEqual(await counters(system, id), { state: 'done', total: 2_100, done: 2_100, moved: 2_087, skipped: 13 })
  await assertAssigned(system, [...created, ...ahead], 1)
  await assertAssigned(system, taskIds.slice(1_010, -3), 2)
  await checkInvariants(system)
})

test('while nobody may be assigned the job waits visibly, and it goes on when somebody comes', async () => {
  const steps = stepwise(step)
  await using system = await startSystem({ decorate: steps.database })
  using _free = steps
  const popugIds = idsOf(await addPeople(system, ['popug', 'popug']))
  const taskIds = await addTasks(system, inTurn(1_500, popugIds))
  const enable = async (active: boolean) => {
    for (const popugId of popugIds) must(await system.call(identity.changePerson, { popugId, active }, asAdmin))
    await eventually('the roster knows', async () => {
      const { popugs } = must(await system.call(taskTracker.getRoster, {}, as(boss)))
      return popugs.length > 0 === active
    })
  }
  steps.stop()
  const { id } = await assign(system)
  await steps.next()
  await enable(false)
  await steps.next()
  const waiting = await look(system, id)
  assert.deepEqual([waiting.state, waiting.reason, waiting.done], ['waiting', 'nobody_assignable', 1_000])
  assert.equal(waiting.finishedAt, null)
  const { tasks } = must(await system.call(taskTracker.getTasks, { limit: 200 }, as(boss)))
  assert.ok(
    tasks.every(({ assigneeActive }) => !assigneeActive),
    'tasks of the disabled are marked',
  )
  steps.free()
  await system.host.settle()
  assert.equal((await look(system, id)).state, 'waiting')
  await enable(true)
  await eventually('it goes on', async () => (await look(system, id)).state === 'done')
  assert.deepEqual(await counters(system, id), { state: 'done', total: 1_500, done: 1_500, moved: 1_500, skipped: 0 })
  assert.equal((await look(system, id)).reason, null)
  await assertAssigned(system, taskIds, 2)

  await enable(false)
  const [atOnce, behind] = [await assign(system), await assign(system)]
  await eventually('it waits', async () => (await look(system, atOnce.id)).state === 'waiting')
  await system.host.settle(5_000)
  assert.equal((await look(system, atOnce.id)).done, 0)
  assert.equal((await look(system, behind.id)).state, 'queued')
  assert.equal(must(await cancel(system, atOnce.id)).state, 'cancelled')
  await enable(true)
  await eventually('the one behind it runs', async () => (await look(system, behind.id)).state === 'done')
  await assertAssigned(system, taskIds, 3)
  await checkInvariants(system)
})

test('the disabled are not drawn, and their open tasks are drawn anew', async () => {
  await using system = await startSystem()
  const [leaving, ...staying] = idsOf(await addPeople(system, ['popug', 'popug', 'accountant']))
  assert.ok(leaving)
  const taskIds = await addTasks(system, inTurn(60, [leaving]))
  must(await system.call(identity.changePerson, { popugId: leaving, active: false }, asAdmin))
  await system.host.settle()
  await assign(system)
  await system.host.settle()
  for (const [taskId, popugId] of await holders(system)) {
    assert.ok(taskIds.includes(taskId) && staying.includes(popugId))
  }
  await checkInvariants(system)
})
