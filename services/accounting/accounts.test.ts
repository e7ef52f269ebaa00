// Accounts as people see them: whose they are, what today is, and on which day a line was booked.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Actor } from '../../kernel/contract.ts'
import type { Clock } from '../../kernel/ports.ts'
import { isRefusal, must } from '../../kernel/result.ts'
import { checkLedger } from '../../tests/support/invariants.ts'
import { as, startSystem, type System } from '../../tests/support/system.ts'
import { accounting } from './contract.ts'
import { ledgerOf } from './ledger.test-support.ts'

let time = new Date('2026-05-01T12:00:00Z')
const clock: Clock = { now: () => Promise.resolve(time) }
let system: System
const { newPopug, createTask, accountOfPopug, pricesOf, say, parkedOf, retry, mend } = ledgerOf(() => system)

before(async () => {
  system = await startSystem({ clock, timeZone: 'Europe/Berlin' })
})
after(async () => {
  await using _ended = system
  await checkLedger(system)
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

test('a line that comes late between two pages is in the balances of the next one', async () => {
  at('2026-11-30T12:00:00Z')
  const popugId = await newPopug()
  await createTask(popugId)
  await say([{ type: 'TaskAssigned', data: { taskId: 900_020, popugId: 'nobody', assignment: 1 } }])
  for (let tasks = 0; tasks < 3; tasks += 1) await createTask(popugId)
  await say([{ type: 'TaskAssigned', data: { taskId: 900_021, popugId: 'nobody', assignment: 1 } }])
  await createTask(popugId)
  const ask = async (after?: string) =>
    must(await system.call(accounting.getAccountInfo, { popugId, limit: 2, after }, as({ id: popugId, role: 'popug' })))
  await accountOfPopug(popugId)
  const first = await ask()
  for (const taskId of [900_020, 900_021]) {
    const [{ number } = { number: 0 }] = await parkedOf(taskId)
    await mend(number, { taskId, popugId, assignment: 1 })
    assert.equal(await retry(number), 'applied')
  }
  const rest: (typeof first)['lines'][number][] = []
  for (let { next } = first; next !== null;) {
    const page = await ask(next)
    rest.push(...page.lines)
    next = page.next
  }
  // The other late line belongs above the mark, on the page that was read already.
  assert.deepEqual(
    rest.map(({ taskId }) => taskId === 900_020),
    [false, false, true, false],
  )
  let expected = rest.reduce((sum, { amountCents }) => sum + amountCents, 0)
  for (const { balanceCents, amountCents } of rest) {
    assert.equal(balanceCents, expected)
    expected -= amountCents
  }
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
