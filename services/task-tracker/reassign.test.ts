// ReassignTasks on a real database: its progress, what races with it, and what happens when it is killed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Actor } from '../../kernel/contract.ts'
import type { Database } from '../../kernel/ports.ts'
import { isRefusal, must, type Outcome } from '../../kernel/result.ts'
import { breaking, dying, type Moment, wasBroken } from '../../tests/support/breaking.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { checkInvariants, taskEvents, taskStates } from '../../tests/support/invariants.ts'
import { seededRandom, seedOf } from '../../tests/support/random.ts'
import { freshDatabase, type TestDatabase } from '../../tests/support/server.ts'
import { stepwise } from '../../tests/support/stepwise.ts'
import { addPeople, as, schemas, startSystem, type System } from '../../tests/support/system.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { assertUniform, countWithin } from '../../tests/support/uniform.ts'
import { identity } from '../identity/contract.ts'
import { taskTracker } from './contract.ts'

const step = 'job.ReassignTasks'
/** Tasks in one step. */
const chunk = 1_000

const boss: Actor = { id: 1, role: 'manager' }
const asAdmin = as({ id: 1, role: 'admin' })
const idsOf = (actors: readonly Actor[]): number[] => actors.map(({ id }) => id ?? 0)

const assign = async ({ call }: System, idempotencyKey?: string) =>
  must(await call(taskTracker.assignTasks, {}, as(boss, idempotencyKey === undefined ? {} : { idempotencyKey })))
const look = async ({ call }: System, id: number) => must(await call(taskTracker.getReassignment, { id }, as(boss)))
const cancel = ({ call }: System, id: number) => call(taskTracker.cancelReassignment, { id }, as(boss))
const complete = ({ call }: System, taskId: number, popugId: number) =>
  call(taskTracker.completeTask, { taskId }, as({ id: popugId, role: 'popug' }))
const counters = async (system: System, id: number) => {
  const { state, total, done, moved, skipped } = await look(system, id)
  return { state, total, done, moved, skipped }
}

/** How often each task has been assigned. */
const assignments = async ({ database }: System) =>
  new Map((await taskStates(database)).map(({ taskId, assignment }) => [taskId, assignment]))
const holders = async ({ database }: System) =>
  new Map((await taskStates(database)).map(({ taskId, popugId }) => [taskId, popugId]))

/** Every one of these tasks has been assigned so often. */
const assertAssigned = async (system: System, taskIds: readonly number[], times: number) => {
  const found = await assignments(system)
  assert.deepEqual(taskIds.filter((taskId) => found.get(taskId) !== times).slice(0, 10), [], `assigned ${times} times`)
}

/** Somebody waits for a lock that another one holds. */
const somebodyWaits = async (database: TestDatabase) => {
  const waiting = await database.query(`select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`)
  return waiting.length > 0
}

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

/** Where the process ends, and how many tasks are done by then. */
const deaths: readonly { at: number; moment: Moment; done: number }[] = [
  { at: 1, moment: 'before', done: 0 },
  { at: 1, moment: 'after', done: 1_000 },
  { at: 2, moment: 'before', done: 1_000 },
  { at: 2, moment: 'after', done: 2_000 },
  { at: 3, moment: 'before', done: 2_000 },
  { at: 3, moment: 'after', done: 2_300 },
]

test('killed before or after the commit of each chunk, it draws every open task exactly once more', async () => {
  await using database = await freshDatabase(schemas)
  await using caller = await startSystem({ database, loops: false })
  let taskIds: number[] = []
  {
    await using first = await startSystem({ database })
    const popugIds = idsOf(await addPeople(first, ['popug', 'popug', 'popug']))
    taskIds = await addTasks(first, inTurn(2_300, popugIds))
  }
  for (const [round, { at, moment, done }] of deaths.entries()) {
    const death = dying({ step, at, moment })
    const { id } = await assign(caller)
    {
      await using _doomed = await startSystem({ database, decorate: death.database })
      await death.died
    }
    assert.equal((await look(caller, id)).done, done, `${moment} the commit of chunk ${at}`)
    await using healed = await startSystem({ database })
    await healed.host.settle()
    const finished = { state: 'done', total: 2_300, done: 2_300, moved: 2_300, skipped: 0 }
    assert.deepEqual(await counters(healed, id), finished)
    await assertAssigned(healed, taskIds, round + 2)
    await checkInvariants(healed)
  }
})

test('two runners at once draw every task once, and one takes over from the other', async () => {
  await using database = await freshDatabase(schemas)
  const [first, second] = [stepwise(step), stepwise(step)]
  await using one = await startSystem({ database, decorate: first.database })
  await using two = await startSystem({ database, decorate: second.database })
  using _first = first
  using _second = second
  const popugIds = idsOf(await addPeople(one, ['popug', 'popug']))
  const taskIds = await addTasks(one, inTurn(2_100, popugIds))
  first.stop()
  second.stop()
  const { id } = await assign(one)
  // The first has drawn a chunk and not committed it; the second waits for the job's row and goes on behind it.
  const commit = await first.hold()
  const waits = second.next()
  await eventually('the second waits for the first', () => somebodyWaits(database))
  await commit()
  await waits
  assert.equal((await look(two, id)).done, 2_000)
  first.free()
  second.free()
  await one.host.settle()
  await Promise.all([assign(one), assign(two)])
  await one.host.settle()
  await two.host.settle()
  await assertAssigned(one, taskIds, 4)
  await checkInvariants(one)
})

test('a task that is just being changed is waited for: left out when completed, drawn when nothing came of it', async () => {
  for (const committed of [true, false]) {
    const completions = stepwise('task-tracker.CompleteTask')
    const abort = breaking()
    const decorate = (database: Database) => completions.database(abort.database(database))
    await using system = await startSystem({ decorate })
    using _free = completions
    const [popugId = 0] = idsOf(await addPeople(system, ['popug']))
    const taskIds = await addTasks(system, inTurn(1_200, [popugId]))
    const [changing = 0] = taskIds.splice(500, 1)
    completions.stop()
    if (!committed) abort.next('task-tracker.CompleteTask', 'before')
    const completing = complete(system, changing, popugId).catch((error: unknown) => error)
    const end = await completions.hold()
    const { id } = await assign(system)
    await eventually('the job waits for it', () => somebodyWaits(system.database))
    await end()
    const outcome = await completing
    assert.equal(wasBroken(outcome), !committed)
    await system.host.settle()
    assert.equal((await look(system, id)).moved, committed ? 1_199 : 1_200)
    await assertAssigned(system, taskIds, 2)
    await assertAssigned(system, [changing], committed ? 1 : 2)
    await checkInvariants(system)
  }
})

test('who completes a task that is just being drawn anew is told who has it now', async () => {
  const steps = stepwise(step)
  const random = seededRandom(1)
  // Always the second of the two.
  await using system = await startSystem({
    decorate: steps.database,
    random: { ...random, integer: (_from, to) => to },
  })
  using _free = steps
  const [loser = 0, winner = 0] = idsOf(await addPeople(system, ['popug', 'popug']))
  const [taskId = 0] = await addTasks(system, [loser])
  steps.stop()
  await assign(system)
  const commit = await steps.hold()
  const completing = complete(system, taskId, loser)
  await eventually('the completion waits', () => somebodyWaits(system.database))
  await commit()
  const told = { refused: 'not_assignee', detail: { taskId, assigneeId: winner, assigneeName: 'popug 2' } }
  assert.deepEqual(await completing, told)
  assert.deepEqual(await complete(system, taskId, loser), told)
  assert.equal(must(await complete(system, taskId, winner)).assignment, 2)
  steps.free()
  await checkInvariants(system)
})

test('completions and reassignments at once never both have their effect', async () => {
  const random = seededRandom(seedOf('completions against reassignments'))
  await using system = await startSystem()
  const popugIds = idsOf(await addPeople(system, ['popug', 'popug', 'popug', 'popug', 'popug']))
  const taskIds = await addTasks(system, inTurn(400, popugIds))
  const pick = <T>(among: readonly T[]): T => among[random.integer(0, among.length - 1)] as T
  const refused = new Map<string, number>()
  const acknowledged = new Map<number, number>()
  const client = async () => {
    for (let turn = 0; turn < 25; turn += 1) {
      const [taskId, popugId] = [pick(taskIds), pick(popugIds)]
      const outcome = await complete(system, taskId, popugId)
      if (isRefusal(outcome)) refused.set(outcome.refused, (refused.get(outcome.refused) ?? 0) + 1)
      else acknowledged.set(taskId, popugId)
    }
  }
  const presser = async () => {
    for (let turn = 0; turn < 8; turn += 1) {
      const { id } = await assign(system)
      await eventually('it is done', async () => (await look(system, id)).state === 'done')
    }
  }
  await Promise.all([presser(), ...Array.from({ length: 40 }, client)])
  assert.deepEqual([...refused.keys()], ['not_assignee'], 'everybody who comes too late is told who has it')
  await checkInvariants(system)
  const completed = (await taskEvents(system.database)).filter(({ type }) => type === 'TaskCompleted')
  assert.deepEqual(new Map(completed.map(({ taskId, popugId }) => [taskId, popugId])), acknowledged)
  assert.ok(completed.length > 50, `only ${completed.length} completed`)
})
