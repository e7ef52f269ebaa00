// The ledger on a real database: concurrency, business keys, prices, days, rights, and accounts as people see them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import type { Actor } from '../../kernel/contract.ts'
import type { Clock, Log } from '../../kernel/ports.ts'
import { isRefusal, must } from '../../kernel/result.ts'
import { standardContract } from '../../kernel/standard.ts'
import { checkInvariants, checkLedger } from '../../tests/support/invariants.ts'
import { seededRandom, seedOf } from '../../tests/support/random.ts'
import { freshDatabase } from '../../tests/support/server.ts'
import { silent } from '../../tests/support/silent.ts'
import { addPeople, as, asService, schemas, startSystem, type System } from '../../tests/support/system.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { taskTracker } from '../task-tracker/contract.ts'
import { accounting } from './contract.ts'
import { accountOf, companyTasks, type Posting } from './rules/postings.ts'
import { insertPostings, live } from './store.ts'

const boss: Actor = { id: 1, role: 'manager' }
const asAdmin = as({ id: 1, role: 'admin' })
const { getParked, retryParked } = standardContract('accounting')

let time = new Date('2026-05-01T12:00:00Z')
const clock: Clock = { now: () => Promise.resolve(time) }
const errors: { message: string; number?: number }[] = []
const log: Log = { ...silent, child: () => log, error: (fields, message) => errors.push({ ...fields, message }) }

let system: System
before(async () => {
  system = await startSystem({ clock, log, timeZone: 'Europe/Berlin' })
})
after(async () => {
  await using _ended = system
  await checkLedger(system)
})

const idOf = (actor: Actor | undefined): number => actor?.id ?? 0
const newPopug = async (of = system) => idOf((await addPeople(of, ['popug']))[0])

const createTask = async (popugId: number, of = system) =>
  must(await of.call(taskTracker.createTask, { description: 'x', popugId }, as(boss))).taskId
const completeTask = async (taskId: number, popugId: number, of = system) =>
  must(await of.call(taskTracker.completeTask, { taskId }, as({ id: popugId, role: 'popug' })))
const accountOfPopug = async (popugId: number, of = system) => {
  await of.host.settle()
  return must(await of.call(accounting.getAccountInfo, { popugId, limit: 200 }, asAdmin))
}
const pricesOf = async (taskIds: number[]) => must(await system.call(accounting.getPrices, { taskIds }, asAdmin)).prices

/** Says events as if the task tracker had, all in one transaction. */
const say = async (events: readonly { type: 'TaskAssigned' | 'TaskCompleted'; data: object }[], of = system) => {
  await of.database.query(
    `insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id)
     select gen_random_uuid(), type, 1, 'a test', data, now(), 'a test'
     from jsonb_to_recordset($1) as e(type text, data jsonb)`,
    [JSON.stringify(events)],
  )
  await of.host.settle()
}

const parkedOf = async (taskId: number) => {
  const { parked } = must(await system.call(getParked, { limit: 1_000 }, asService))
  return parked.filter(({ data }) => (data as { taskId?: unknown }).taskId === taskId)
}
const retry = async (number: number) =>
  must(await system.call(retryParked, { consumer: 'ledger', number }, asService)).result
const mend = (number: number, data: object) =>
  system.database.query(`update accounting.parked set data = $1 where consumer = 'ledger' and number = $2`, [
    data,
    number,
  ])

test('an account begins with two events at once, in one batch', async () => {
  const popugId = await newPopug()
  const taskIds = await addTasks(system, [popugId, popugId])
  const { lines, balanceCents } = await accountOfPopug(popugId)
  assert.deepEqual(lines.map(({ taskId }) => taskId).toReversed(), taskIds)
  const fees = (await pricesOf(taskIds)).map(({ feeCents }) => feeCents)
  assert.equal(balanceCents, -fees.reduce((sum, fee) => sum + fee, 0))
})

const posting = (number: number, popugId: number, pays: boolean): Posting => ({
  number,
  line: 1,
  eventId: crypto.randomUUID(),
  kind: pays ? 'fee' : 'reward',
  taskId: number,
  assignment: pays ? 1 : null,
  popugId,
  from: pays ? accountOf(popugId) : companyTasks,
  to: pays ? companyTasks : accountOf(popugId),
  amountCents: BigInt(1_000 + number),
  day: '2026-05-01',
  at: time,
})

test('writers who post to the same new accounts at once neither lose a cent nor block each other for good', async () => {
  await using fresh = await startSystem({ loops: false })
  const random = seededRandom(seedOf('hot accounts'))
  const postings = Array.from({ length: 3_000 }, (_, index) =>
    posting(index + 1, random.integer(1, 150), random.integer(0, 1) === 1),
  )
  const database = fresh.databases['accounting']
  assert.ok(database)
  // Only the statement itself makes these take turns: no position, no lock of the ledger.
  const batches = Array.from({ length: 12 }, (_, index) => postings.slice(index * 250, index * 250 + 250))
  const written = await Promise.all(
    batches.map((batch) => database.transaction('post', (tx) => insertPostings(tx, live, 'task-tracker', batch))),
  )
  assert.deepEqual(new Set(written), new Set([250]))
  const { differences } = must(await fresh.call(accounting.verifyLedger, {}, asAdmin))
  const sums = differences.filter(({ what }) => /sum/.test(what))
  assert.deepEqual(sums, [])
  const [company] = await fresh.database.query<{ balance: string }>(
    `select balance_cents as balance from accounting.account where id = 'company:tasks'`,
  )
  const expected = postings.reduce(
    (sum, { to, amountCents }) => sum + (to === companyTasks ? amountCents : -amountCents),
    0n,
  )
  assert.equal(BigInt(company?.balance ?? ''), expected)
})

test('two replicas that apply the same events at once book each once', async () => {
  await using database = await freshDatabase(schemas)
  await using one = await startSystem({ database })
  await using two = await startSystem({ database })
  const popugIds = [await newPopug(one), await newPopug(one), await newPopug(two)]
  const clients = Array.from({ length: 24 }, async (_, index) => {
    const here = index % 2 === 0 ? one : two
    for (const popugId of popugIds) {
      const taskId = await createTask(popugId, here)
      if (index % 3 > 0) await completeTask(taskId, popugId, here)
    }
  })
  await Promise.all(clients)
  await one.host.settle()
  await checkInvariants(two)
  const [counted] = await database.query(`select count(*)::int as postings,
    count(*) filter (where 'company:tasks' in (from_account, to_account))::int as hot from accounting.posting`)
  assert.deepEqual(counted, { postings: 72 + 48, hot: 72 + 48 })
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

const changes = [
  'update accounting.posting set amount_cents = amount_cents + 1',
  'update accounting.posting set at = at where false',
  'delete from accounting.posting where number = 1',
  'truncate accounting.posting',
]

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

const at = (moment: string) => {
  time = new Date(moment)
}
const today = async (popugId: number) => {
  const { today: day, todayCents, balanceCents, lines } = await accountOfPopug(popugId)
  return { day, todayCents, balanceCents, booked: lines.map((line) => line.day) }
}

test('the business time zone decides what today is, also when clocks change', async () => {
  at('2026-10-23T12:00:00Z')
  const popugId = await newPopug()
  // The 25th has 25 hours in Berlin, from 22:00 UTC the day before to 23:00.
  const moments = [
    ['2026-10-24T21:59:59.999Z', '2026-10-24'],
    ['2026-10-24T22:00:00Z', '2026-10-25'],
    ['2026-10-25T22:59:59.999Z', '2026-10-25'],
    ['2026-10-25T23:00:00Z', '2026-10-26'],
  ] as const
  const fees = new Map<string, number>()
  let balance = 0
  for (const [moment, day] of moments) {
    at(moment)
    assert.equal((await today(popugId)).todayCents, 0 - (fees.get(day) ?? 0), `${moment}, before`)
    const taskId = await createTask(popugId)
    await system.host.settle()
    const fee = (await pricesOf([taskId]))[0]?.feeCents ?? 0
    fees.set(day, (fees.get(day) ?? 0) + fee)
    balance -= fee
    const now = await today(popugId)
    assert.deepEqual(
      [now.day, now.todayCents, now.balanceCents, now.booked[0]],
      [day, -(fees.get(day) ?? 0), balance, day],
    )
  }
})

test('a clock set back opens no day again: the open one goes on', async () => {
  at('2026-11-10T12:00:00Z')
  const popugId = await newPopug()
  await createTask(popugId)
  await system.host.settle()
  at('2026-11-09T12:00:00Z')
  await createTask(popugId)
  await system.host.settle()
  at('2026-11-10T11:00:00Z')
  await createTask(popugId)
  const { booked, todayCents, balanceCents } = await today(popugId)
  assert.deepEqual(booked, ['2026-11-10', '2026-11-10', '2026-11-10'])
  assert.equal(todayCents, balanceCents)
  at('2026-11-11T12:00:00Z')
  await createTask(popugId)
  assert.deepEqual((await today(popugId)).booked[0], '2026-11-11')
  const opened = await system.database.query<{ day: string; from: number }>(
    `select day::text, from_number::int as from from accounting.accounting_day order by from_number`,
  )
  assert.deepEqual(
    opened,
    opened.toSorted((a, b) => (a.day < b.day ? -1 : 1)),
    'days follow the events',
  )
  await checkLedger(system)
})

test('what is retried late is booked on the day that is open then, whatever day it happened', async () => {
  at('2026-11-20T12:00:00Z')
  const popugId = await newPopug()
  const taskIds = [900_010, 900_011, 900_012, 900_013]
  await say(taskIds.map((taskId) => ({ type: 'TaskAssigned', data: { taskId, popugId: 'nobody', assignment: 1 } })))
  const numbers: number[] = []
  for (const taskId of taskIds) {
    const [{ number } = { number: 0 }] = await parkedOf(taskId)
    await mend(number, { taskId, popugId, assignment: 1 })
    numbers.push(number)
  }
  const [first = 0, second = 0, third = 0, fourth = 0] = numbers
  // No event comes in between: each retry alone begins its day.
  for (const [moment, number] of [
    ['2026-11-21T12:00:00Z', second],
    ['2026-11-22T12:00:00Z', fourth],
    ['2026-11-22T13:00:00Z', first],
  ] as const) {
    at(moment)
    assert.equal(await retry(number), 'applied', moment)
  }
  at('2026-11-22T14:00:00Z')
  const { lines, todayCents } = await accountOfPopug(popugId)
  assert.deepEqual(
    lines.map(({ cause, day }) => [cause.number, day]),
    [
      [fourth, '2026-11-22'],
      [second, '2026-11-21'],
      [first, '2026-11-22'],
    ],
  )
  const amountOf = (number: number) => lines.find(({ cause }) => cause.number === number)?.amountCents ?? 0
  assert.equal(todayCents, amountOf(fourth) + amountOf(first))
  await createTask(popugId)
  assert.equal((await today(popugId)).booked[0], '2026-11-22')
  at('2026-11-19T12:00:00Z')
  assert.equal(await retry(third), 'applied')
  assert.deepEqual((await accountOfPopug(popugId)).lines.find(({ cause }) => cause.number === third)?.day, '2026-11-22')
  await checkLedger(system)
})

test('everybody sees the own account, accountants and admins every account', async () => {
  const popugId = await newPopug()
  await createTask(popugId)
  await system.host.settle()
  const ask = (actor: Actor, of: number) => system.call(accounting.getAccountInfo, { popugId: of }, as(actor))
  for (const [role, others] of [
    ['popug', false],
    ['manager', false],
    ['accountant', true],
    ['admin', true],
  ] as const) {
    const own = must(await ask({ id: popugId, role }, popugId))
    assert.equal(own.lines.length, 1)
    const outcome = await ask({ id: popugId + 1, role }, popugId)
    if (others) assert.deepEqual(must(outcome), own)
    else assert.deepEqual(outcome, { refused: 'not_own_account' })
    const verification = await system.call(accounting.verifyLedger, {}, as({ id: 1, role }))
    assert.equal(isRefusal(verification) ? verification.refused : 'ok', others ? 'ok' : 'forbidden')
  }
  const unknown = must(await ask({ id: 1, role: 'accountant' }, 2_147_483_647))
  assert.deepEqual([unknown.name, unknown.balanceCents, unknown.lines, unknown.next], [null, 0, [], null])
})

test('balances run through all pages, and balances and verification are of one moment, while new lines arrive', async () => {
  await using fresh = await startSystem()
  const [popugId, other] = [await newPopug(fresh), await newPopug(fresh)]
  await addTasks(fresh, inTurn(40, [popugId, other]))
  await fresh.host.settle()
  let arriving = true
  const arrive = async () => {
    for (let tasks = 0; tasks < 80; tasks += 1) {
      const taskId = await createTask(popugId, fresh)
      if (tasks % 2 === 0) await completeTask(taskId, popugId, fresh)
    }
    arriving = false
  }
  const walk = async () => {
    const first = must(await fresh.call(accounting.getAccountInfo, { popugId, limit: 15 }, asAdmin))
    assert.equal(first.balanceCents, first.todayCents)
    assert.ok(first.upTo >= (first.lines[0]?.cause.number ?? 0))
    const lines = [...first.lines]
    for (let after = first.next; after !== null;) {
      const page = must(await fresh.call(accounting.getAccountInfo, { popugId, limit: 15, after }, asAdmin))
      lines.push(...page.lines)
      after = page.next
    }
    let expected = first.balanceCents
    for (const { balanceCents, amountCents } of lines) {
      assert.equal(balanceCents, expected)
      expected -= amountCents
    }
    assert.equal(expected, 0, 'every line is there, from the first cent on')
    const numbers = lines.map(({ cause }) => cause.number)
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].toSorted((a, b) => b - a),
    )
  }
  const look = async () => {
    for (let walks = 0; arriving || walks < 3; walks += 1) await walk()
  }
  const verify = async () => {
    for (let times = 0; arriving || times < 3; times += 1) {
      assert.deepEqual(must(await fresh.call(accounting.verifyLedger, {}, asAdmin)).differences, [])
    }
  }
  await Promise.all([arrive(), look(), look(), verify()])
  await checkInvariants(fresh)
})
