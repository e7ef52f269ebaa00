// Reads what a service's schema says of itself: its stream, its consumers, what is parked, its jobs.
import { sql } from 'kysely'
import { notShadow } from './position.ts'
import type { Tx } from './ports.ts'
import type { ServiceState } from './service-state.ts'

type StreamState = Omit<ServiceState['stream'], 'oldestSnapshotMs'>

/** Milliseconds between a moment and now; 0 when there is none. */
const ageMs = (since: string, now: Date) =>
  sql`coalesce(greatest(0, extract(epoch from ${now} - ${sql.raw(since)}) * 1000), 0)::float8`

/** A long queue need not be counted to its end to be called long. */
const mostCounted = 10_000

export const readStreamState = async (tx: Tx, schema: string, now: Date): Promise<StreamState> => {
  const outbox = sql.id(schema, 'outbox')
  const { rows } = await sql<StreamState>`
    select s.epoch, s.head, s.head_event_id as "headEventId", s.published,
      (select count(*)::int from (select from ${outbox} limit ${mostCounted}) o) as unnumbered,
      (select ${ageMs('min(at)', now)} from (select at from ${outbox} order by id limit ${mostCounted}) o)
        as "oldestUnnumberedMs",
      (select ${ageMs('min(at)', now)} from ${sql.id(schema, 'event')} where number = s.published + 1)
        as "oldestUnpublishedMs"
    from ${sql.id(schema, 'stream')} s`.execute(tx)
  const [stream] = rows
  if (!stream) throw new Error(`${schema} has no stream`)
  return stream
}

interface ConsumerRow extends Omit<ServiceState['positions'][number], 'movedAt'> {
  readonly movedAt: Date | null
}

export const readConsumers = async (tx: Tx, schema: string): Promise<ServiceState['positions']> => {
  const { rows } = await sql<ConsumerRow>`
    select consumer, stream, number, state, reason, event_id as "eventId", epoch, moved_at as "movedAt",
      (select count(*)::int from ${sql.id(schema, 'parked')} d
        where d.consumer = p.consumer and d.stream = p.stream and d.state = 'parked') as parked
    from ${sql.id(schema, 'position')} p where ${notShadow} order by consumer, stream`.execute(tx)
  return rows.map((row) => ({ ...row, movedAt: written(row.movedAt) }))
}

interface GroupRow extends Omit<ServiceState['parkedGroups'][number], 'firstParkedAt' | 'lastParkedAt'> {
  readonly firstParkedAt: Date
  readonly lastParkedAt: Date
}

const mostGroups = 200

export const readParkedGroups = async (tx: Tx, schema: string): Promise<ServiceState['parkedGroups']> => {
  const { rows } = await sql<GroupRow>`
    select consumer, stream, type, fingerprint, (array_agg(error order by number desc))[1] as error,
      count(*) filter (where state = 'parked')::int as count, count(*) filter (where state = 'discarded')::int as discarded,
      min(number) as "firstNumber", max(number) as "lastNumber",
      min(parked_at) as "firstParkedAt", max(parked_at) as "lastParkedAt"
    from ${sql.id(schema, 'parked')} where state <> 'applied' and ${notShadow}
    group by consumer, stream, type, fingerprint
    order by max(parked_at) desc, consumer, stream, type, fingerprint limit ${mostGroups}`.execute(tx)
  return rows.map((row) => ({
    ...row,
    firstParkedAt: row.firstParkedAt.toISOString(),
    lastParkedAt: row.lastParkedAt.toISOString(),
  }))
}

interface JobStateRow extends Omit<ServiceState['jobs'][number], 'requestedAt' | 'startedAt' | 'steppedAt'> {
  readonly requestedAt: Date
  readonly startedAt: Date | null
  readonly steppedAt: Date | null
}

const mostOpenJobs = 100
const mostEndedJobs = 20

export const readJobs = async (tx: Tx, schema: string): Promise<ServiceState['jobs']> => {
  const columns = sql`name, id, state, reason, progress, requested_by as "requestedBy", requested_at as "requestedAt",
    started_at as "startedAt", stepped_at as "steppedAt", trouble`
  const open = sql`state in ('queued', 'running', 'waiting')`
  const { rows } = await sql<JobStateRow>`
    (select ${columns} from ${sql.id(schema, 'job')} where ${open} order by id limit ${mostOpenJobs})
    union all (select ${columns} from ${sql.id(schema, 'job')} where not ${open} order by id desc limit ${mostEndedJobs})
    order by id desc`.execute(tx)
  return rows.map((row) => ({
    ...row,
    requestedAt: row.requestedAt.toISOString(),
    startedAt: written(row.startedAt),
    steppedAt: written(row.steppedAt),
  }))
}

const written = (moment: Date | null): string | null => moment?.toISOString() ?? null
