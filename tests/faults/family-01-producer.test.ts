// Family 1: the producer of events is killed before its commit, after it, or with the commit's answer lost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplicationProcess } from './application-process.ts'
import type { Order } from './journal.ts'
import { faultsOf } from './shown.ts'
import { openStage, type Stage } from './stage.ts'

const commands = ['CreateTask', 'CompleteTask', 'AssignTasks'] as const
type Name = (typeof commands)[number]

/** A command that will succeed unless it is disturbed. */
const orderOf = async (stage: Stage, process: ApplicationProcess, command: Name): Promise<Order> => {
  const { clients } = stage
  if (command === 'CreateTask') return clients.create()
  if (command === 'AssignTasks') return clients.order(command, clients.manager())
  const task = await stage.insist(() => process, clients.create())
  assert.ok('acknowledged' in task)
  const { taskId, assigneeId } = task.acknowledged
  return clients.order(command, Number(assigneeId), { taskId })
}

const commitOf = (command: Name, when: 'before' | 'after') =>
  ({ step: `task-tracker.${command}`, of: 'task_tracker', when, nth: 1 }) as const

/** A command dies with its process at the given step, is sent again to the next one, and has its effect once. */
const dieAndRepeat = async (stage: Stage, process: ApplicationProcess, command: Name, when: 'before' | 'after') => {
  const order = await orderOf(stage, process, command)
  process.arm({ ...commitOf(command, when), act: 'kill' })
  const [learned] = await Promise.all([
    stage.send(process, order),
    stage.send(process, stage.clients.create(), { keyed: false }),
  ])
  assert.ok('unknown' in learned, `${command} answered, although its process was to die`)
  await process.killed()
  const next = await stage.start()
  await stage.recovers(next)
  const repeated = await stage.insist(() => next, order)
  assert.ok('acknowledged' in repeated, JSON.stringify(repeated))
  await stage.traffic(next, 12)
  await stage.audit()
  return next
}

test('a producer that is killed around its commit loses nothing and does nothing twice', async () => {
  await using stage = await openStage('family 1, killed')
  let process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug', 'popug')
  await stage.traffic(process, 30)
  for (const command of commands) {
    for (const when of ['before', 'after'] as const) process = await dieAndRepeat(stage, process, command, when)
  }
  await process.stop()
})

test('a commit whose answer is lost is repeated by its key, and left alone without one', async () => {
  await using stage = await openStage('family 1, answer lost')
  const process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  for (const command of commands) {
    const keyed = await orderOf(stage, process, command)
    process.arm({ ...commitOf(command, 'after'), act: 'lose' })
    assert.ok('acknowledged' in (await stage.send(process, keyed)), `${command} with a key was not repeated`)

    const unkeyed = await orderOf(stage, process, command)
    process.arm({ ...commitOf(command, 'after'), act: 'lose' })
    assert.ok(
      'unknown' in (await stage.send(process, unkeyed, { keyed: false })),
      `${command} without a key was repeated`,
    )
    assert.equal(await faultsOf(process, command), 1, 'that its outcome is not known is not shown')
    await stage.recovers(process)
    await stage.audit()
  }
  await process.stop()
})

test('connections that are cut when COMMIT has reached the server end in one effect', async () => {
  await using stage = await openStage('family 1, cut')
  await using wire = await stage.ground.interpose()
  const process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  for (let round = 0; round < 6; round += 1) {
    wire.cutAnswerToCommit(stage.draw(1, 4))
    await stage.traffic(process, 10)
    await wire.cut
    await stage.recovers(process)
    await stage.audit()
  }
  await process.stop()
})
