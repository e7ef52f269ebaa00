// What somebody or something could do to the databases: statements, each with what the audit must say of it.
// They suit the small world of audit.test.ts: twelve events, six tasks, one reassignment.

const posting = 'accounting.posting'
const event = 'task_tracker.event'
const columns = 'event_id, type, version, about, data, at, request_id, actor'
const copyOf = (number: number, as_: string, changes: Readonly<Record<string, string>> = {}) =>
  `insert into ${event} (number, ${columns}) select ${as_}, ${columns
    .split(', ')
    .map((column) => changes[column] ?? column)
    .join(', ')} from ${event} where number = ${number}`

export interface Damage {
  readonly does: string
  readonly by: readonly string[]
  /** What the audit must say of it, beside what else follows from it. */
  readonly named: string
  readonly where: RegExp
}

export const damages: readonly Damage[] = [
  {
    does: 'deletes a ledger row',
    by: [`delete from ${posting} where number = 2`],
    named: 'an event has its one posting',
    where: /#2$/,
  },
  {
    does: 'doubles a ledger row under the same event',
    by: [
      'drop index accounting.one_fee_per_assignment',
      `insert into ${posting} select stream, number, 2, event_id, kind, task_id, assignment, popug_id, from_account, to_account, amount_cents, day, at from ${posting} where number = 2`,
    ],
    named: 'an event has its one posting',
    where: /#2$/,
  },
  {
    does: 'doubles a ledger row under another event',
    by: [
      'drop index accounting.one_fee_per_assignment',
      `insert into ${posting} select stream, 99, 1, event_id, kind, task_id, assignment, popug_id, from_account, to_account, amount_cents, day, at from ${posting} where number = 2`,
    ],
    named: 'a business key is booked once',
    where: /fee of task 2, assignment 1/,
  },
  {
    does: 'books what no event says',
    by: [`update ${posting} set number = 99 where number = 2`],
    named: 'no posting without its event',
    where: /#99/,
  },
  {
    does: 'charges another popug',
    by: [`update ${posting} set popug_id = popug_id + 1 where number = 2`],
    named: 'an event has its one posting',
    where: /#2$/,
  },
  {
    does: 'changes one amount',
    by: [`update ${posting} set amount_cents = amount_cents - 1 where number = 1`],
    named: 'an amount is the price of the task',
    where: /#1, fee of task 1/,
  },
  {
    does: 'changes one amount of several',
    by: [`update ${posting} set amount_cents = amount_cents - 1 where number = 1`],
    named: 'a task has the same price everywhere',
    where: /fee of task 1/,
  },
  {
    does: 'leaves the limits of a fee',
    by: [
      `update ${posting} set amount_cents = 2001 where kind = 'fee' and task_id = 1`,
      'alter table accounting.price drop constraint price_fee_cents_check',
      'update accounting.price set fee_cents = 2001 where task_id = 1',
    ],
    named: 'an amount is within its limits',
    where: /fee of task 1/,
  },
  {
    does: 'leaves the limits of a reward',
    by: [`update ${posting} set amount_cents = 1999 where kind = 'reward' and task_id = 3`],
    named: 'an amount is within its limits',
    where: /reward of task 3/,
  },
  {
    does: 'changes a balance',
    by: [`update accounting.account set balance_cents = balance_cents + 1 where id = 'popug:2'`],
    named: 'a balance is the sum of its entries',
    where: /popug:2/,
  },
  {
    does: 'changes a balance, so that not all sum to zero',
    by: [`update accounting.account set balance_cents = balance_cents + 1 where id = 'company:tasks'`],
    named: 'all balances sum to zero',
    where: /ledger/,
  },
  {
    does: 'changes the sum of a day',
    by: [`update accounting.account_day set in_cents = in_cents + 1 where account = 'company:tasks'`],
    named: 'a day is the sum of its entries',
    where: /company:tasks on/,
  },
  {
    does: 'loses an event',
    by: [`delete from ${event} where number = 2`],
    named: 'numbers of a stream have no gap',
    where: /task-tracker/,
  },
  {
    does: 'loses the last event',
    by: [`delete from ${event} where number = (select max(number) from ${event})`],
    named: "a stream's head is its last event",
    where: /task-tracker/,
  },
  {
    does: 'gives one event two numbers',
    by: [
      copyOf(12, '13'),
      'update task_tracker.stream set head = 13, published = 13',
      `update accounting.position set number = 13 where consumer = 'ledger'`,
    ],
    named: 'an event has a number once',
    where: /#13/,
  },
  {
    does: 'says an assignment twice',
    by: [
      copyOf(12, '13', { event_id: 'gen_random_uuid()' }),
      'update task_tracker.stream set head = 13, published = 13',
    ],
    named: 'events of a task make sense',
    where: /task 6/,
  },
  {
    does: 'says a completion of somebody else',
    by: [`update ${event} set data = data || '{"popugId": 3}' where number = 7`],
    named: 'events of a task make sense',
    where: /task 3/,
  },
  {
    does: 'says what nobody asked for',
    by: [`update ${event} set request_id = 'nobody' where number = 1`],
    named: 'whatever happened was asked for',
    where: /#1$/,
  },
  {
    does: 'leaves an event without a number',
    by: [`insert into task_tracker.outbox (${columns}) select ${columns} from ${event} where number = 1`],
    named: 'an outbox at rest is empty',
    where: /task-tracker/,
  },
  {
    does: 'leaves an event unpublished',
    by: ['update task_tracker.stream set published = head - 1'],
    named: 'everything was published',
    where: /task-tracker/,
  },
  {
    does: 'puts a consumer back',
    by: [`update accounting.position set number = number - 1 where consumer = 'ledger'`],
    named: 'a position at rest is the head',
    where: /accounting\.ledger/,
  },
  {
    does: 'puts a consumer on another history',
    by: [`update accounting.position set event_id = gen_random_uuid() where consumer = 'ledger'`],
    named: 'a position at rest is the head',
    where: /accounting\.ledger/,
  },
  {
    does: 'stops a consumer',
    by: [`update task_tracker.position set state = 'forked'`],
    named: 'a position at rest is the head',
    where: /task_tracker\.roster/,
  },
  {
    does: 'loses a consumer',
    by: [`delete from accounting.position where consumer = 'holders'`],
    named: 'a consumer has one position',
    where: /accounting\.holders/,
  },
  {
    does: 'parks an event',
    by: [
      `insert into accounting.parked (consumer, stream, number, ${columns}, error, fingerprint, attempts, parked_at)
       select 'ledger', 'task-tracker', number, ${columns}, 'no', 'no', 1, at from ${event} where number = 2`,
    ],
    named: 'nothing is parked but what must be',
    where: /#2$/,
  },
  {
    does: 'moves an assignee',
    by: ['update task_tracker.task set assignee = 5 - assignee where id = 3'],
    named: 'a task is as the log says',
    where: /task 3/,
  },
  {
    does: 'changes an assignment number',
    by: ['update task_tracker.task set assignment = assignment + 1 where id = 1'],
    named: 'a task is as the log says',
    where: /task 1/,
  },
  {
    does: 'opens a completed task',
    by: [`update task_tracker.task set state = 'open', completed_at = null where id = 3`],
    named: 'a task is as the log says',
    where: /task 3/,
  },
  {
    does: 'loses a task',
    by: ['delete from task_tracker.task where id = 3'],
    named: 'a task is as the log says',
    where: /task 3/,
  },
  {
    does: 'loses a description',
    by: ['delete from task_tracker.task_text where task_id = 3'],
    named: 'a task has its description',
    where: /task 3/,
  },
  {
    does: 'makes the task of an acknowledged command twice',
    by: [`update task_tracker.task_text set description = 'CreateTask-0' where task_id = 2`],
    named: 'task of a command',
    where: /CreateTask-0/,
  },
  {
    does: 'gives a task another creator',
    by: ['update task_tracker.task set created_by = 77 where id = 1'],
    named: 'the creator of a task',
    where: /CreateTask-0/,
  },
  {
    does: 'forgets a job',
    by: ['delete from task_tracker.job'],
    named: 'job of a command',
    where: /AssignTasks-10/,
  },
  {
    does: 'runs the job of one command twice',
    by: [
      `insert into task_tracker.job (name, input, state, requested_by, requested_at, request_id, progress)
       select name, input, state, requested_by, requested_at, request_id, progress from task_tracker.job`,
    ],
    named: 'job of a command',
    where: /AssignTasks-10/,
  },
  {
    does: 'leaves a job in the middle',
    by: [`update task_tracker.job set state = 'running', finished_at = null`],
    named: 'a job at rest has ended',
    where: /job 1/,
  },
  {
    does: 'miscounts a job',
    by: [`update task_tracker.job set progress = progress || '{"moved": 3}'`],
    named: 'counters of a job agree with the log',
    where: /job 1, moved/,
  },
  {
    does: 'ends a job too early',
    by: [`update task_tracker.job set progress = progress || '{"cursor": 3}'`],
    named: 'counters of a job agree with the log',
    where: /job 1, cursor/,
  },
  {
    does: 'draws a task twice in one job',
    by: [`update ${event} set data = data || '{"taskId": 5}' where number = 12`],
    named: 'a job draws a task once',
    where: /task 5/,
  },
  {
    does: 'forgets a task in a job',
    by: [`update ${event} set request_id = 'another' where number = 10`],
    named: 'a job forgets no task',
    where: /task 2/,
  },
  {
    does: 'keeps an old name in the roster',
    by: [`update task_tracker.popug set name = 'old' where id = 2`],
    named: 'the task tracker knows everybody',
    where: /person 2/,
  },
  {
    does: 'loses an account holder',
    by: ['delete from accounting.holder where id = 3'],
    named: 'accounting knows everybody',
    where: /person 3/,
  },
  {
    does: 'loses the name of a person',
    by: ['delete from operations.popug where id = 3'],
    named: 'operations names everybody',
    where: /person 3/,
  },
  {
    does: 'keeps an old name where people are named',
    by: [`update operations.popug set name = 'old', version = 0 where id = 2`],
    named: 'operations names everybody',
    where: /person 2/,
  },
  {
    does: 'loses the consumer of whoever watches',
    by: [`delete from operations.position`],
    named: 'a consumer has one position',
    where: /operations\.names/,
  },
  {
    does: 'puts the consumer of whoever watches back',
    by: [`update operations.position set number = number - 1`],
    named: 'a position at rest is the head',
    where: /operations\.names/,
  },
  {
    does: 'leaves what was missing unhealed',
    by: [
      `insert into operations.undelivered (service, consumer, stream, after, head, reason, since)
       values ('accounting', 'ledger', 'task-tracker', 3, 12, 'late', clock_timestamp())`,
    ],
    named: 'what was missing is shown as healed',
    where: /ledger of accounting/,
  },
  {
    does: 'changes a person without saying so',
    by: [`update identity.person set role = 'admin' where id = 2`],
    named: 'people are as the log says',
    where: /person 2/,
  },
]
