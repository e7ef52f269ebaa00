// One service's schema on a PostgreSQL server: pool, transactions with deadlines, named statements.
import { type ControlledTransaction, Kysely, PostgresAdapter, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { describeError, isTransient } from '../../kernel/failure.ts'
import type { Clock, Database, Log, TransactionOptions, Tx } from '../../kernel/ports.ts'
import { Fault } from '../../kernel/result.ts'
import { naming } from './statements.ts'

export interface PostgresOptions {
  readonly connection: pg.PoolConfig
  readonly schema: string
  readonly maxConnections: number
  /** Prepare each statement once per connection. Off behind a pooler that does not keep sessions. */
  readonly namedStatements: boolean
  readonly log: Log
}

export interface Postgres extends Database {
  /**
   * For libraries that bring their own queries. Has connections of its own, a quarter as many: a library that is called
   * in a transaction would otherwise wait for a connection that only those who wait like it could give back.
   */
  readonly kysely: Kysely<unknown>
  /**
   * Gives up what is under way, begins nothing more, and gives the names of the transactions that it ended: for a stop
   * that a server which never answers would hold up for ever. Whether they were committed is for the server to say.
   */
  cut(): readonly string[]
}

const int8 = 20
const date = 1082

/** Integers as numbers, refused where a number cannot hold them; days as they are written. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text') => {
    if (oid === date) return (text: string) => text
    if (oid !== int8) return pg.types.getTypeParser(oid, format) as unknown
    return (text: string) => {
      const value = Number(text)
      if (!Number.isSafeInteger(value)) throw new RangeError(`${text} does not fit a number`)
      return value
    }
  }) as typeof pg.types.getTypeParser,
}

/** Migrations take their lock themselves, for their transaction; a session's lock would not survive a pooler. */
class LocklessAdapter extends PostgresAdapter {
  override acquireMigrationLock = () => Promise.resolve()
  override releaseMigrationLock = () => Promise.resolve()
}

class Dialect extends PostgresDialect {
  override createAdapter = () => new LocklessAdapter()
}

export const openPostgres = (options: PostgresOptions): Postgres => {
  const own = connect(options, options.maxConnections)
  const libraries = connect(options, Math.ceil(options.maxConnections / 4))
  const underWay = new Set<{ readonly name: string }>()
  return {
    schema: options.schema,
    kysely: libraries.kysely,
    transaction: noted(transactions(own.kysely), underWay),
    close: async () => {
      await Promise.all([own.kysely.destroy(), libraries.kysely.destroy()])
    },
    cut: () => {
      const names = [...underWay].map(({ name }) => name)
      own.cut()
      libraries.cut()
      return names
    },
  }
}

/** Notes which transactions are under way. */
const noted =
  (transaction: Database['transaction'], underWay: Set<{ readonly name: string }>): Database['transaction'] =>
  (name, work, options) => {
    const one = { name }
    underWay.add(one)
    return transaction(name, work, options).finally(() => underWay.delete(one))
  }

interface Connected {
  readonly kysely: Kysely<unknown>
  cut(): void
}

/** Connects on first use. */
const connect = ({ connection, schema, namedStatements, log }: PostgresOptions, max: number): Connected => {
  const clients = new Set<pg.Client>()
  const end = ({ connection: { stream } }: pg.Client) => stream.destroy()
  let isCut = false
  /** Known from the moment it begins to connect, which may never end. */
  class OwnClient extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config)
      clients.add(this)
      this.once('end', () => clients.delete(this))
      if (isCut) setImmediate(end, this)
    }
  }
  const pool = new pg.Pool({
    Client: OwnClient,
    ...connection,
    max,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    // Then a probe each second: a server that is gone is noticed in some twenty seconds.
    keepAliveInitialDelayMillis: 10_000,
    types,
    application_name: `ates ${schema}`,
  })
  // A connection that dies while idle is replaced by the pool; those who use one see it themselves.
  pool.on('error', (error) => {
    if (!pool.ending) log.warn({ schema, err: error }, 'idle database connection lost')
  })
  pool.on('connect', (client) => client.on('error', (error) => log.debug({ schema, err: error }, 'connection lost')))
  const cut = () => {
    isCut = true
    for (const client of clients) end(client)
  }
  return { kysely: new Kysely<unknown>({ dialect: new Dialect({ pool: naming(pool, namedStatements) }) }), cut }
}

const transactions =
  (kysely: Kysely<unknown>): Database['transaction'] =>
  (name, work, options = {}) => {
    let committing = false
    const run = async () => {
      const tx = await begin(kysely, options)
      let result: Awaited<ReturnType<typeof work>>
      try {
        await limitStatements(tx, options)
        result = await work(tx)
        if (isLate(options)) throw new Fault('deadline', `${name} took too long`)
      } catch (error) {
        await rollback(tx)
        if (isLate(options) && isTransient(error))
          throw new Fault('deadline', `${name} took too long`, { cause: error })
        throw error
      }
      committing = true
      await commit(tx, name, options)
      return result
    }
    const silence = () =>
      new Fault(
        committing && !options.readOnly ? 'outcome_unknown' : 'deadline',
        `${name}: the database does not answer`,
      )
    return withinDeadline(run(), options, silence)
  }

/** How much later than its deadline a statement may be ended by the server itself. */
const serversDelayMs = 500

/** A server that hangs ends no statement; then we stop waiting. What it does afterwards is rolled back. */
const withinDeadline = async <T>(
  run: Promise<T>,
  { deadlineMs }: TransactionOptions,
  silence: () => Fault,
): Promise<T> => {
  if (deadlineMs === undefined) return run
  const { promise: silent, reject } = Promise.withResolvers<never>()
  const waitMs = Math.max(0, deadlineMs - performance.now()) + serversDelayMs
  const timer = setTimeout(() => reject(silence()), Math.min(waitMs, 2 ** 31 - 1))
  return Promise.race([run, silent]).finally(() => clearTimeout(timer))
}

const begin = async (kysely: Kysely<unknown>, { readOnly = false, ...options }: TransactionOptions) => {
  if (isLate(options)) throw new Fault('deadline', 'no time left to begin')
  const builder = kysely.startTransaction()
  // Who only reads sees one moment in all statements: a balance and its lines, or sums and what they are sums of.
  const reading = () => builder.setAccessMode('read only').setIsolationLevel('repeatable read')
  return readOnly ? reading().execute() : builder.execute()
}

const isLate = ({ deadlineMs }: TransactionOptions): boolean =>
  deadlineMs !== undefined && performance.now() >= deadlineMs

/** No statement runs past the deadline; 0 would mean no limit. */
const limitStatements = async (tx: Tx, { deadlineMs }: TransactionOptions): Promise<void> => {
  if (deadlineMs === undefined) return
  const remainingMs = Math.max(1, Math.ceil(deadlineMs - performance.now()))
  await sql`set local statement_timeout = ${sql.lit(remainingMs)}`.execute(tx)
}

/** A rollback that fails has lost its connection, and the server rolls back by itself. */
const rollback = async (tx: ControlledTransaction<unknown>): Promise<void> => {
  await tx
    .rollback()
    .execute()
    .catch(() => undefined)
}

/** What the driver says when it knew before that the connection is lost: then the server has not heard of the commit. */
const neverSent = (error: unknown): boolean => error instanceof Error && /^Client .*not queryable$/.test(error.message)

/** A server's answer to COMMIT is a fact; a lost connection leaves the outcome open. */
const commit = async (
  tx: ControlledTransaction<unknown>,
  name: string,
  { readOnly = false }: TransactionOptions,
): Promise<void> => {
  try {
    await tx.commit().execute()
  } catch (error) {
    await rollback(tx)
    const answered = typeof error === 'object' && error !== null && 'severity' in error && error.severity === 'ERROR'
    const aborted = error instanceof Error && error.name === 'AbortedTransactionError'
    if (answered || aborted || neverSent(error)) throw error
    // What only read has no outcome that could be unknown.
    throw new Fault(
      readOnly ? 'unavailable' : 'outcome_unknown',
      `the answer to the commit of ${name} was lost: ${describeError(error)}`,
      {
        cause: error,
      },
    )
  }
}

/** Business time is the database's: all processes agree on it. */
export const databaseClock: Clock = {
  now: async (tx) => {
    const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(tx)
    const [row] = rows
    if (!row) throw new Error('the database did not say the time')
    return row.now
  },
}

/** What must hold for every role of ours, so that a frozen holder cannot keep a lock for ever. */
export const roleSettings: Readonly<Record<string, string>> = {
  idle_in_transaction_session_timeout: '2s',
  statement_timeout: '30s',
  lock_timeout: '5s',
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
}
