// What a service's schema says of how far things are: for metrics, and for whoever watches.
import { sql } from 'kysely'
import { listPositions } from './position.ts'
import type { Clock, Database, Tx } from './ports.ts'

export interface Measures {
  readonly service: string
  /** Number of the last event, and of the last one that is known to have reached the bus. */
  readonly head: number
  readonly published: number
  /** Age in seconds of the oldest committed event without a number, 0 when there is none. By the database's clock. */
  readonly oldestUnnumberedSeconds: number
  readonly oldestUnpublishedSeconds: number
  readonly positions: readonly { consumer: string; stream: string; number: number; state: string }[]
  readonly parked: readonly { consumer: string; stream: string; count: number }[]
  readonly openJobs: readonly { name: string; state: string; count: number; oldestSeconds: number }[]
}

/** Seconds between a moment in a column and now; 0 when there is none. */
const age = (since: string, now: Date) =>
  sql`coalesce(greatest(0, extract(epoch from ${now} - ${sql.raw(since)})), 0)::float8`

/** One short read-only transaction. */
export const measureService = (database: Database, clock: Clock, service: string): Promise<Measures> =>
  database.transaction(
    'measure',
    async (tx) => {
      const now = await clock.now(tx)
      const { schema } = database
      return {
        service,
        ...(await measureStream(tx, schema, now)),
        positions: await listPositions(tx, schema),
        parked: await countParked(tx, schema),
        openJobs: await measureJobs(tx, schema, now),
      }
    },
    { readOnly: true, deadlineMs: performance.now() + 2_000 },
  )

type StreamMeasures = Pick<Measures, 'head' | 'published' | 'oldestUnnumberedSeconds' | 'oldestUnpublishedSeconds'>

const measureStream = async (tx: Tx, schema: string, now: Date): Promise<StreamMeasures> => {
  const { rows } = await sql<StreamMeasures>`
    select s.head, s.published,
      (select ${age('min(at)', now)} from ${sql.id(schema, 'outbox')}) as "oldestUnnumberedSeconds",
      (select ${age('min(at)', now)} from ${sql.id(schema, 'event')} where number = s.published + 1)
        as "oldestUnpublishedSeconds"
    from ${sql.id(schema, 'stream')} s`.execute(tx)
  const [stream] = rows
  if (!stream) throw new Error(`${schema} has no stream`)
  return stream
}

const countParked = async (tx: Tx, schema: string): Promise<Measures['parked']> => {
  const { rows } = await sql<Measures['parked'][number]>`
    select consumer, stream, count(*)::int as count from ${sql.id(schema, 'parked')} where state = 'parked'
    group by consumer, stream order by consumer, stream`.execute(tx)
  return rows
}

const measureJobs = async (tx: Tx, schema: string, now: Date): Promise<Measures['openJobs']> => {
  const { rows } = await sql<Measures['openJobs'][number]>`
    select name, state, count(*)::int as count, ${age('min(coalesce(started_at, requested_at))', now)} as "oldestSeconds"
    from ${sql.id(schema, 'job')} where state in ('queued', 'running', 'waiting')
    group by name, state order by name, state`.execute(tx)
  return rows
}
