// Compares tasks with what their events tell, in the log and on the way there, and names every difference.
import { sql } from 'kysely'
import type { Tx } from '../../kernel/ports.ts'

export interface Difference {
  readonly what: string
  readonly where: string
  /** What the events tell. */
  readonly expected: string
  /** What the tables hold. */
  readonly found: string
}

/** Names of the events that tell what happened to a task. */
export interface TaskEventNames {
  readonly assigned: string
  readonly completed: string
}

/** How far a look goes: tasks by their numbers, and events by theirs. */
export interface Reach {
  readonly tasks: number
  readonly lastTask: number
  readonly events: number
  readonly lastNumber: number
  readonly head: number
}

/** As many as a person reads; the first ones lead to the rest. */
const mostNamed = 100
const longest = 300

/** What the next `limit` tasks and events after these are. */
export const reachOf = async (tx: Tx, afterTask: number, afterNumber: number, limit: number): Promise<Reach> => {
  const { rows } = await sql<Reach>`
    select t.tasks, t."lastTask", e.events, e."lastNumber", s.head
    from (select count(*)::int as tasks, coalesce(max(id), ${afterTask}) as "lastTask"
      from (select id from task_tracker.task where id > ${afterTask} order by id limit ${limit}) page) t,
    (select count(*)::int as events, coalesce(max(number), ${afterNumber}::bigint) as "lastNumber"
      from (select number from task_tracker.event where number > ${afterNumber} order by number limit ${limit}) page) e,
    task_tracker.stream s`.execute(tx)
  const [reach] = rows
  if (!reach) throw new Error('the task tracker has no stream')
  return reach
}

/** Tasks of a range that are not as their events tell: assigned so often and in this order, held and completed by whom. */
export const differingTasks = async (
  tx: Tx,
  names: TaskEventNames,
  after: number,
  upTo: number,
): Promise<Difference[]> => {
  const { rows } = await sql<Difference>`
    with page as (
      select id, id::text as about, state, assignee, assignment from task_tracker.task where id > ${after} and id <= ${upTo}
    ), said as (
      select about, type, data, 0 as place, number as at from task_tracker.event where about in (select about from page)
      union all
      select about, type, data, 1, id from task_tracker.outbox where about in (select about from page)
    ), told as (
      select about,
        string_agg(coalesce(data ->> 'assignment', '?'), ' ' order by place, at) filter (where type = ${names.assigned}) as assignments,
        (array_agg(data ->> 'popugId' order by place desc, at desc) filter (where type = ${names.assigned}))[1] as holder,
        string_agg(coalesce(data ->> 'popugId', '?'), ' ' order by place, at) filter (where type = ${names.completed}) as completions
      from said group by about
    ), compared as (
      select p.id,
        'assignments ' || coalesce(t.assignments, 'none') || ', held by ' || coalesce(t.holder, 'nobody')
          || coalesce(', completed by ' || t.completions, '') as expected,
        'assignments ' || (select string_agg(n::text, ' ' order by n) from generate_series(1, p.assignment) n)
          || ', held by ' || p.assignee || case p.state when 'completed' then ', completed by ' || p.assignee else '' end as found
      from page p left join told t on t.about = p.about
    )
    select 'a task is as its events tell' as what, 'task ' || id as where,
      left(expected, ${longest}) as expected, left(found, ${longest}) as found
    from compared where expected <> found order by id limit ${mostNamed}`.execute(tx)
  return rows
}

/** Events of a range of the log that are about no task, or about another one than they say. */
export const strayEvents = async (
  tx: Tx,
  names: TaskEventNames,
  after: number,
  upTo: number,
): Promise<Difference[]> => {
  const { rows } = await sql<Difference>`
    with said as (
      select number, about, data ->> 'taskId' as named,
        case when about ~ '^[1-9][0-9]{0,9}$' then about::bigint end as id
      from task_tracker.event
      where number > ${after} and number <= ${upTo} and type in (${names.assigned}, ${names.completed})
    )
    select 'an event is of a task' as what, 'task-tracker #' || s.number as where,
      'task ' || coalesce(left(s.named, ${longest}), 'unnamed') as expected,
      case when t.id is null then 'no task' else 'task ' || t.id end as found
    from said s left join task_tracker.task t on t.id = s.id
    where t.id is null or s.named is distinct from t.id::text
    order by s.number limit ${mostNamed}`.execute(tx)
  return rows
}
