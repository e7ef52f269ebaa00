// What the ledger tells of the events it has booked, for comparing it with the log.
import { type RawBuilder, sql } from 'kysely'
import type { Posting } from '../rules/postings.ts'
import { isLost, isLostTakeover, isTakenOver } from './lost-history.ts'

/**
 * The events that the postings of a range tell, as rows of number, event_id, type and data. A posting of a lost event
 * is told by the event that took it over, if there is one; otherwise it tells of an event that no log has any more.
 */
export const eventsOfPostings = (
  stream: string,
  types: Readonly<Record<Posting['kind'], string>>,
  after: RawBuilder<unknown>,
  upTo: RawBuilder<unknown>,
): RawBuilder<unknown> => {
  const type = sql`case p.kind when 'fee' then ${types.fee}::text when 'reward' then ${types.reward}::text end as type`
  const data = sql`jsonb_build_object('taskId', p.task_id, 'popugId', p.popug_id, 'assignment', p.assignment) as data`
  return sql`
    select p.number, p.event_id, ${type}, ${data} from accounting.posting p
    where p.stream = ${stream} and p.number > ${after} and p.number <= ${upTo} and not (${isLost} and ${isTakenOver})
    union all
    select o.number, o.event_id, ${type}, ${data} from accounting.takeover o
    join accounting.posting p on p.kind = o.kind and p.task_id = o.task_id and p.assignment is not distinct from o.assignment
    where o.stream = ${stream} and o.number > ${after} and o.number <= ${upTo} and not ${isLostTakeover}`
}
