// The checks of the invariants find what they are for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import {
  bookingViolations,
  checkInvariants,
  checkLedger,
  historyViolations,
  streamViolations,
  type TaskEvent,
} from './invariants.ts'
import { addPeople, as, startSystem } from './system.ts'

const assigned = (number: number, taskId: number, popugId: number, assignment: number): TaskEvent => ({
  number,
  type: 'TaskAssigned',
  taskId,
  popugId,
  assignment,
})
const completed = (number: number, taskId: number, popugId: number): TaskEvent => ({
  number,
  type: 'TaskCompleted',
  taskId,
  popugId,
  assignment: null,
})
const open = { taskId: 1, state: 'open', popugId: 5, assignment: 1 }
const done = { ...open, state: 'completed' }

test('a history is followed task by task', () => {
  const first = assigned(1, 1, 5, 1)
  const cases = [
    {
      what: 'healthy',
      events: [first, assigned(2, 1, 6, 2), completed(3, 1, 6)],
      tasks: [{ ...done, popugId: 6, assignment: 2 }],
      wrong: 0,
    },
    {
      what: 'assigned after its completion',
      events: [first, completed(2, 1, 5), assigned(3, 1, 5, 2)],
      tasks: [{ ...done, assignment: 2 }],
      wrong: 1,
    },
    { what: 'completed twice', events: [first, completed(2, 1, 5), completed(3, 1, 5)], tasks: [done], wrong: 1 },
    { what: 'completed by another', events: [first, completed(2, 1, 6)], tasks: [done], wrong: 1 },
    {
      what: 'completed before any assignment',
      events: [completed(1, 1, 5)],
      tasks: [{ ...done, popugId: 0, assignment: 0 }],
      wrong: 1,
    },
    { what: 'an assignment twice', events: [first, assigned(2, 1, 5, 1)], tasks: [open], wrong: 1 },
    {
      what: 'an assignment left out',
      events: [first, assigned(2, 1, 5, 3)],
      tasks: [{ ...open, assignment: 3 }],
      wrong: 1,
    },
    { what: 'a task that its events do not explain', events: [first], tasks: [{ ...open, popugId: 6 }], wrong: 1 },
    { what: 'a completion without its event', events: [first], tasks: [done], wrong: 1 },
    { what: 'a task without events', events: [], tasks: [open], wrong: 2 },
    { what: 'events without their task', events: [first], tasks: [], wrong: 1 },
  ]
  for (const { what, events, tasks, wrong } of cases) {
    assert.equal(historyViolations(events, tasks).length, wrong, what)
  }
})

const broken: readonly { what: string; by: string; found: RegExp }[] = [
  {
    what: 'an event is missing',
    by: 'delete from task_tracker.event where number = 2',
    found: /task_tracker: 2 events up to 3/,
  },
  { what: 'the last event is missing', by: 'delete from task_tracker.event where number = 3', found: /head 3/ },
  {
    what: 'an event is there twice',
    by: `insert into task_tracker.event select 4, event_id, type, version, about, data, at,
      request_id, actor from task_tracker.event where number = 1; update task_tracker.stream set head = 4`,
    found: /4 events with 3 ids/,
  },
  {
    what: 'an event has no number',
    by: `insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id)
      select gen_random_uuid(), type, version, about, data, at, request_id from task_tracker.event`,
    found: /3 events without a number/,
  },
  {
    what: 'a reader is behind',
    by: `update accounting.position set number = 1 where consumer = 'ledger'`,
    found: /ledger is running at 1/,
  },
  {
    what: 'a reader stands',
    by: `update accounting.position set state = 'paused' where consumer = 'ledger'`,
    found: /ledger is paused/,
  },
]

const unbooked: readonly { what: string; by: string; found: RegExp }[] = [
  {
    what: 'an event is not in the ledger',
    by: 'delete from accounting.posting where number = 2',
    found: /not booked: event 2/,
  },
  {
    what: 'a posting has no event',
    by: `insert into accounting.posting select stream, 9, line, event_id, kind, 99, assignment, popug_id,
      from_account, to_account, amount_cents, day, at from accounting.posting where number = 1`,
    found: /no event of posting 9/,
  },
  {
    what: 'somebody else pays',
    by: 'update accounting.posting set popug_id = 99 where number = 1',
    found: /not booked: event 1/,
  },
]

test('streams, readers and bookings that are wrong are named', async () => {
  await using system = await startSystem()
  const { database } = system
  const [manager] = await addPeople(system, ['manager', 'popug'])
  assert.ok(manager)
  for (const description of ['one', 'two', 'three']) {
    must(await system.call(taskTracker.createTask, { description }, as(manager)))
  }
  await checkInvariants(system)
  const inside = async (by: string, look: () => Promise<string[]>) => {
    await database.query('begin; set local session_replication_role = replica')
    await database.query(by)
    const found = await look()
    await database.query('rollback')
    return found.join('\n')
  }
  for (const { what, by, found } of broken) {
    assert.match(await inside(by, () => streamViolations(database)), found, what)
  }
  for (const { what, by, found } of unbooked) {
    assert.match(await inside(by, () => bookingViolations(database)), found, what)
  }
  await checkInvariants(system)
  await database.query(`update accounting.account set balance_cents = 1 where id = 'company:tasks'`)
  await assert.rejects(checkLedger(system), /balance is the sum/)
})
