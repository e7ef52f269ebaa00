// ListAccounts and GetEarnings: every balance is found, pages are whole, and a day's earnings are its fees less rewards.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Clock } from '../../kernel/ports.ts'
import { isRefusal, must } from '../../kernel/result.ts'
import { checkLedger } from '../../tests/support/invariants.ts'
import { as, startSystem, type System } from '../../tests/support/system.ts'
import { identity } from '../identity/contract.ts'
import { roles } from '../vocabulary.ts'
import { accounting } from './contract.ts'
import { asAdmin, ledgerOf } from './ledger.test-support.ts'

let time = new Date('2026-05-10T12:00:00Z')
const clock: Clock = { now: () => Promise.resolve(time) }
let system: System
const { newPopug, createTask, completeTask, pricesOf, say } = ledgerOf(() => system)

before(async () => {
  system = await startSystem({ clock })
})
after(async () => {
  await using _ended = system
  await checkLedger(system)
})

const list = async (input: { text?: string; after?: string; limit?: number } = {}) =>
  must(await system.call(accounting.listAccounts, input, asAdmin))
const named = async (name: string): Promise<number> => {
  const email = `${crypto.randomUUID()}@example.com`
  const { person } = must(await system.call(identity.invitePerson, { name, email, role: 'popug' }, asAdmin))
  await system.host.settle()
  return person.popugId
}
const found = async (text: string) => (await list({ text })).accounts.map(({ popugId }) => popugId)

test('every holder and every account is listed once, by number, however small the pages', async () => {
  const popugs = [await newPopug(), await newPopug(), await newPopug()]
  await createTask(popugs[1] ?? 0)
  // Of these two accounting has heard from the task tracker only.
  await say([
    { type: 'TaskAssigned', data: { taskId: 900_001, popugId: 5_000, assignment: 1 } },
    { type: 'TaskAssigned', data: { taskId: 900_002, popugId: 4_000, assignment: 1 } },
  ])
  const whole = await list()
  assert.deepEqual(
    whole.accounts.map(({ popugId }) => popugId),
    [...popugs, 4_000, 5_000],
  )
  assert.equal(whole.next, null)
  const [idle, charged, , unknown] = whole.accounts
  const rows = await system.database.query<{ id: string; cents: number }>(
    'select id, balance_cents::int as cents from accounting.account',
  )
  const known = new Map(rows.map(({ id, cents }) => [id, cents]))
  assert.deepEqual([idle?.balanceCents, idle?.name], [0, 'popug 1'])
  assert.equal(charged?.balanceCents, known.get(`popug:${popugs[1]}`))
  assert.equal(charged?.todayCents, charged?.balanceCents)
  assert.deepEqual([unknown?.name, unknown?.balanceCents], [null, known.get('popug:4000')])
  for (const limit of [1, 2, 4]) {
    const seen: number[] = []
    for (let mark: string | undefined; ;) {
      const page = await list({ limit, ...(mark === undefined ? {} : { after: mark }) })
      seen.push(...page.accounts.map(({ popugId }) => popugId))
      if (page.next === null) break
      mark = page.next
    }
    assert.deepEqual(seen, [...popugs, 4_000, 5_000], `pages of ${limit}`)
  }
})

test('a name is found by the beginnings of its words, whatever its case, and by its number', async () => {
  const [anna, boris] = [await named("Anna-Maria O'Hara"), await named('Борис Ара')]
  for (const text of ['anna', 'Maria', 'HARA', 'ann har', "o'hara", `#${anna}`, `${anna}`])
    assert.deepEqual(await found(text), [anna], text)
  for (const text of ['борис', 'АРА', 'ара бо']) assert.deepEqual(await found(text), [boris], text)
  for (const text of ['nna', "' | 'x", ':*', '&', '2147483647', '"']) assert.deepEqual(await found(text), [], text)
})

test('only accountants and admins see all accounts and the earnings', async () => {
  for (const role of roles) {
    const allowed = role === 'accountant' || role === 'admin'
    for (const method of [accounting.listAccounts, accounting.getEarnings]) {
      const outcome = await system.call(method, {}, as({ id: 1, role }))
      assert.equal(isRefusal(outcome) ? outcome.refused : 'ok', allowed ? 'ok' : 'forbidden', `${method.name} ${role}`)
    }
  }
})

test('a day earned its fees less its rewards, and days without either are there, too', async () => {
  const popugId = await newPopug()
  time = new Date('2026-06-01T12:00:00Z')
  const taskId = await createTask(popugId)
  await system.host.settle()
  time = new Date('2026-06-03T12:00:00Z')
  await createTask(popugId)
  await completeTask(taskId, popugId)
  await system.host.settle()
  const before = must(await system.call(accounting.getEarnings, { days: 3 }, asAdmin))
  const prices = await pricesOf([taskId])
  const { feeCents = 0, rewardCents = 0 } = prices[0] ?? {}
  assert.deepEqual(
    before.days.map(({ day }) => day),
    ['2026-05-31', '2026-06-01', '2026-06-02', '2026-06-03'],
  )
  assert.deepEqual(before.days[0], { day: '2026-05-31', feesCents: 0, rewardsCents: 0, earnedCents: 0 })
  assert.deepEqual(before.days[1], { day: '2026-06-01', feesCents: feeCents, rewardsCents: 0, earnedCents: feeCents })
  const last = before.days[3]
  assert.equal(last?.rewardsCents, rewardCents)
  assert.equal(last?.earnedCents, (last?.feesCents ?? 0) - rewardCents)
  const [company] = await system.database.query<{ cents: number }>(
    `select balance_cents::int as cents from accounting.account where id = 'company:tasks'`,
  )
  assert.equal(before.balanceCents, company?.cents)
  assert.equal(must(await system.call(accounting.getEarnings, {}, asAdmin)).days.length, 31)
})
