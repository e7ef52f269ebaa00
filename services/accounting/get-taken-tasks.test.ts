// GetTakenTasks: what a popug held and somebody else was given, and who may ask.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { checkLedger } from '../../tests/support/invariants.ts'
import { as, startSystem, type System } from '../../tests/support/system.ts'
import { accounting } from './contract.ts'
import { ledgerOf } from './ledger.test-support.ts'

let system: System
const { newPopug, createTask, completeTask, say } = ledgerOf(() => system)

before(async () => {
  system = await startSystem()
})
after(async () => {
  await using _ended = system
  await checkLedger(system)
})

const longAgo = '2020-01-01T00:00:00.000Z'
const ask = async (popugId: number, since = longAgo, limit = 50) =>
  must(await system.call(accounting.getTakenTasks, { popugId, since, limit }, as({ id: popugId, role: 'popug' })))
const taken = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).tasks

test('a task is taken away when somebody else is given it, and no more when it has come back', async () => {
  const [popugId, other] = [await newPopug(), await newPopug()]
  const given = (taskId: number, to: number, assignment: number) =>
    say([{ type: 'TaskAssigned', data: { taskId, popugId: to, assignment } }])
  const [kept, gone, back, again, done] = [
    await createTask(popugId),
    await createTask(popugId),
    await createTask(popugId),
    await createTask(popugId),
    await createTask(popugId),
  ]
  await system.host.settle()
  assert.deepEqual(await taken(popugId), [])
  await given(gone, other, 2)
  await given(back, other, 2)
  await given(back, popugId, 3)
  await given(again, popugId, 2)
  await given(again, other, 3)
  await completeTask(done, popugId)
  await system.host.settle()
  const tasks = await taken(popugId)
  assert.deepEqual(
    tasks.map((task) => [task.taskId, task.popugId]),
    [
      [again, other],
      [gone, other],
    ],
    `${kept} and ${done} are theirs`,
  )
  assert.ok(tasks.every(({ popugName }) => popugName?.startsWith('popug ')))
  assert.deepEqual(
    (await taken(other)).map(({ taskId }) => taskId),
    [back],
  )
  assert.deepEqual(await taken(popugId, longAgo, 1), tasks.slice(0, 1))
  assert.deepEqual(await taken(popugId, tasks[0]?.at), tasks.slice(0, 1))
  assert.deepEqual([(await ask(popugId, longAgo, 1)).more, (await ask(popugId, longAgo, 2)).more], ['some', 'none'])
  assert.deepEqual(await taken(popugId, '2100-01-01T00:00:00.000Z'), [])
})

test('says so when more was given since then than is looked at', async () => {
  const popugId = await newPopug()
  const held = await createTask(popugId)
  await system.host.settle()
  const event = (assignment: number) => ({ type: 'TaskAssigned' as const, data: { taskId: held, popugId, assignment } })
  await say(Array.from({ length: 1_999 }, (_, index) => event(index + 2)))
  await system.host.settle()
  assert.deepEqual(await ask(popugId), { tasks: [], more: 'unknown' })
  assert.equal((await ask(popugId, new Date().toISOString())).more, 'none')
})

test('only accountants and administrators ask about others', async () => {
  const popugId = await newPopug()
  for (const role of ['popug', 'manager', 'accountant', 'admin']) {
    const outcome = await system.call(accounting.getTakenTasks, { popugId, since: longAgo }, as({ id: 999, role }))
    const expected = ['accountant', 'admin'].includes(role)
      ? { ok: { tasks: [], more: 'none' } }
      : { refused: 'not_own_account' }
    assert.deepEqual(outcome, expected, role)
  }
})
