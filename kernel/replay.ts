// Rebuilds a consumer's derived tables from the producer's log beside the live ones, compares, and swaps on demand.
import { type RawBuilder, sql } from 'kysely'
import { applyRun } from './apply.ts'
import { isTransient } from './failure.ts'
import type { ReadLog } from './consume.ts'
import { type Applying, keyOf, type Shadow } from './handle.ts'
import { epochsOf } from './history.ts'
import { appliedLate, isLiving } from './parked.ts'
import { lockPosition, type Position, type PositionKey } from './position.ts'
import type { Tx } from './ports.ts'
import { Fault } from './result.ts'
import { dropShadows, makeShadows, shadowKey, shadowOf, swapTables, tableRef } from './shadow.ts'

export interface ReplayDifference {
  readonly table: string
  /** `missing`: only the replay has this row. `extra`: only the live table has it. */
  readonly what: 'missing' | 'extra'
  /** The row as JSON. */
  readonly row: string
}

export interface Replayed {
  readonly upTo: number
  /** Rows compared, over all derived tables. */
  readonly rows: number
  /** The first of them, a hundred of each table and direction unless more were asked for. */
  readonly differences: readonly ReplayDifference[]
  /** How many there are. */
  readonly differing: number
  readonly swapped: boolean
}

export interface ReplayOptions {
  readonly applying: Omit<Applying, 'shadow'>
  readonly readLog: ReadLog
  /** Puts the replayed tables in the place of the live ones, under the position's lock. */
  readonly swap: boolean
  /** Rows that are named of each table and direction; all are counted. */
  readonly mostNamed?: number
  readonly progress?: (number: number, head: number) => void
}

const batchSize = 2_000
const defaultMostNamed = 100

/** What was decided about events that could not be applied is a fact: they stay out of the replay, too. */
const leftOutEvents = async (tx: Tx, { schema, consumer, stream }: PositionKey): Promise<Set<string>> => {
  const { rows } = await sql<{ eventId: string }>`
    select event_id as "eventId" from ${tableRef(schema, 'parked')} p
    where consumer = ${consumer} and stream = ${stream} and state <> 'applied'
      and ${isLiving(schema)}`.execute(tx)
  return new Set(rows.map(({ eventId }) => eventId))
}

interface Differing {
  readonly differences: readonly ReplayDifference[]
  readonly differing: number
}

/** Rows of `a` that `b` lacks, counted as often as they stand there. */
const rowsOnlyIn = async (
  tx: Tx,
  a: RawBuilder<unknown>,
  b: RawBuilder<unknown>,
  { mostNamed, ...which }: Pick<ReplayDifference, 'table' | 'what'> & { readonly mostNamed: number },
): Promise<Differing> => {
  const { rows } = await sql<{ row: string; total: number }>`
    select row::text as row, count(*) over ()::int as total
    from (select to_jsonb(a) as row from ${a} a except all select to_jsonb(b) from ${b} b) only_there
    order by 1 limit ${mostNamed}`.execute(tx)
  return { differences: rows.map(({ row }) => ({ ...which, row })), differing: rows[0]?.total ?? 0 }
}

const compareTable = async (tx: Tx, schema: string, table: string, mostNamed: number): Promise<Differing[]> => {
  const [live, shadow] = [tableRef(schema, table), tableRef(schema, shadowOf(table))]
  return [
    await rowsOnlyIn(tx, shadow, live, { table, what: 'missing', mostNamed }),
    await rowsOnlyIn(tx, live, shadow, { table, what: 'extra', mostNamed }),
  ]
}

const countRows = async (tx: Tx, schema: string, table: string): Promise<number> => {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${tableRef(schema, table)}`.execute(tx)
  return rows[0]?.count ?? 0
}

const longestReadMs = 3_000

/** To whoever began to read before the shadows were filled they would be empty: wait until all such reading has ended. */
const awaitEarlierReaders = async (tx: Tx, { schema, consumer, stream }: PositionKey): Promise<void> => {
  for (const end = performance.now() + longestReadMs; ;) {
    await sql`select pg_stat_clear_snapshot(), pg_sleep(0.01)`.execute(tx)
    const { rows } = await sql`
      select from pg_stat_activity a, ${tableRef(schema, 'position')} filled
      where filled.consumer = ${consumer} and filled.stream = ${stream}
        and a.datname = current_database() and a.usename = current_user and a.pid <> pg_backend_pid()
        and age(a.backend_xmin) >= age(filled.xmin)`.execute(tx)
    if (rows.length === 0) return
    if (performance.now() >= end) throw new Fault('unavailable', 'somebody reads for longer than the swap waits')
  }
}

/**
 * Replays a consumer from event 1 into shadow tables while the live ones serve, and reports every difference at the
 * number both stand at. Emits nothing and makes no facts. Throws when the producer's log cannot be read, or when an
 * event that the live consumer applied cannot be applied again, or when another replay of it begins meanwhile.
 */
export const replay = async (options: ReplayOptions): Promise<Replayed> => {
  const { applying, readLog, swap, mostNamed = defaultMostNamed, progress } = options
  const { database, consumer } = applying
  const key = keyOf(applying)
  if (consumer.derived.length === 0)
    throw new Error(`${consumer.name} keeps no derived tables that a replay could rebuild`)
  const run = applying.random.uuid().slice(0, 8)
  const shadow = await database.transaction('replay.prepare', async (tx): Promise<Shadow> => {
    await makeShadows(tx, key, run, consumer.derived)
    const decided = { leftOut: await leftOutEvents(tx, key), instead: await appliedLate(tx, key) }
    return { consumer: shadowKey(key, run).consumer, nameOf: shadowOf, ...decided, epochOf: await epochsOf(tx, key) }
  })
  const { leftOut } = shadow
  const shadowing: Applying = { ...applying, shadow }
  try {
    await keepLost(shadowing)
    for (let lost = 0; ;) {
      await catchUp(shadowing, readLog, progress)
      const result = await database
        .transaction('replay.compare', (tx) =>
          compare(tx, key, { run, tables: consumer.derived, leftOut, swap, mostNamed }),
        )
        .catch((error: unknown) => {
          // Whoever reads the tables while they are swapped may win; the next try is as good.
          lost += 1
          if (!isTransient(error) || lost > mostLostSwaps) throw error
          return null
        })
      if (result) return result
    }
  } catch (error) {
    const ours = await database.transaction('replay.abandon', (tx) => dropShadows(tx, key, run, consumer.derived))
    throw ours ? error : new Error(`another replay of ${consumer.name} has begun meanwhile`, { cause: error })
  }
}

const mostLostSwaps = 10

/** What was applied of a lost history is in no log any more, and stays: it is as good as a fact. */
const keepLost = async ({ database, consumer, shadow }: Applying): Promise<void> => {
  const { otherHistory, stream } = consumer
  if (otherHistory?.goesOn !== 'after what is known' || !shadow) return
  await database.transaction('replay.lost', (tx) =>
    otherHistory.keepLost({ tx, stream, derived: (table) => tableRef(database.schema, shadow.nameOf(table)) }),
  )
}

/** What the live consumer could apply, its replay must be able to apply, too. */
const firstParked = async (tx: Tx, { schema, consumer, stream }: PositionKey) => {
  const { rows } = await sql<{ number: number; error: string }>`
    select number, error from ${tableRef(schema, 'parked')}
    where consumer = ${consumer} and stream = ${stream} order by number limit 1`.execute(tx)
  return rows[0]
}

/** Applies the log to the shadows up to its end. */
const catchUp = async (shadowing: Applying, readLog: ReadLog, progress: ReplayOptions['progress']): Promise<void> => {
  const { database, consumer } = shadowing
  const key = keyOf(shadowing)
  const live = await database.transaction('replay.target', (tx) =>
    lockPosition(tx, { ...key, consumer: consumer.name }),
  )
  let position: Position = await database.transaction('replay.position', (tx) => lockPosition(tx, key))
  while (position.number < live.number) {
    const batch = await readLog(consumer.stream, position.number, Math.min(batchSize, live.number - position.number))
    const before = position.number
    position = await applyRun(shadowing, { predecessor: batch.predecessor, events: batch.events })
    progress?.(position.number, live.number)
    const parked = await database.transaction('replay.parked', (tx) => firstParked(tx, key))
    if (parked) throw new Error(`the replay stopped at event ${parked.number}, which failed: ${parked.error}`)
    if (position.state !== 'running') throw new Error(`the replay stopped after ${before}: ${position.reason}`)
    if (position.number === before) throw new Error(`the log of ${consumer.stream} has no event after ${before}`)
  }
}

interface Comparison {
  readonly run: string
  readonly tables: readonly string[]
  readonly leftOut: ReadonlySet<string>
  readonly swap: boolean
  readonly mostNamed: number
}

/** Null when the live consumer moved on meanwhile. */
const compare = async (
  tx: Tx,
  key: PositionKey,
  { run, tables, leftOut, swap, mostNamed }: Comparison,
): Promise<Replayed | null> => {
  await sql`set local statement_timeout = 0`.execute(tx)
  const live = await lockPosition(tx, key)
  const shadow = await lockPosition(tx, shadowKey(key, run))
  if (shadow.number < live.number) return null
  const leftOutNow = await leftOutEvents(tx, key)
  if (leftOutNow.symmetricDifference(leftOut).size > 0) {
    throw new Error('events were parked or decided meanwhile: begin the replay anew')
  }
  const found: Differing[] = []
  let rows = 0
  for (const table of tables) {
    found.push(...(await compareTable(tx, key.schema, table, mostNamed)))
    rows += await countRows(tx, key.schema, table)
  }
  if (swap) {
    await awaitEarlierReaders(tx, shadowKey(key, run))
    await swapTables(tx, key, run, tables)
  } else await dropShadows(tx, key, run, tables)
  const differences = found.flatMap((one) => one.differences)
  const differing = found.reduce((sum, one) => sum + one.differing, 0)
  return { upTo: live.number, rows, differences, differing, swapped: swap }
}
