// What must hold after every scenario. Each violation is one line; none is the only good answer.
import assert from 'node:assert/strict'
import { must } from '../../kernel/result.ts'
import { accounting } from '../../services/accounting/contract.ts'
import type { TestDatabase } from './server.ts'
import { as, type System, schemas } from './system.ts'

/** Of a system, or of an application that was started. */
export type Checked = Pick<System, 'host' | 'call' | 'database'>

export interface TaskEvent {
  readonly number: number
  readonly type: string
  readonly taskId: number
  readonly popugId: number
  readonly assignment: number | null
}

export interface TaskState {
  readonly taskId: number
  readonly state: string
  readonly popugId: number
  readonly assignment: number
}

/** The task tracker's events, in number order. */
export const taskEvents = (database: TestDatabase): Promise<TaskEvent[]> =>
  database.query<TaskEvent>(`
    select number::int, type, (data->>'taskId')::int as "taskId", (data->>'popugId')::int as "popugId",
      (data->>'assignment')::int as assignment
    from task_tracker.event order by number`)

export const taskStates = (database: TestDatabase): Promise<TaskState[]> =>
  database.query<TaskState>(`
    select id as "taskId", state, assignee as "popugId", assignment from task_tracker.task order by id`)

/** Follows each task through its events: one assignment after another, completed once, by who held it. */
export const historyViolations = (events: readonly TaskEvent[], tasks: readonly TaskState[]): string[] => {
  const violations: string[] = []
  const reached = new Map<number, TaskState>()
  for (const { number, type, taskId, popugId, assignment } of events) {
    const say = (what: string) => violations.push(`event ${number}, task ${taskId}: ${what}`)
    const before = reached.get(taskId) ?? { taskId, state: 'open', popugId: 0, assignment: 0 }
    if (before.state === 'completed') say(`${type} after its completion`)
    if (type === 'TaskAssigned') {
      if (assignment !== before.assignment + 1) say(`assignment ${assignment} after ${before.assignment}`)
      reached.set(taskId, { ...before, popugId, assignment: assignment ?? 0 })
    } else {
      if (popugId !== before.popugId) say(`completed by ${popugId}, held by ${before.popugId}`)
      reached.set(taskId, { ...before, state: 'completed' })
    }
  }
  for (const task of tasks) {
    const said = reached.get(task.taskId)
    const same = said?.state === task.state && said.popugId === task.popugId && said.assignment === task.assignment
    if (!same) violations.push(`task ${task.taskId} is ${JSON.stringify(task)}, its events say ${JSON.stringify(said)}`)
  }
  if (reached.size !== tasks.length) violations.push(`events of ${reached.size} tasks, ${tasks.length} tasks`)
  return violations
}

/** Numbers from 1 without a gap, each event once, nothing left to number, every reader at the end. */
export const streamViolations = async (database: TestDatabase): Promise<string[]> => {
  const violations: string[] = []
  const heads = new Map<string, number>()
  for (const schema of schemas) {
    const [found] = await database.query<{ count: number; last: number; ids: number; head: number; waiting: number }>(`
      select count(*)::int as count, coalesce(max(number), 0)::int as last, count(distinct event_id)::int as ids,
        (select head::int from ${schema}.stream) as head, (select count(*)::int from ${schema}.outbox) as waiting
      from ${schema}.event`)
    assert.ok(found)
    const { count, last, ids, head, waiting } = found
    heads.set(schema.replaceAll('_', '-'), head)
    if (count !== last || head !== last) violations.push(`${schema}: ${count} events up to ${last}, head ${head}`)
    if (ids !== count) violations.push(`${schema}: ${count} events with ${ids} ids`)
    if (waiting > 0) violations.push(`${schema}: ${waiting} events without a number`)
  }
  for (const schema of schemas) {
    const positions = await database.query<{ consumer: string; stream: string; number: number; state: string }>(
      `select consumer, stream, number::int, state from ${schema}.position`,
    )
    for (const { consumer, stream, number, state } of positions) {
      if (number !== heads.get(stream) || state !== 'running') violations.push(`${consumer} is ${state} at ${number}`)
    }
  }
  return violations
}

/** Every event of the task tracker is in the ledger once, except those that are parked or set aside. */
export const bookingViolations = async (database: TestDatabase): Promise<string[]> => {
  const rows = await database.query<{ wrong: string }>(`
    with due as (
      select e.number, case e.type when 'TaskAssigned' then 'fee' else 'reward' end as kind, e.event_id,
        (e.data->>'taskId')::int as task_id, (e.data->>'assignment')::int as assignment,
        (e.data->>'popugId')::int as popug_id
      from task_tracker.event e
      where not exists (select from accounting.parked p
        where p.consumer = 'ledger' and p.number = e.number and p.state <> 'applied')
    )
    select case when p.number is null then 'not booked: event ' || d.number else 'no event of posting ' || p.number end as wrong
    from due d full join accounting.posting p
      on p.number = d.number and p.kind = d.kind and p.event_id = d.event_id and p.task_id = d.task_id
        and p.assignment is not distinct from d.assignment and p.popug_id = d.popug_id
    where p.number is null or d.number is null order by 1`)
  return rows.map(({ wrong }) => wrong)
}

/** Settles, then throws with everything that is wrong with streams and ledger. */
export const checkLedger = async ({ host, call, database }: Checked): Promise<void> => {
  await host.settle()
  const { differences } = must(await call(accounting.verifyLedger, {}, as({ id: 1, role: 'admin' })))
  assert.deepEqual({ differences, streams: await streamViolations(database) }, { differences: [], streams: [] })
}

/** ... and with tasks and their events, and what of them is in the ledger. */
/** What is counted beforehand is as many as there are. */
export const tallyViolations = async (database: TestDatabase): Promise<string[]> => {
  const rows = await database.query<{ name: string; kept: number; there: number }>(`
    select name, coalesce(sum(count), 0)::int as kept, case name
      when 'open' then (select count(*) from task_tracker.task where state = 'open')
      else (select count(*) from task_tracker.popug where assignable) end::int as there
    from task_tracker.tally group by name`)
  return rows.flatMap(({ name, kept, there }) => (kept === there ? [] : [`${name}: ${kept} counted, ${there} there`]))
}

export const checkInvariants = async (system: Checked): Promise<void> => {
  await checkLedger(system)
  const { database } = system
  const tasks = historyViolations(await taskEvents(database), await taskStates(database))
  const found = { tasks, bookings: await bookingViolations(database), tally: await tallyViolations(database) }
  assert.deepEqual(found, { tasks: [], bookings: [], tally: [] })
}
