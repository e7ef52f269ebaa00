// GetTaskPostings and the log from one event on: what a task has moved, and who may see it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { checkLedger } from '../../tests/support/invariants.ts'
import { as, startSystem, type System } from '../../tests/support/system.ts'
import { roles } from '../vocabulary.ts'
import { accounting } from './contract.ts'
import { ledgerOf } from './ledger.test-support.ts'

let system: System
const { newPopug, createTask, completeTask, accountOfPopug, say } = ledgerOf(() => system)

before(async () => {
  system = await startSystem()
})
after(async () => {
  await using _ended = system
  await checkLedger(system)
})

test('every line of a task is there by event, and nobody else of the popugs sees it', async () => {
  const [popugId, other] = [await newPopug(), await newPopug()]
  const taskId = await createTask(popugId)
  await say([{ type: 'TaskAssigned', data: { taskId, popugId: other, assignment: 2 } }])
  await completeTask(taskId, popugId)
  const { lines, upTo } = await accountOfPopug(popugId)
  const ask = async (id: number, role: string, fromNumber = 0) =>
    must(await system.call(accounting.getTaskPostings, { taskId, fromNumber }, as({ id, role })))
  const whole = await ask(1, 'accountant')
  assert.deepEqual(
    whole.postings.map(({ kind, assignment, popugId: of }) => [kind, assignment, of]),
    [
      ['fee', 1, popugId],
      ['fee', 2, other],
      ['reward', null, popugId],
    ],
  )
  const { feeCents = 0, rewardCents = 0 } = whole.price ?? {}
  assert.deepEqual(
    whole.postings.map(({ amountCents }) => amountCents),
    [-feeCents, -feeCents, rewardCents],
  )
  assert.equal(whole.upTo, upTo)
  assert.deepEqual(
    whole.postings.filter(({ popugId: of }) => of === popugId).map(({ cause }) => cause),
    lines.map(({ cause }) => cause).toReversed(),
  )
  for (const role of roles) {
    const seen = await ask(other, role)
    assert.equal(seen.all, role !== 'popug')
    assert.equal(seen.postings.length, role === 'popug' ? 1 : 3, role)
    assert.deepEqual(seen.price, whole.price)
  }
  const [, second] = whole.postings
  assert.equal((await ask(1, 'admin', second?.cause.number)).postings.length, 2)
})

test('of a task that accounting has not heard of there is nothing yet', async () => {
  const actor = as({ id: 1, role: 'manager' })
  const { price, postings } = must(await system.call(accounting.getTaskPostings, { taskId: 2_147_483_647 }, actor))
  assert.deepEqual([price, postings], [null, []])
})

test('a log can begin with any of its lines, and its balances stay what they are', async () => {
  const popugId = await newPopug()
  for (let tasks = 0; tasks < 5; tasks += 1) await createTask(popugId)
  const { lines } = await accountOfPopug(popugId)
  const actor = as({ id: popugId, role: 'popug' })
  for (const [index, { cause }] of lines.entries()) {
    const input = { popugId, fromNumber: cause.number, limit: 2 }
    const page = must(await system.call(accounting.getAccountInfo, input, actor))
    assert.deepEqual(page.lines, lines.slice(index, index + 2))
    if (page.next === null) continue
    const further = must(await system.call(accounting.getAccountInfo, { ...input, after: page.next }, actor))
    assert.deepEqual(further.lines, lines.slice(index + 2, index + 4))
  }
})
