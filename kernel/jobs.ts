// Long work with its progress in the database: steps of one transaction each, fenced by the job row's lock.
import { sql } from 'kysely'
import { describeError } from './failure.ts'
import { type Loop, startLoop } from './loop.ts'
import { insertOutbox, outboxOf } from './outbox.ts'
import type { Clock, Database, Log, Random, Tracing, Tx } from './ports.ts'
import type { Context, Job } from './service.ts'
import { noTracing } from './tracing.ts'

export interface JobRow<Progress = unknown> {
  readonly id: number
  readonly name: string
  readonly state: 'queued' | 'running' | 'waiting' | 'done' | 'cancelled'
  readonly reason: string | null
  readonly progress: Progress | null
  readonly requestedBy: number | null
  readonly requestedAt: Date
  readonly requestId: string
  readonly trace: string | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

const columns = sql`id, name, state, reason, progress, requested_by as "requestedBy", requested_at as "requestedAt",
  request_id as "requestId", trace, started_at as "startedAt", finished_at as "finishedAt"`

/** Puts a job behind those that wait already. It begins after this transaction has committed. */
export const enqueueJob = async <P>(
  schema: string,
  job: Job<P>,
  { tx, actor, now, requestId, trace }: Context,
): Promise<JobRow<P>> => {
  const { rows } = await sql<JobRow<P>>`
    insert into ${sql.id(schema, 'job')} (name, input, requested_by, requested_at, request_id, trace)
    values (${job.name}, '{}', ${actor.id}, ${now}, ${requestId}, ${trace}) returning ${columns}`.execute(tx)
  const [row] = rows
  if (!row) throw new Error('a job was not inserted')
  return row
}

/** How many have not begun. Who else counts them waits until this transaction ends, so that a limit holds among them. */
export const countQueuedJobs = async <P>(schema: string, job: Job<P>, tx: Tx): Promise<number> => {
  await sql`select pg_advisory_xact_lock(hashtext(${`enqueue ${schema} ${job.name}`}))`.execute(tx)
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from ${sql.id(schema, 'job')} where name = ${job.name} and state = 'queued'`.execute(
    tx,
  )
  return rows[0]?.count ?? 0
}

export const findJob = async <P>(schema: string, job: Job<P>, tx: Tx, id: number): Promise<JobRow<P> | undefined> => {
  const { rows } = await sql<JobRow<P>>`
    select ${columns} from ${sql.id(schema, 'job')} where name = ${job.name} and id = ${id}`.execute(tx)
  return rows[0]
}

/** Newest first, those with an id below `before`. */
export const listJobs = async <P>(
  schema: string,
  job: Job<P>,
  tx: Tx,
  before: number,
  limit: number,
): Promise<JobRow<P>[]> => {
  const { rows } = await sql<JobRow<P>>`
    select ${columns} from ${sql.id(schema, 'job')} where name = ${job.name} and id < ${before}::bigint
    order by id desc limit ${limit}`.execute(tx)
  return rows
}

/** Waits for the step in progress; what it did stays. Undefined when the job does not exist or has ended. */
export const cancelJob = async <P>(
  schema: string,
  job: Job<P>,
  tx: Tx,
  id: number,
  now: Date,
): Promise<JobRow<P> | undefined> => {
  const { rows } = await sql<JobRow<P>>`
    update ${sql.id(schema, 'job')} set state = 'cancelled', finished_at = ${now}
    where name = ${job.name} and id = ${id} and state in ('queued', 'running', 'waiting') returning ${columns}`.execute(
    tx,
  )
  return rows[0]
}

/** True while some job can go on: one that waits cannot, nor can those of its name behind it. */
export const hasOpenJob = async (schema: string, tx: Tx): Promise<boolean> => {
  const job = sql.id(schema, 'job')
  const { rows } = await sql`
    select from ${job} j where state in ('queued', 'running')
      and not exists (select from ${job} w where w.name = j.name and w.id < j.id and w.state = 'waiting') limit 1`.execute(
    tx,
  )
  return rows.length > 0
}

/** The oldest job that has not ended. A runner that waited for the lock sees what the other one left. */
const lockFirstJob = async (schema: string, name: string, tx: Tx): Promise<JobRow | undefined> => {
  const { rows } = await sql<JobRow>`
    select ${columns} from ${sql.id(schema, 'job')}
    where name = ${name} and state in ('queued', 'running', 'waiting') order by id limit 1 for update`.execute(tx)
  return rows[0]
}

interface Saved {
  readonly state: JobRow['state']
  readonly reason: string | null
  readonly progress: unknown
}

const saveStep = async (
  schema: string,
  tx: Tx,
  job: JobRow,
  { state, reason, progress }: Saved,
  now: Date,
): Promise<void> => {
  await sql`
    update ${sql.id(schema, 'job')}
    set state = ${state}, reason = ${reason}, progress = ${JSON.stringify(progress)}::jsonb,
      started_at = coalesce(started_at, ${now}), stepped_at = ${now}, trouble = null, finished_at = ${state === 'done' ? now : null}
    where id = ${job.id}`.execute(tx)
}

export interface JobsOptions {
  readonly database: Database
  readonly jobs: readonly Job[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly committed: () => void
  readonly tracing?: Tracing
  readonly name: string
}

/** Runs one step of the first open job. Jobs of one name run one after another; any replica may take any step. */
const runStep = async (options: JobsOptions, job: Job): Promise<'more' | 'idle'> => {
  let failing: number | undefined
  const begun = ({ id }: JobRow) => (failing = id)
  try {
    return await step(options, job, begun)
  } catch (error) {
    if (failing !== undefined) await noteTrouble(options.database, failing, describeError(error))
    throw error
  }
}

/** Kept beside the job, so that whoever watches sees that it does not go on. Says nothing when it cannot be kept. */
const noteTrouble = (database: Database, id: number, trouble: string): Promise<void> =>
  database
    .transaction('job.trouble', async (tx) => {
      await sql`
        update ${sql.id(database.schema, 'job')} set trouble = ${trouble}
        where id = ${id} and state in ('queued', 'running', 'waiting') and trouble is distinct from ${trouble}`.execute(
        tx,
      )
    })
    .catch(() => undefined)

const step = (options: JobsOptions, job: Job, begun: (row: JobRow) => void): Promise<'more' | 'idle'> => {
  const { database, tracing = noTracing } = options
  return database.transaction(`job.${job.name}`, async (tx) => {
    const row = await lockFirstJob(database.schema, job.name, tx)
    if (!row) return 'idle'
    begun(row)
    const attributes = { 'ates.request_id': row.requestId, 'ates.job': row.id }
    return tracing.span(`job ${job.name}`, { from: row.trace, attributes }, () => takeStep(options, job, row, tx))
  })
}

const takeStep = async (options: JobsOptions, job: Job, row: JobRow, tx: Tx): Promise<'more' | 'idle'> => {
  const { clock, random, log, tracing = noTracing } = options
  const { schema } = options.database
  const now = await clock.now(tx)
  const { emit, collected } = outboxOf(random)
  const done = await job.step({ tx, now, random, emit, progress: row.progress })
  const reason = done.state === 'waiting' ? done.reason : null
  await saveStep(schema, tx, row, { state: done.state, reason, progress: done.progress }, now)
  const { requestId, requestedBy: actor } = row
  await insertOutbox(tx, schema, collected, { at: now, requestId, actor, trace: tracing.place() })
  if (done.state === 'waiting' && row.reason !== reason) log.warn({ job: job.name, id: row.id, reason }, 'job waits')
  return done.state === 'waiting' ? 'idle' : 'more'
}

/** One loop per job, so that one that fails does not keep the others from their steps. */
export const startJobs = (options: JobsOptions): Loop[] =>
  options.jobs.map((job) =>
    startLoop({
      name: `job ${job.name} of ${options.name}`,
      pollMs: 1_000,
      log: options.log,
      pass: async () => {
        const found = await runStep(options, job)
        if (found === 'more') options.committed()
        return found
      },
    }),
  )
