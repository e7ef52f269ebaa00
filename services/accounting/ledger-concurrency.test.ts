// The ledger with many writers and readers at once: no cent is lost, and what is read is of one moment.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { seededRandom, seedOf } from '../../tests/support/random.ts'
import { freshDatabase } from '../../tests/support/server.ts'
import { schemas, startSystem, type System } from '../../tests/support/system.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { accounting } from './contract.ts'
import { asAdmin, ledgerOf } from './ledger.test-support.ts'
import { accountOf, companyTasks, type Posting } from './rules/postings.ts'
import { insertPostings, live } from './store.ts'

const nowhere = (): System => {
  throw new Error('each of these tests names its system')
}
const { newPopug, createTask, completeTask } = ledgerOf(nowhere)

const posting = (number: number, popugId: number, pays: boolean): Posting => ({
  epoch: 1,
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
  at: new Date(),
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
    batches.map((batch, index) =>
      database.transaction('post', (tx) =>
        insertPostings(tx, live, 'task-tracker', batch, index % 2 === 0 ? 'fails' : 'is left out'),
      ),
    ),
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
