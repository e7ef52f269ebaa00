// What a test puts into the task tracker by hand: many tasks at once, and events that nobody of us would say.
import type pg from 'pg'
import type { Ground } from './grounds.ts'
import type { Stage } from './stage.ts'

/** Whoever runs statements: the stage's own administrator, or a client with a transaction of its own. */
type Hand = Pick<pg.Client, 'query'>

const plant = `
  with new as (
    insert into task_tracker.task (assignee, created_by, created_at, assigned_at)
    select ($1::int[])[1 + n % cardinality($1::int[])], $2::int, $7::timestamptz, $7::timestamptz
    from generate_series(1, $3::int) n returning id, assignee
  ), texts as (
    insert into task_tracker.task_text (task_id, description) select id, $4::text || id from new
  ), said as (
    insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id, actor)
    select gen_random_uuid(), 'TaskAssigned', $5::int, id::text,
      jsonb_build_object('taskId', id, 'popugId', assignee, 'assignment', 1) || $6::jsonb,
      $7::timestamptz, $4::text || id, $2::int
    from new order by id
  )
  select id, assignee from new order by id`

export interface Planting {
  readonly version?: number
  /** Fields beside those that the event has by its contract. */
  readonly more?: Readonly<Record<string, unknown>>
  /** When it happens, where clocks do not say what it is. */
  readonly at?: Date
}

/** Creates tasks as CreateTask does. Gives how to write them into the journal, for when they are committed. */
export const plantTasks = async (
  stage: Stage<Ground>,
  count: number,
  hand: Hand = stage.hand,
  { version = 1, more = {}, at = new Date() }: Planting = {},
): Promise<() => void> => {
  const actor = stage.clients.manager()
  const popugs = stage.people.filter(({ role }) => role === 'popug').map(({ id }) => id)
  const name = `planted-${stage.draw(0, 999_999)}-`
  const values = [popugs, actor, count, name, version, JSON.stringify(more), at]
  const { rows } = await hand.query<{ id: number; assignee: number }>(plant, values)
  return () => {
    for (const { id, assignee } of rows) {
      const order = {
        request: `${name}${id}`,
        command: 'CreateTask',
        actor,
        input: { description: `${name}${id}` },
      } as const
      const answer = { taskId: id, assigneeId: assignee, assignment: 1 }
      stage.journal.done(order, answer)
      stage.clients.learn(order, { acknowledged: answer })
    }
  }
}

export interface Forged {
  readonly type?: string
  readonly version?: number
  readonly data: unknown
}

/** In place of a task. */
export const forgedAbout = 'forged'

/** Says events that no command said; gives the ids by which to find their numbers. */
export const sayForged = async (
  stage: Stage<Ground>,
  events: readonly Forged[],
  hand: Hand = stage.hand,
): Promise<string[]> => {
  const { rows } = await hand.query<{ id: string }>(
    `insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id)
     select gen_random_uuid(), e.type, e.version, $2, coalesce(e.data, 'null'), clock_timestamp(), 'forged'
     from jsonb_to_recordset($1::jsonb) as e(type text, version int, data jsonb) returning event_id as id`,
    [JSON.stringify(events.map((event) => ({ type: 'TaskAssigned', version: 1, ...event }))), forgedAbout],
  )
  return rows.map(({ id }) => id)
}

/** The numbers that these events have got; fewer as long as the relay has not come to all. */
export const numbersOf = async (stage: Stage<Ground>, eventIds: readonly string[]): Promise<number[]> => {
  const { rows } = await stage.hand.query<{ number: number }>(
    'select number::int from task_tracker.event where event_id = any($1::uuid[]) order by number',
    [eventIds],
  )
  return rows.map(({ number }) => number)
}
