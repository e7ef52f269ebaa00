// Every statement of the task tracker, each over a set.
import { sql } from 'kysely'
import type { Tx } from '../../kernel/ports.ts'
import { containing, forItsValues } from '../../kernel/search.ts'
import type { Task } from './rules.ts'

export const taskColumns = sql`t.id as "taskId", x.description, t.state, t.assignee as "assigneeId", p.name as "assigneeName",
  p.active as "assigneeActive", p.assignable as "assigneeAssignable", t.assignment, t.created_by as "createdBy",
  t.created_at as "createdAt", t.assigned_at as "assignedAt", t.completed_at as "completedAt"`

/** To be joined to a task `t`. */
export const textAndAssignee = sql`task_tracker.task_text x on x.task_id = t.id join task_tracker.popug p on p.id = t.assignee`
const taskTables = sql`task_tracker.task t join ${textAndAssignee}`

/** Numbers of all who may be assigned. */
export const assignablePopugs = async (tx: Tx): Promise<number[]> => {
  const { rows } = await sql<{ ids: number[] }>`
    select coalesce(array_agg(id order by id), '{}') as ids from task_tracker.popug where assignable`.execute(tx)
  return rows[0]?.ids ?? []
}

export interface NewTask {
  readonly description: string
  readonly assigneeId: number
}

/** Gives the ids of the new tasks, in the order given. */
export const insertTasks = async (
  tx: Tx,
  tasks: readonly NewTask[],
  createdBy: number,
  now: Date,
): Promise<number[]> => {
  const { rows } = await sql<{ id: number }>`
    with wanted as (
      select nextval(pg_get_serial_sequence('task_tracker.task', 'id'))::int as id, assignee, description, place
      from unnest(${tasks.map((t) => t.assigneeId)}::int[], ${tasks.map((t) => t.description)}::text[])
        with ordinality as w(assignee, description, place)
    ), inserted as (
      insert into task_tracker.task (id, assignee, created_by, created_at, assigned_at) overriding system value
      select id, assignee, ${createdBy}, ${now}, ${now} from wanted
    ), texts as (
      insert into task_tracker.task_text (task_id, description) select id, description from wanted
    )
    select id from wanted order by place`.execute(tx)
  return rows.map(({ id }) => id)
}

export const findTasks = async (tx: Tx, taskIds: readonly number[]): Promise<Task[]> => {
  const { rows } = await sql<Task>`
    select ${taskColumns} from ${taskTables} where t.id = any(${taskIds}::int[]) order by t.id`.execute(tx)
  return rows
}

/** Open tasks of a popug that were given to them after a moment, counted up to `most`. */
export const countGiven = async (tx: Tx, popugId: number, since: Date, most: number): Promise<number> => {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (
      select from task_tracker.task where state = 'open' and assignee = ${popugId} and assigned_at > ${since}
      limit ${most}) as given`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Locks first and reads then: one statement that waits for a reassignment would look for the earlier assignee's name. */
export const lockTask = async (tx: Tx, taskId: number): Promise<Task | undefined> => {
  await sql`select from task_tracker.task where id = ${taskId} for update`.execute(tx)
  const [task] = await findTasks(tx, [taskId])
  return task
}

export const saveCompleted = async (tx: Tx, tasks: readonly Task[]): Promise<void> => {
  await sql`
    update task_tracker.task t set state = 'completed', completed_at = c.at
    from unnest(${tasks.map((t) => t.taskId)}::int[], ${tasks.map((t) => t.completedAt)}::timestamptz[]) as c(id, at)
    where t.id = c.id`.execute(tx)
}

export interface OpenRange {
  readonly upTo: number
  readonly total: number
}

/** The last task there is, and how many are open. */
export const openTaskRange = async (tx: Tx): Promise<OpenRange> => {
  const { rows } = await sql<OpenRange>`
    select coalesce((select max(id) from task_tracker.task), 0)::int as "upTo",
      (select count(*) from task_tracker.task where state = 'open')::int as total`.execute(tx)
  return rows[0] ?? { upTo: 0, total: 0 }
}

export interface Preview {
  readonly openTasks: number
  readonly assignable: number
  readonly waiting: number
}

/** As many tasks of people who can be given no more are counted. */
const mostWaiting = 1_000

/** Costs the same however many there are: counts are kept (migration 0005), and only those who may hold tasks are asked for. */
export const previewOpenTasks = async (tx: Tx): Promise<Preview> => {
  const { rows } = await sql<Preview>`
    select coalesce(sum(count) filter (where name = 'open'), 0)::int as "openTasks",
      coalesce(sum(count) filter (where name = 'assignable'), 0)::int as assignable,
      (select count(*)::int from (
        select from task_tracker.task t where t.state = 'open' and t.assignee = any(
          array(select p.id from task_tracker.popug p where not p.assignable and p.may_hold)) limit ${mostWaiting}) as w
      ) as waiting
    from task_tracker.tally`.execute(tx)
  return rows[0] ?? { openTasks: 0, assignable: 0, waiting: 0 }
}

/** Who can be given no more and holds nothing is not asked for any more, until something changes. */
export const forgetThoseWithNothing = async (tx: Tx): Promise<void> => {
  await sql`
    update task_tracker.popug p set may_hold = false
    where not p.assignable and p.may_hold
      and not exists (select from task_tracker.task t where t.state = 'open' and t.assignee = p.id)`.execute(tx)
}

/** The next open tasks in order of their ids. Waits for those that are being changed; skipping would forget them. */
export const lockOpenTasks = async (tx: Tx, after: number, upTo: number, limit: number): Promise<number[]> => {
  const { rows } = await sql<{ id: number }>`
    select id from task_tracker.task where state = 'open' and id > ${after} and id <= ${upTo}
    order by id limit ${limit} for update`.execute(tx)
  return rows.map(({ id }) => id)
}

/** How many tasks of a range were completed since a moment. */
export const countCompletedSince = async (tx: Tx, after: number, upTo: number, since: Date): Promise<number> => {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from task_tracker.task
    where state = 'completed' and id > ${after} and id <= ${upTo} and completed_at >= ${since}`.execute(tx)
  return rows[0]?.count ?? 0
}

export interface Assigned {
  readonly taskId: number
  readonly popugId: number
  readonly assignment: number
}

/** Gives each task its new assignee and the next assignment number. Ordered by task. */
export const saveAssignees = async (
  tx: Tx,
  taskIds: readonly number[],
  assignees: readonly number[],
  now: Date,
): Promise<Assigned[]> => {
  const { rows } = await sql<Assigned>`
    with moved as (
      update task_tracker.task t set assignee = d.assignee, assignment = t.assignment + 1, assigned_at = ${now}
      from unnest(${taskIds}::int[], ${assignees}::int[]) as d(id, assignee)
      where t.id = d.id
      returning t.id as "taskId", t.assignee as "popugId", t.assignment
    )
    select * from moved order by "taskId"`.execute(tx)
  return rows
}

export interface Happening {
  readonly type: string
  readonly place: number
  readonly assignment: number | null
  readonly popugId: number
  readonly byId: number | null
  readonly at: Date
  readonly number: number | null
  readonly eventId: string
  readonly requestId: string
}

/** The completion comes after every assignment. */
const placeOfCompletion = 2 ** 31 - 1

/** What events say of a task, those after `after`, in order; also of events that have no number yet. */
export const taskHappenings = async (tx: Tx, taskId: number, after: number, limit: number): Promise<Happening[]> => {
  const columns = sql`type, (data->>'assignment')::int as assignment, (data->>'popugId')::int as "popugId",
    coalesce((data->>'assignment')::int, ${placeOfCompletion}) as place,
    actor as "byId", at, event_id as "eventId", request_id as "requestId"`
  const { rows } = await sql<Happening>`
    select type, place, assignment, "popugId", "byId", at, number, "eventId", "requestId" from (
      select ${columns}, number from task_tracker.event where about = ${String(taskId)}
      union all
      select ${columns}, null from task_tracker.outbox where about = ${String(taskId)}
    ) as happening
    where place > ${after} order by place limit ${limit}`.execute(tx)
  return rows
}

export interface Described {
  readonly taskId: number
  readonly description: string
}

export const taskDescriptions = async (tx: Tx, taskIds: readonly number[]): Promise<Described[]> => {
  const { rows } = await sql<Described>`
    select task_id as "taskId", description from task_tracker.task_text
    where task_id = any(${taskIds}::int[]) order by task_id`.execute(tx)
  return rows
}

export interface Popug {
  readonly popugId: number
  readonly name: string
  readonly role: string
  readonly active: boolean
  readonly version: number
}

/** Keeps what is newer than what is there. */
export const savePopugs = async (tx: Tx, popugs: readonly Popug[]): Promise<void> => {
  await sql`
    insert into task_tracker.popug (id, name, role, active, version)
    select * from unnest(${popugs.map((p) => p.popugId)}::int[], ${popugs.map((p) => p.name)}::text[],
      ${popugs.map((p) => p.role)}::text[], ${popugs.map((p) => p.active)}::boolean[], ${popugs.map((p) => p.version)}::int[])
    on conflict (id) do update
      set name = excluded.name, role = excluded.role, active = excluded.active, version = excluded.version
      where popug.version < excluded.version`.execute(tx)
}

/** Tasks refer to them, so they stay; nobody is drawn until identity has spoken of them anew. */
export const forgetPopugs = async (tx: Tx): Promise<void> => {
  await sql`update task_tracker.popug set active = false, version = 0`.execute(tx)
}

export const popugNames = async (tx: Tx, popugIds: readonly number[]): Promise<Map<number, string>> => {
  const { rows } = await sql<{ id: number; name: string }>`
    select id, name from task_tracker.popug where id = any(${popugIds}::int[])`.execute(tx)
  return new Map(rows.map(({ id, name }) => [id, name]))
}

interface Listed {
  readonly popugId: number
  readonly name: string
  readonly assignable: boolean
}

/** By name, those with this part of a text in theirs. Each way has its index, in this order. */
export const listPopugs = async (
  tx: Tx,
  who: 'assignable' | 'everybody',
  text: string,
  limit: number,
): Promise<Listed[]> => {
  const concerned = who === 'assignable' ? sql`assignable` : sql`true`
  const fitting = text === '' ? sql`` : sql`and name ilike ${containing(text)} ${forItsValues}`
  const { rows } = await sql<Listed>`
    select id as "popugId", name, assignable from task_tracker.popug
    where ${concerned} ${fitting} order by name, id limit ${limit}`.execute(tx)
  return rows
}
