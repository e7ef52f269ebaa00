// The audit itself: it passes a healthy database and names each damage, whoever did it.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import type { Actor } from '../../kernel/contract.ts'
import { isRefusal } from '../../kernel/result.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { addPeople, as, startSystem, type System } from '../support/system.ts'
import { assertClean } from './assert-clean.ts'
import { type Attempt, audit, findingsIn } from './audit.ts'
import { readFacts } from './audit/facts.ts'
import { damages } from './audit-damages.ts'
import { Journal, type Order } from './journal.ts'

let system: System
let client: pg.Client
const journal = new Journal()

const methods = {
  CreateTask: taskTracker.createTask,
  CompleteTask: taskTracker.completeTask,
  AssignTasks: taskTracker.assignTasks,
} as const

const send = async (command: keyof typeof methods, actor: Actor, input: Order['input'] = {}): Promise<void> => {
  const request = `${command}-${journal.attempts.length}`
  const about = command === 'CreateTask' ? { description: request, ...input } : input
  await journal.record({ request, command, actor: actor.id ?? 0, input: about }, async () => {
    const behalf = as(actor, { requestId: request, idempotencyKey: request })
    const outcome = await system.call(methods[command], about as never, behalf)
    return isRefusal(outcome) ? { refused: outcome.refused } : { acknowledged: outcome.ok }
  })
}

/** Six tasks, two completed, then all open ones drawn anew. Task 3 is completed by its assignee. */
before(async () => {
  system = await startSystem()
  const [manager, popug, other] = await addPeople(system, ['manager', 'popug', 'popug'])
  assert.ok(manager && popug && other)
  for (const { id } of [popug, other, popug, other, popug, popug])
    await send('CreateTask', manager, { popugId: id ?? 0 })
  await send('CompleteTask', popug, { taskId: 3 })
  await send('CompleteTask', popug, { taskId: 3 })
  await send('CompleteTask', popug, { taskId: 4 })
  await send('CompleteTask', other, { taskId: 4 })
  await system.host.settle()
  await send('AssignTasks', manager)
  await system.host.settle()
  client = new pg.Client(system.database.adminConnection)
  await client.connect()
})

after(async () => {
  await client?.end()
  await system?.[Symbol.asyncDispose]()
})

test('a healthy database passes', async () => {
  assert.equal(journal.attempts.filter(({ learned }) => 'acknowledged' in learned).length, 10)
  const facts = await readFacts(client)
  assert.deepEqual([facts.postings.length, facts.tasks.length, facts.jobs[0]?.moved], [12, 6, 4])
  assertClean(await audit(client, journal.attempts))
})

test('the audit shares nothing with the product but the database driver', async () => {
  const folder = import.meta.dirname
  const parts = (await readdir(join(folder, 'audit'))).map((name) => join('audit', name))
  assert.equal(parts.length, 6)
  for (const file of ['audit.ts', ...parts]) {
    const text = await readFile(join(folder, file), 'utf8')
    const imported = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name = '']) => name)
    const foreign = imported.filter((name) => !/^(?:pg|node:\w+|\.\/[\w./-]+|\.\.\/audit\.ts)$/.test(name))
    assert.deepEqual(foreign, [], `${file} imports ${foreign.join(', ')}`)
  }
})

/** Damages and looks in one transaction that is rolled back; no trigger and no constraint is in the way. */
const findingsAfter = async (statements: readonly string[], attempts: readonly Attempt[] = journal.attempts) => {
  await client.query('begin')
  try {
    await client.query('set local session_replication_role = replica')
    for (const statement of statements) {
      const { rowCount, command } = await client.query(statement)
      assert.ok(command === 'ALTER' || command === 'DROP' || (rowCount ?? 0) > 0, `${statement} did nothing`)
    }
    return findingsIn(await readFacts(client), attempts, {})
  } finally {
    await client.query('rollback')
  }
}

for (const { does, by, named, where } of damages) {
  test(`the audit names who ${does}`, async () => {
    const findings = await findingsAfter(by)
    assert.ok(
      findings.some((finding) => finding.what === named && where.test(finding.where)),
      `not named: ${JSON.stringify(findings)}`,
    )
  })
}

const [first] = [journal.attempts]
const changed = (request: string, change: Partial<Attempt>): Attempt[] =>
  first.map((attempt) => (attempt.request === request ? { ...attempt, ...change } : attempt))

const lies: readonly { says: string; journal: () => Attempt[]; named: string }[] = [
  {
    says: 'that a task was acknowledged which is not there',
    journal: () => [
      ...first,
      { ...(first[0] as Attempt), request: 'lost', input: { description: 'lost' }, learned: { acknowledged: {} } },
    ],
    named: 'task of a command',
  },
  {
    says: 'that a command was refused which had its effect',
    journal: () => changed('CreateTask-0', { learned: { refused: 'no' } }),
    named: 'task of a command',
  },
  {
    says: 'that a completion was refused which happened',
    journal: () => changed('CompleteTask-6', { learned: { refused: 'no' } }),
    named: 'completion of a command',
  },
  {
    says: 'that a task was completed which is open',
    journal: () =>
      changed('CompleteTask-6', { input: { taskId: 1 }, learned: { acknowledged: { taskId: 1, state: 'completed' } } }),
    named: 'completion of a command',
  },
  {
    says: 'another assignee than the task got',
    journal: () => changed('CreateTask-0', { learned: { acknowledged: { taskId: 1, assigneeId: 3, assignment: 1 } } }),
    named: 'an answer says what happened',
  },
  {
    says: 'two answers to one command',
    journal: () => [...first, { ...(first[0] as Attempt), learned: { acknowledged: { taskId: 2 } } }],
    named: 'a command has one answer',
  },
  {
    says: 'that a job was cancelled which was not',
    journal: () => [
      ...first,
      {
        ...(first[0] as Attempt),
        request: 'cancel',
        command: 'CancelReassignment',
        input: { id: 1 },
        learned: { acknowledged: {} },
      },
    ],
    named: 'state of a cancelled job',
  },
  {
    says: 'that a person was invited who is not there',
    journal: () => [
      ...first,
      {
        ...(first[0] as Attempt),
        request: 'invite',
        command: 'InvitePerson',
        input: { email: 'x' },
        learned: { acknowledged: {} },
      },
    ],
    named: 'person of a command',
  },
  {
    says: 'nothing of a task that is there',
    journal: () => first.filter(({ request }) => request !== 'CreateTask-0'),
    named: 'whatever happened was asked for',
  },
]

for (const { says, journal: lie, named } of lies) {
  test(`the audit names a journal that says ${says}`, async () => {
    const findings = await audit(client, lie())
    assert.ok(
      findings.some(({ what }) => what === named),
      `not named: ${JSON.stringify(findings)}`,
    )
  })
}

test('what a client does not know may have happened or not', async () => {
  const learned = { unknown: 'connection lost' }
  assertClean(await audit(client, changed('CreateTask-0', { learned })))
  const lost = { ...(first[0] as Attempt), request: 'lost', input: { description: 'lost' }, learned }
  assertClean(await audit(client, [...first, lost]))
})

test('an event that a test says is parked must be parked and have no effect', async () => {
  const found = await audit(client, journal.attempts, { parked: [12] })
  assert.ok(found.some(({ what, expected }) => what === 'nothing is parked but what must be' && expected === 'parked'))
  assert.ok(found.some(({ what, where }) => what === 'no posting without its event' && where.endsWith('#12')))
})

test('an event that a test says is ignored must have no effect', async () => {
  const found = await audit(client, journal.attempts, { ignored: [12] })
  assert.ok(found.some(({ what, where }) => what === 'no posting without its event' && where.endsWith('#12')))
  assert.ok(found.every(({ what }) => what !== 'nothing is parked but what must be'))
})
