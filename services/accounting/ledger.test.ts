// The ledger on a real database: business keys, prices, late retries, and who may not change a posting.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import type { Log } from '../../kernel/ports.ts'
import { checkInvariants, checkLedger } from '../../tests/support/invariants.ts'
import { silent } from '../../tests/support/silent.ts'
import { startSystem, type System } from '../../tests/support/system.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { ledgerOf } from './ledger.test-support.ts'

const errors: { message: string; number?: number }[] = []
const log: Log = { ...silent, child: () => log, error: (fields, message) => errors.push({ ...fields, message }) }

let system: System
const { newPopug, createTask, completeTask, accountOfPopug, pricesOf, say, parkedOf, retry, mend } = ledgerOf(
  () => system,
)

before(async () => {
  system = await startSystem({ log })
})
after(async () => {
  await using _ended = system
  await checkLedger(system)
})

test('an account begins with two events at once, in one batch', async () => {
  const popugId = await newPopug()
  const taskIds = await addTasks(system, [popugId, popugId])
  const { lines, balanceCents } = await accountOfPopug(popugId)
  assert.deepEqual(lines.map(({ taskId }) => taskId).toReversed(), taskIds)
  const fees = (await pricesOf(taskIds)).map(({ feeCents }) => feeCents)
  assert.equal(balanceCents, -fees.reduce((sum, fee) => sum + fee, 0))
})

test('the same business key with the same content is booked once and nobody is alerted', async () => {
  const popugId = await newPopug()
  const taskId = await createTask(popugId)
  await completeTask(taskId, popugId)
  const before = await accountOfPopug(popugId)
  const [alerts, again] = [errors.length, { taskId, popugId, assignment: 1 }]
  await say([
    { type: 'TaskAssigned', data: again },
    { type: 'TaskCompleted', data: { taskId, popugId } },
    { type: 'TaskAssigned', data: again },
  ])
  const after = await accountOfPopug(popugId)
  assert.deepEqual({ ...after, upTo: before.upTo }, before)
  assert.equal(after.upTo, before.upTo + 3)
  assert.deepEqual([await parkedOf(taskId), errors.length], [[], alerts])
})

test('the same business key with another content is parked and alerted, and what came with it is booked', async () => {
  const [popugId, other] = [await newPopug(), await newPopug()]
  const taskId = await createTask(popugId)
  await system.host.settle()
  const alerts = errors.length
  const bystander = 900_001
  await say([
    { type: 'TaskAssigned', data: { taskId: bystander, popugId: other, assignment: 1 } },
    { type: 'TaskAssigned', data: { taskId, popugId: other, assignment: 1 } },
    { type: 'TaskCompleted', data: { taskId: bystander, popugId: other } },
  ])
  const [parked, ...others] = await parkedOf(taskId)
  assert.ok(parked)
  assert.deepEqual(others, [])
  assert.match(parked.error, /the ledger says otherwise about event/)
  assert.deepEqual(
    errors.slice(alerts).map(({ message, number }) => [message, number]),
    [['event parked', parked.number]],
  )
  const account = await accountOfPopug(other)
  assert.deepEqual(
    account.lines.map(({ kind, taskId: of }) => [kind, of]),
    [
      ['reward', bystander],
      ['fee', bystander],
    ],
  )
  assert.match(await retry(parked.number), /the ledger says otherwise/)
  assert.equal((await parkedOf(taskId))[0]?.attempts, parked.attempts + 1)

  await mend(parked.number, { taskId, popugId, assignment: 1 })
  assert.equal(await retry(parked.number), 'applied')
  assert.deepEqual(await parkedOf(taskId), [])
  assert.equal((await accountOfPopug(popugId)).lines.length, 1)
  await checkLedger(system)
})

test('two contents of one business key in the same batch: the first is booked, the second parked until it is mended', async () => {
  const [popugId, other] = [await newPopug(), await newPopug()]
  const taskId = 900_002
  await say([
    { type: 'TaskAssigned', data: { taskId, popugId, assignment: 1 } },
    { type: 'TaskAssigned', data: { taskId, popugId: other, assignment: 1 } },
    { type: 'TaskCompleted', data: { taskId, popugId: other } },
    { type: 'TaskCompleted', data: { taskId, popugId } },
  ])
  const [fee, reward, ...none] = await parkedOf(taskId)
  assert.ok(fee && reward)
  assert.deepEqual([fee.type, reward.type, none], ['TaskAssigned', 'TaskCompleted', []])
  await mend(fee.number, { taskId, popugId: other, assignment: 2 })
  assert.equal(await retry(fee.number), 'applied')
  const [price] = await pricesOf([taskId])
  assert.ok(price)
  const { lines } = await accountOfPopug(other)
  assert.deepEqual(
    lines.map(({ kind, amountCents, assignment }) => [kind, amountCents, assignment]),
    [
      ['reward', price.rewardCents, null],
      ['fee', -price.feeCents, 2],
    ],
  )
  assert.deepEqual(
    lines.map(({ cause }) => cause.number),
    [fee.number + 1, fee.number],
    'in order of their events',
  )
  await mend(reward.number, { taskId, popugId: other })
  assert.equal(await retry(reward.number), 'applied')
  assert.equal((await accountOfPopug(other)).lines.length, 2)
})

test('another content under a number that is taken is never left out silently', async () => {
  const popugId = await newPopug()
  const { upTo } = await accountOfPopug(popugId)
  const [taken, taskId] = [upTo + 1, 900_003]
  await system.database.query(
    `insert into accounting.posting select stream, $1, line, event_id, 'fee', 900004, 1, popug_id, from_account, to_account,
      amount_cents, day, at from accounting.posting where kind = 'fee' limit 1`,
    [taken],
  )
  await say([{ type: 'TaskAssigned', data: { taskId, popugId, assignment: 1 } }])
  assert.equal((await parkedOf(taskId)).length, 1)
  await system.database.query('begin; set local session_replication_role = replica')
  await system.database.query('delete from accounting.posting where number = $1', [taken])
  await system.database.query('commit')
  assert.equal(await retry(taken), 'applied')
  assert.equal((await accountOfPopug(popugId)).lines.length, 1)
})

test('the price is drawn once, by whichever event comes first, and is the same for every assignee', async () => {
  const [popugId, other] = [await newPopug(), await newPopug()]
  const taskId = 900_005
  await say([
    { type: 'TaskAssigned', data: { taskId, popugId: 'nobody', assignment: 1 } },
    { type: 'TaskCompleted', data: { taskId, popugId } },
  ])
  await say([{ type: 'TaskAssigned', data: { taskId, popugId: other, assignment: 2 } }])
  const [late] = await parkedOf(taskId)
  assert.ok(late)
  assert.match(late.error, /ZodError/)
  const [price, ...more] = await pricesOf([taskId])
  assert.ok(price)
  assert.deepEqual(more, [])
  const [cause] = await system.database.query('select number::int from accounting.price where task_id = $1', [taskId])
  assert.deepEqual(cause, { number: late.number + 1 }, 'the completion drew it')
  await mend(late.number, { taskId, popugId, assignment: 1 })
  assert.equal(await retry(late.number), 'applied')
  assert.deepEqual(await pricesOf([taskId]), [price])
  const amounts = async (of: number) => (await accountOfPopug(of)).lines.map(({ amountCents }) => amountCents)
  assert.deepEqual(await amounts(popugId), [price.rewardCents, -price.feeCents])
  assert.deepEqual(await amounts(other), [-price.feeCents])
})

test('each price says which event drew it, also when many were drawn together', async () => {
  const popugId = await newPopug()
  const taskIds = await addTasks(system, inTurn(5, [popugId]))
  await system.host.settle()
  const rows = await system.database.query(
    `select p.task_id from accounting.price p join task_tracker.event e on e.number = p.number and e.at = p.at
     where (e.data->>'taskId')::int = p.task_id and p.task_id = any($1)`,
    [taskIds],
  )
  assert.equal(rows.length, 5)
})

const changes = [
  'update accounting.posting set amount_cents = amount_cents + 1',
  'update accounting.posting set at = at where false',
  'delete from accounting.posting where number = 1',
  'truncate accounting.posting',
]

test('a posting is changed by nobody: the trigger stops administrators, its rights stop the service', async () => {
  await using fresh = await startSystem()
  await createTask(await newPopug(fresh), fresh)
  await fresh.host.settle()
  const { query, connection } = fresh.database
  const role = new pg.Client(connection('accounting'))
  await role.connect()
  try {
    const touching = changes.filter((statement) => !statement.endsWith('false'))
    for (const statement of touching) await assert.rejects(query(statement), { code: '23514' }, statement)
    for (const statement of changes) await assert.rejects(role.query(statement), { code: '42501' }, statement)
    await query('alter table accounting.posting disable trigger user')
    for (const statement of changes) await assert.rejects(role.query(statement), { code: '42501' }, statement)
    await query('alter table accounting.posting enable trigger user')
    await query('grant update, delete, truncate on accounting.posting to ates_accounting')
    for (const statement of touching) await assert.rejects(role.query(statement), { code: '23514' }, statement)
    await query('revoke update, delete, truncate on accounting.posting from ates_accounting')
    await fresh.host.replay('accounting', { swap: true })
    for (const statement of touching)
      await assert.rejects(query(statement), { code: '23514' }, `${statement} after a replay`)
    for (const statement of changes)
      await assert.rejects(role.query(statement), { code: '42501' }, `${statement} after a replay`)
  } finally {
    await role.end()
  }
  await checkInvariants(fresh)
})
