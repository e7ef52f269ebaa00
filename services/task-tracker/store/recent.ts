// What has happened to the tasks of one popug lately: read from the end of the log and from what is on its way there.
import { sql } from 'kysely'
import type { Tx } from '../../../kernel/ports.ts'

export interface Recent {
  readonly taskId: number
  readonly description: string
  readonly type: string
  readonly assignment: number | null
  readonly at: Date
  readonly number: number | null
  readonly eventId: string
}

/** An event's place in the log. */
interface From {
  readonly epoch: number
  readonly number: number
}

/** Without a task where nothing has happened. */
type Row = Omit<Recent, 'taskId'> & { readonly taskId: number | null }

export interface Found {
  readonly head: number
  /** False: not all events from there on were looked at. */
  readonly whole: boolean
  readonly happenings: readonly Recent[]
}

/** Events that one question looks at, the latest: whoever is farther behind is told so. */
const mostLooked = 10_000

const columns = sql`event_id, type, about, data, at`

/**
 * The latest first, as one moment shows them: an event that gets its number meanwhile is not there twice. A place of an
 * earlier epoch stands for the last one that the present log has in common with it.
 */
export const recentHappenings = async (tx: Tx, popugId: number, from: From, limit: number): Promise<Found> => {
  const ofPopug = sql`data->>'popugId' = ${String(popugId)}`
  const { rows } = await sql<Omit<Found, 'happenings'> & Row>`
    with place as (
      select head, least(${from.number}::bigint,
        (select min(e.head) + 1 from task_tracker.epoch e where e.epoch > ${from.epoch})) as first
      from task_tracker.stream
    ), said as (
      (select null::bigint as number, id as place, ${columns}
        from (select id, ${columns} from task_tracker.outbox order by id desc limit ${mostLooked}) as waiting
        where ${ofPopug} order by id desc limit ${limit})
      union all
      (select number, number, ${columns}
        from (select number, ${columns} from task_tracker.event where number >= (select first from place)
          order by number desc limit ${mostLooked}) as logged
        where ${ofPopug} order by number desc limit ${limit})
    )
    select p.head, p.head - p.first < ${mostLooked}
        and not exists (select from task_tracker.outbox offset ${mostLooked}) as whole,
      x.task_id as "taskId", x.description, s.type, (s.data->>'assignment')::int as assignment, s.at, s.number,
      s.event_id as "eventId"
    from place p left join (said s join task_tracker.task_text x on x.task_id = case when s.about ~ '^[0-9]{1,9}$' then s.about::int end) on true
    order by s.number desc nulls first, s.place desc limit ${limit}`.execute(tx)
  const { head, whole } = rows[0] ?? { head: 0, whole: true }
  return {
    head,
    whole,
    happenings: rows.flatMap(({ taskId, ...rest }) => (taskId === null ? [] : { ...rest, taskId })),
  }
}
