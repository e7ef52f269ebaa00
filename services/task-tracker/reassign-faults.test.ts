// ReassignTasks when it is killed, run twice at once, or raced by those who complete tasks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Database } from '../../kernel/ports.ts'
import { isRefusal, must } from '../../kernel/result.ts'
import { breaking, dying, type Moment, wasBroken } from '../../tests/support/breaking.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { checkInvariants, taskEvents } from '../../tests/support/invariants.ts'
import { seededRandom, seedOf } from '../../tests/support/random.ts'
import { freshDatabase } from '../../tests/support/server.ts'
import { stepwise } from '../../tests/support/stepwise.ts'
import { addPeople, schemas, startSystem } from '../../tests/support/system.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import {
  assertAssigned,
  assign,
  complete,
  counters,
  idsOf,
  look,
  somebodyWaits,
  step,
} from './reassign.test-support.ts'

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
