// The ledger comes out the same whatever the borders of batches, their repetitions and the order of late retries.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { applyRun } from '../../kernel/apply.ts'
import { RepeatableFailure } from '../../kernel/failure.ts'
import type { Applying, Run } from '../../kernel/handle.ts'
import { migrate } from '../../kernel/migrations.ts'
import { retryParked } from '../../kernel/parked.ts'
import { openPosition } from '../../kernel/position.ts'
import type { Consumer } from '../../kernel/service.ts'
import type { EventRecord } from '../../kernel/stream.ts'
import type { Postgres } from '../../adapters/database/postgres.ts'
import { seededRandom, seedOf } from '../../tests/support/random.ts'
import { freshDatabase, type TestDatabase } from '../../tests/support/server.ts'
import { silent } from '../../tests/support/silent.ts'
import { migrations } from './migrations.ts'
import { ledger } from './on-task-events.ts'
import { accountLines } from './store/lines.ts'
import { findDifferences } from './verification.ts'

const consumer = ledger('UTC')
const now = new Date('2026-05-01T12:00:00Z')
const random = seededRandom(1)
const tasks = 6
const popugs = 3

let server: TestDatabase
let database: Postgres

before(async () => {
  server = await freshDatabase(['accounting'])
  database = server.open('accounting', { connections: 2 })
  await migrate(database, migrations)
})
after(() => server[Symbol.asyncDispose]())

/** One thing that may happen to a task; what is impossible at its moment does not happen. */
interface Wish {
  readonly task: number
  readonly popugId: number
  readonly complete: boolean
}

const wishes = fc.array(
  fc.record({
    task: fc.integer({ min: 1, max: tasks }),
    popugId: fc.integer({ min: 1, max: popugs }),
    complete: fc.boolean(),
  }),
  { minLength: 1, maxLength: 14 },
)

interface Data {
  readonly taskId: number
  readonly popugId: number
  readonly assignment?: number
}

const record = (number: number, type: string, data: Data): EventRecord => ({
  number,
  eventId: random.uuid(),
  type,
  version: 1,
  about: String(data.taskId),
  data,
  at: new Date(now.getTime() + number).toISOString(),
  requestId: 'a model',
  actor: null,
})

/** What the task tracker would have said: created, reassigned, completed, in one stream. */
const happened = (wished: readonly Wish[]): EventRecord[] => {
  const holders = new Map<number, { popugId: number; assignment: number; open: boolean }>()
  const events: EventRecord[] = []
  for (const { task: taskId, popugId, complete } of wished) {
    const held = holders.get(taskId) ?? { popugId, assignment: 0, open: true }
    if (!held.open) continue
    const number = events.length + 1
    if (complete && held.assignment > 0) {
      holders.set(taskId, { ...held, open: false })
      events.push(record(number, 'TaskCompleted', { taskId, popugId: held.popugId }))
    } else {
      const assignment = held.assignment + 1
      holders.set(taskId, { popugId, assignment, open: true })
      events.push(record(number, 'TaskAssigned', { taskId, popugId, assignment }))
    }
  }
  return events
}

const empty = async (): Promise<void> => {
  await server.query(`begin; set local session_replication_role = replica;
    truncate accounting.posting, accounting.account, accounting.account_day, accounting.accounting_day,
      accounting.late_booking, accounting.price, accounting.parked, accounting.position;
    update accounting.ledger set day = null;
    insert into accounting.price select n, 1000 + n * 37, 2000 + n * 91, 'task-tracker', 1, now() from generate_series(1, ${tasks}) n;
    commit`)
  await database.transaction('open', (tx) =>
    openPosition(tx, { schema: 'accounting', consumer: 'ledger', stream: 'task-tracker' }),
  )
}

const applying = (of: Consumer): Applying => ({
  database,
  consumer: of,
  random,
  log: silent,
  clock: { now: () => Promise.resolve(now) },
})

/** Cannot apply these events until somebody has looked at them. */
const failingAt = (numbers: ReadonlySet<number>): Consumer => ({
  ...consumer,
  subscriptions: consumer.subscriptions.map((subscription) => ({
    ...subscription,
    apply: async (events, context) => {
      await subscription.apply(events, context)
      if (events.some(({ number }) => numbers.has(number))) throw new RepeatableFailure('not now')
    },
  })),
})

const runOf = (events: readonly EventRecord[], from: number, length: number): Run => ({
  predecessor: events[from - 2]?.eventId ?? null,
  events: events.slice(from - 1, from - 1 + length),
})

const retry = (number: number): Promise<string> =>
  database.transaction('retry', (tx) => retryParked(applying(consumer), tx, number, { by: null, now }))

/** Everything that the ledger says, as people and pages see it. */
const ledgerSays = async () => {
  const postings = await server.query('select * from accounting.posting order by stream, number, line')
  const accounts = await server.query('select * from accounting.account order by id')
  const days = await server.query('select * from accounting.account_day order by account, day')
  const { logs, differences } = await database.transaction('look', async (tx) => {
    const logs: unknown[] = []
    for (let popugId = 1; popugId <= popugs; popugId += 1) {
      const lines = await accountLines(tx, popugId, { epoch: 1, number: 1_000, line: 1 }, 1_000)
      logs.push(lines.map(({ late: _late, ...shown }) => shown))
    }
    return { logs, ...(await findDifferences(tx)) }
  })
  assert.deepEqual(differences, [])
  return { postings, accounts, days, logs }
}

const plain = async (events: readonly EventRecord[]) => {
  await empty()
  for (const { number } of events) await applyRun(applying(consumer), runOf(events, number, 1))
  return ledgerSays()
}

interface Disorder {
  /** Batches as they come: any part of the stream, in any order, as often as they like. */
  readonly batches: readonly { from: number; length: number }[]
  /** Which events fail until they are retried, and in which order that happens. */
  readonly failing: readonly number[]
  /** After which batches a retry comes already. */
  readonly early: readonly boolean[]
}

const disorder: fc.Arbitrary<Disorder> = fc.record({
  batches: fc.array(fc.record({ from: fc.nat({ max: 13 }), length: fc.integer({ min: 1, max: 14 }) }), {
    maxLength: 10,
  }),
  failing: fc.uniqueArray(fc.integer({ min: 1, max: 14 }), { maxLength: 6 }),
  early: fc.array(fc.boolean(), { maxLength: 10 }),
})

const disordered = async (events: readonly EventRecord[], { batches, failing, early }: Disorder) => {
  await empty()
  const failed = applying(failingAt(new Set(failing)))
  const waiting = failing.filter((number) => number <= events.length)
  let position = 0
  const retryFirst = async () => {
    const index = waiting.findIndex((number) => number <= position)
    if (index < 0) return
    const [number = 0] = waiting.splice(index, 1)
    assert.equal(await retry(number), 'applied')
    assert.equal(await retry(number), 'absent', 'once is enough')
  }
  for (const [index, { from, length }] of batches.entries()) {
    const run = runOf(events, (from % events.length) + 1, length)
    position = (await applyRun(failed, run)).number
    if (early[index]) await retryFirst()
  }
  position = (await applyRun(failed, runOf(events, 1, events.length))).number
  assert.equal(position, events.length)
  while (waiting.length > 0) await retryFirst()
  return ledgerSays()
}

test('batches, their borders, repetitions and late retries do not show in the ledger', async () => {
  const property = fc.asyncProperty(wishes, disorder, async (wished, given) => {
    const events = happened(wished)
    assert.deepEqual(await disordered(events, given), await plain(events))
  })
  await fc.assert(property, { seed: seedOf('order'), numRuns: 25, endOnFailure: true })
})

test('what is retried late is written last and shown in its place', async () => {
  const events = happened([
    { task: 1, popugId: 1, complete: false },
    { task: 2, popugId: 1, complete: false },
    { task: 1, popugId: 1, complete: true },
  ])
  const given: Disorder = { batches: [], failing: [1], early: [] }
  const inOrder = await plain(events)
  const late = await disordered(events, given)
  assert.deepEqual(late, inOrder)
  const { rows } = await database.transaction('look', (tx) =>
    sql<{ number: number }>`select number from accounting.posting where popug_id = 1 order by ctid`.execute(tx),
  )
  assert.deepEqual(
    rows.map(({ number }) => number),
    [2, 3, 1],
    'the first was indeed written last',
  )
})
