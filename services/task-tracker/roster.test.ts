// Who may be drawn, as identity's events say it: followed at once, never set back by an older one.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { standardContract } from '../../kernel/standard.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { refusalOf } from '../../tests/support/refusals.ts'
import { addPeople, asService, startSystem, type System } from '../../tests/support/system.ts'
import { accounting } from '../accounting/contract.ts'
import { roles } from '../vocabulary.ts'
import { taskTracker } from './contract.ts'
import { mayBeAssigned } from './rules.ts'
import { asAdmin, asManager, idOf, tasksOf } from './tasks.test-support.ts'

let system: System
const { create, complete, change } = tasksOf(() => system)

before(async () => {
  system = await startSystem()
})
after(async () => {
  await using _ended = system
  await checkInvariants(system)
})

const mayBeDrawn = async () =>
  must(await system.call(taskTracker.getRoster, { limit: 200 }, asManager)).popugs.map(({ popugId }) => popugId)

test('the roster follows names, roles and activity of people', async () => {
  const [person] = await addPeople(system, ['popug'])
  const popugId = idOf(person)
  assert.ok((await mayBeDrawn()).includes(popugId))
  const { taskId } = must(await create('Held', asManager, popugId))
  const held = async () => must(await system.call(taskTracker.getTask, { taskId }, asManager))

  await change(popugId, { name: 'Renamed' })
  assert.equal((await held()).assigneeName, 'Renamed')
  const roster = must(await system.call(taskTracker.getRoster, { text: 'RENAMED' }, asManager))
  assert.deepEqual(roster.popugs, [{ popugId, name: 'Renamed', assignable: true }])

  for (const [wanted, assignable, assigneeActive] of [
    [{ active: false }, false, false],
    [{ active: true }, true, true],
    [{ role: 'manager' }, false, true],
    [{ role: 'popug' }, true, true],
  ] as const) {
    await change(popugId, wanted)
    assert.equal((await mayBeDrawn()).includes(popugId), assignable)
    const chosen = await refusalOf(create('Chosen', asManager, popugId))
    assert.equal(chosen, assignable ? 'ok' : 'popug_not_assignable')
    const task = await held()
    assert.deepEqual(
      [task.assigneeId, task.assigneeActive, task.assigneeAssignable],
      [popugId, assigneeActive, assignable],
    )
  }
})

test('whoever can be given no task is found by name among everybody, and says so', async () => {
  const [person] = await addPeople(system, ['popug'])
  const popugId = idOf(person)
  await change(popugId, { name: 'Zoe Away', active: false })
  const found = async (who?: 'everybody', text?: string) =>
    must(await system.call(taskTracker.getRoster, { who, text, limit: 200 }, asManager)).popugs
  const away = { popugId, name: 'Zoe Away', assignable: false }
  assert.deepEqual(await found('everybody', 'zoe'), [away])
  assert.deepEqual(await found(undefined, 'zoe'), [])
  const all = await found('everybody')
  assert.deepEqual(all.at(-1), away)
  assert.deepEqual(
    all.filter(({ assignable }) => assignable),
    await found(),
  )
})

test('the assignee of a task completes it also after having been disabled or promoted', async () => {
  const [person] = await addPeople(system, ['popug'])
  const popugId = idOf(person)
  const { taskId } = must(await create('Held', asManager, popugId))
  await change(popugId, { role: 'manager' })
  assert.equal(must(await complete(taskId, popugId)).state, 'completed')
})

test('the schema says the same as the rule about who may be assigned', async () => {
  const { database } = system
  for (const role of roles) {
    for (const active of [true, false]) {
      await database.query('begin')
      const [row] = await database.query<{ assignable: boolean }>(
        `insert into task_tracker.popug (id, name, role, active, version) values (0, 'x', $1, $2, 1) returning assignable`,
        [role, active],
      )
      await database.query('rollback')
      assert.equal(row?.assignable, mayBeAssigned({ role, active }), `${role}, ${active}`)
    }
  }
})

test('an older event of a person that comes late does not undo a newer one', async () => {
  const { host, database, call } = system
  const [person] = await addPeople(system, ['popug'])
  const popugId = idOf(person)
  const broken = JSON.stringify({ popugId, name: '', role: 'parrot', active: true, version: 2 })
  await database.query(
    `insert into identity.outbox (event_id, type, version, about, data, at, request_id)
     values (gen_random_uuid(), 'PopugChanged', 1, $1, $2, now(), 'a broken event')`,
    [String(popugId), broken],
  )
  await host.settle()
  await change(popugId, { active: false })
  await change(popugId, { name: 'Newest' })
  const mended = JSON.stringify({ popugId, name: 'Oldest', role: 'manager', active: true, version: 2 })
  const keptBy = { 'task-tracker': 'roster', accounting: 'holders' } as const
  for (const [service, consumer] of Object.entries(keptBy)) {
    const { getParked, retryParked } = standardContract(service)
    const { parked } = must(await call(getParked, {}, asService))
    const number = parked.find((event) => event.consumer === consumer && event.about === String(popugId))?.number
    assert.ok(number)
    const schema = service.replaceAll('-', '_')
    await database.query(`update ${schema}.parked set data = $1 where consumer = $2 and number = $3`, [
      mended,
      consumer,
      number,
    ])
    assert.deepEqual(must(await call(retryParked, { consumer, number }, asService)), { result: 'applied' })
  }
  const [row] = await database.query('select name, role, active, version from task_tracker.popug where id = $1', [
    popugId,
  ])
  assert.deepEqual(row, { name: 'Newest', role: 'popug', active: false, version: 3 })
  const account = must(await call(accounting.getAccountInfo, { popugId }, asAdmin))
  assert.equal(account.name, 'Newest')
})
