// Numbers committed events, logs them and says them on the bus; the log is the truth and is kept.
import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { type Loop, startLoop } from './loop.ts'
import type { Bus, Database, Log, Tracing, Tx } from './ports.ts'
import { noTracing, placesOf, rangeOf } from './tracing.ts'

/** An event as it stands in the log. */
export const EventRecord = z.object({
  number: z.int().min(1),
  eventId: z.uuid(),
  type: z.string(),
  version: z.int().min(1),
  about: z.string(),
  data: z.unknown(),
  at: z.iso.datetime({ offset: true }),
  requestId: z.string(),
  actor: z.int().nullable(),
  /** The place in a trace where it was said. Replicas from before there were traces leave it out. */
  trace: z.string().nullish(),
})
export type EventRecord = z.infer<typeof EventRecord>

/**
 * Consecutive events of one stream. `predecessor` is the id of the event before the first (null before number 1), so
 * that a rewound producer is noticed. Without events it is a heartbeat: `predecessor` is then the id of event `head`.
 */
export const EventBatch = z.object({
  stream: z.string(),
  /** Raised by a person after the producer's database was restored. */
  epoch: z.int().min(1),
  /** Number of the last event the producer had when it said this. */
  head: z.int().min(0),
  predecessor: z.uuid().nullable(),
  events: z.array(EventRecord),
})
export type EventBatch = z.infer<typeof EventBatch>

interface StreamHead {
  epoch: number
  head: number
  headEventId: string | null
  published: number
}

const headColumns = sql`epoch, head, head_event_id as "headEventId", published`
const eventColumns = sql`number, event_id as "eventId", type, version, about, data,
  to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, request_id as "requestId", actor, trace`

const table = (schema: string, name: string): RawBuilder<unknown> => sql`${sql.id(schema, name)}`

export const streamHead = async (tx: Tx, schema: string): Promise<StreamHead> => {
  const { rows } = await sql<StreamHead>`select ${headColumns} from ${table(schema, 'stream')}`.execute(tx)
  return onlyRow(rows)
}

const lockStream = async (tx: Tx, schema: string): Promise<StreamHead> => {
  const { rows } = await sql<StreamHead>`select ${headColumns} from ${table(schema, 'stream')} for update`.execute(tx)
  return onlyRow(rows)
}

const onlyRow = <Row>(rows: readonly Row[]): Row => {
  const [row] = rows
  if (!row || rows.length > 1) throw new Error(`expected one row, found ${rows.length}`)
  return row
}

/** A batch ends with the event that reaches this: it stands in memory here, on the bus and at its readers. */
export const mostBatchBytes = 8 * 1024 * 1024

/** How many bytes of data a page has before each of its rows. Only what is compressed must be read for that. */
const bytesBefore = (order: RawBuilder<unknown>) => sql`
  sum(case when pg_column_compression(data) is null then pg_column_size(data) else octet_length(data::text) end)
    over (order by ${order} rows between unbounded preceding and 1 preceding)`

/** One statement: it sees everything committed before it, for the stream's row was locked by an earlier one. */
const moveOutbox = async (tx: Tx, schema: string, head: number, limit: number): Promise<EventRecord[]> => {
  const { rows } = await sql<EventRecord>`
    with moved as (
      delete from ${table(schema, 'outbox')}
      where ctid = any(array(
        select place from (
          select ctid as place, ${bytesBefore(sql`id`)} as bytes_before
          from (select ctid, id, data from ${table(schema, 'outbox')} order by id limit ${limit}) page) sized
        where coalesce(bytes_before, 0) < ${mostBatchBytes}))
      returning *
    ), logged as (
      insert into ${table(schema, 'event')} (number, event_id, type, version, about, data, at, request_id, actor, trace)
      select ${head}::bigint + row_number() over (order by id), event_id, type, version, about, data, at, request_id, actor,
        trace
      from moved
      returning *
    )
    select ${eventColumns} from logged order by number`.execute(tx)
  return rows
}

const saveHead = async (tx: Tx, schema: string, last: EventRecord): Promise<void> => {
  await sql`update ${table(schema, 'stream')} set head = ${last.number}, head_event_id = ${last.eventId}`.execute(tx)
}

/**
 * Gives up to `limit` committed events their numbers, in one transaction, and returns them as a batch; fewer when they
 * are large, and null when there are none. Any replica may do it at any time; the stream's row makes them take turns.
 */
export const numberEvents = async (database: Database, stream: string, limit: number): Promise<EventBatch | null> =>
  (await numberNext(database, stream, limit)).batch

/** The same, with how the stream stood before. */
const numberNext = async (
  database: Database,
  stream: string,
  limit: number,
): Promise<{ readonly batch: EventBatch | null; readonly stood: StreamHead | null }> => {
  let stood: StreamHead | null = null
  const batch = await database.transaction('relay.number', async (tx): Promise<EventBatch | null> => {
    const before = await lockStream(tx, database.schema)
    stood = before
    const events = await moveOutbox(tx, database.schema, before.head, limit)
    const last = events.at(-1)
    if (!last) return null
    await saveHead(tx, database.schema, last)
    return { stream, epoch: before.epoch, head: last.number, predecessor: before.headEventId, events }
  })
  return { batch, stood }
}

/** Events after number `from`, oldest first, with the head and the id of event `from`. Fewer than `limit` when they are large. */
export const readLog = async (
  tx: Tx,
  schema: string,
  stream: string,
  from: number,
  limit: number,
): Promise<EventBatch> => {
  const { epoch, head, headEventId } = await streamHead(tx, schema)
  const { rows: before } = await sql<{ eventId: string }>`
    select event_id as "eventId" from ${table(schema, 'event')} where number = ${from}`.execute(tx)
  const { rows: events } = await sql<EventRecord>`
    select ${eventColumns} from (
      select number, event_id, type, version, about, data, at, request_id, actor, trace,
        ${bytesBefore(sql`number`)} as bytes_before
      from ${table(schema, 'event')} where number > ${from} and number <= ${head} order by number limit ${limit}) page
    where coalesce(bytes_before, 0) < ${mostBatchBytes} order by number`.execute(tx)
  const predecessor = events.length === 0 && from >= head ? headEventId : (before[0]?.eventId ?? null)
  return { stream, epoch, head, predecessor, events }
}

/** True while committed events have no number yet. */
export const hasUnnumbered = async (tx: Tx, schema: string): Promise<boolean> => {
  const { rows } = await sql`select from ${table(schema, 'outbox')} limit 1`.execute(tx)
  return rows.length > 0
}

/** Marks consecutive events as said, if everything before them is; what another replica has in hand stays open. */
const markPublished = (database: Database, first: number, last: number): Promise<void> =>
  database.transaction('relay.mark', async (tx) => {
    // Losing this mark means publishing again, which consumers drop: no need to wait for the disk.
    await sql`set local synchronous_commit = off`.execute(tx)
    await sql`
      update ${table(database.schema, 'stream')} set published = ${last}
      where published >= ${first - 1} and published < ${last}`.execute(tx)
  })

const batchSize = 2_000
/** So many batches get their numbers while none can be said, before the next attempt. */
const mostPages = 50
const heartbeatMs = 1_000
/** A bus that takes longer must not keep events from their numbers, for consumers read the log meanwhile. */
const hesitationMs = 500

const numberAll = async (database: Database, stream: string): Promise<void> => {
  for (let page = 0; page < mostPages; page += 1) {
    if ((await numberEvents(database, stream, batchSize)) === null) return
  }
}

/** Waits for `publishing`, and numbers what is committed when that takes long. Gives whether it did. */
const numberingMeanwhile = async (publishing: Promise<void>, number: () => Promise<void>): Promise<boolean> => {
  const turns: Promise<void>[] = []
  let isNumbering = false
  const turn = async () => {
    isNumbering = true
    // What goes wrong here goes wrong in the next pass too, and is said there.
    await number().catch(() => undefined)
    isNumbering = false
  }
  const timer = setInterval(() => void (isNumbering || turns.splice(0, 1, turn())), hesitationMs)
  const began = performance.now()
  try {
    await publishing
  } finally {
    clearInterval(timer)
    await Promise.all(turns)
  }
  return performance.now() - began >= hesitationMs
}

/** The database's word counts: marks may have been lost, and a restored database steps back. */
const readUnmarked = (database: Database, stream: string): Promise<EventBatch> =>
  database.transaction(
    'relay.read',
    async (tx) => {
      const { published } = await streamHead(tx, database.schema)
      return readLog(tx, database.schema, stream, published, batchSize)
    },
    { readOnly: true },
  )

/** What is said of a stream of which everything was said and marked; null when that is not known. */
const heartbeatOf = (stream: string, stood: StreamHead | null): EventBatch | null =>
  stood === null || stood.published < stood.head
    ? null
    : { stream, epoch: stood.epoch, head: stood.head, predecessor: stood.headEventId, events: [] }

export interface RelayOptions {
  readonly database: Database
  readonly stream: string
  readonly bus: Bus
  readonly log: Log
  readonly tracing?: Tracing
}

/**
 * Moves outbox -> log -> bus, and says the head every second also when nothing happens. Replicas may all do it: each
 * publishes what it numbered, and whoever is idle publishes what was left unmarked.
 */
export const startRelay = ({ database, stream, bus, log, tracing = noTracing }: RelayOptions): Loop => {
  /** Something numbered before may not have been said: by a predecessor that was killed, or because publishing failed. */
  let owing = true
  let saidAt = -Infinity

  const publish = async (batch: EventBatch) => {
    owing = true
    const publishing = tracing.span(`publish ${stream}`, { kind: 'producer' }, () => bus.publish(batch))
    owing = await numberingMeanwhile(publishing, () => numberAll(database, stream))
    saidAt = performance.now()
    const [first, last] = [batch.events[0], batch.events.at(-1)]
    if (first && last) await markPublished(database, first.number, last.number)
  }
  /** Publishes, and lets the traces of these events know how long they have been in hand here. */
  const traced = (batch: EventBatch, sinceMs: number) =>
    tracing.shared(`relay ${stream}`, placesOf(batch.events), { sinceMs, attributes: rangeOf(batch.events) }, () =>
      publish(batch),
    )
  /** Publishes what nobody marked; with nothing of the kind, and `idle`, says the head. `stood` spares asking for it. */
  const catchUp = async (idle: boolean, stood: StreamHead | null = null): Promise<'more' | 'idle'> => {
    const begunMs = performance.now()
    const batch = heartbeatOf(stream, stood) ?? (await readUnmarked(database, stream))
    const due = idle && performance.now() - saidAt >= heartbeatMs
    if (batch.events.length > 0 || due) await traced(batch, begunMs)
    else owing = false
    // A page need not have been the last.
    owing ||= (batch.events.at(-1)?.number ?? batch.head) < batch.head
    return batch.events.length > 0 ? 'more' : 'idle'
  }

  /**
   * What came before must be said first, or consumers would see a gap. A bus that refuses it, or has much to take before,
   * must not keep events from their numbers, for consumers read the log when nothing is said.
   */
  const settleDebt = async (): Promise<'more' | 'idle'> => {
    try {
      return await catchUp(false)
    } finally {
      if (owing) await numberAll(database, stream)
    }
  }

  return startLoop({
    name: `relay ${stream}`,
    pollMs: heartbeatMs,
    log,
    pass: async () => {
      if (owing && (await settleDebt()) === 'more') return 'more'
      const begunMs = performance.now()
      const { batch, stood } = await numberNext(database, stream, batchSize)
      if (!batch) return catchUp(true, stood)
      await traced(batch, begunMs)
      return 'more'
    },
  })
}
