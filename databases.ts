// Opens one database for each service of this process: on the embedded server, or where the configuration says.
import pg from 'pg'
import { type EmbeddedServer, joinEmbedded, startEmbedded } from './adapters/database/embedded.ts'
import { openPostgres, type Postgres } from './adapters/database/postgres.ts'
import { missingSettings, prepareDatabase, roleOf } from './adapters/database/prepare.ts'
import { type Config, ConfigError, serviceNames, variable } from './config.ts'
import type { Log } from './kernel/ports.ts'

export interface OpenDatabases {
  /** By schema. */
  readonly databases: ReadonlyMap<string, Postgres>
  /** False when the server belongs to an aTES that runs already. */
  readonly owned: boolean
}

export interface DatabasesOptions {
  readonly config: Config
  readonly log: Log
  /** Gets what must be closed at the end. */
  readonly ends: AsyncDisposableStack
  /** Called with the reason when the embedded server ended and could not be started again. */
  readonly fail: (reason: string) => void
  /** Work beside an aTES that runs on the same data. */
  readonly join: boolean
}

interface Server {
  readonly connections: Readonly<Record<string, pg.ClientConfig>>
  readonly owned: boolean
}

export const openDatabases = async (options: DatabasesOptions): Promise<OpenDatabases> => {
  const { config, log, ends } = options
  const schemas = serviceNames.filter((name) => config.run.includes(name)).map((name) => name.replaceAll('-', '_'))
  const { connections, owned } = config.databases ? await given(schemas, config, log) : await embedded(schemas, options)
  const databases = new Map<string, Postgres>()
  for (const schema of schemas) {
    const { connections: maxConnections, namedStatements } = config
    const database = openPostgres({
      connection: connections[schema] ?? {},
      schema,
      maxConnections,
      namedStatements,
      log,
    })
    databases.set(schema, database)
    ends.defer(() => database.close())
  }
  return { databases, owned }
}

/** No such database, no such role, a wrong password, no entry in pg_hba.conf: SQLSTATE classes 28 and 3D. */
const isRefused = (error: unknown): error is pg.DatabaseError =>
  error instanceof pg.DatabaseError && /^(?:28|3D)...$/.test(error.code ?? '')

const given = async (schemas: readonly string[], { databases }: Config, log: Log): Promise<Server> => {
  const connections = Object.fromEntries(
    Object.entries(databases ?? {})
      .map(([name, connectionString]) => [name.replaceAll('-', '_'), { connectionString }] as const)
      .filter(([schema]) => schemas.includes(schema)),
  )
  const refusals: string[] = []
  for (const [schema, connection] of Object.entries(connections)) {
    const mend = await missingSettings(connection).catch((error: unknown) => {
      if (!isRefused(error)) throw error
      refusals.push(`${variable(schema, 'DATABASE_URL')} is refused by its server: ${error.message} (${error.code})`)
      return []
    })
    if (mend.length > 0)
      log.warn({ schema, mend }, 'a stopped process could hold locks for ever: the database role has no limits')
  }
  if (refusals.length > 0) throw new ConfigError(refusals)
  return { connections, owned: false }
}

const database = 'ates'

const embedded = async (schemas: readonly string[], options: DatabasesOptions): Promise<Server> => {
  const { config, ends } = options
  const joined = options.join ? await joinEmbedded({ dataDir: config.dataDir }) : null
  if (joined) ends.use(joined)
  const server = joined ?? (await ownServer(options))
  await ensureDatabase(server)
  const prepared = await prepareDatabase(server.connection('postgres', database), schemas)
  const connections = Object.fromEntries(
    prepared.map(({ schema }) => [schema, server.connection(roleOf(schema), database)]),
  )
  return { connections, owned: joined === null }
}

/** Starts the server, and starts it again when it is killed under us. */
const ownServer = async ({ config, log, ends, fail }: DatabasesOptions): Promise<EmbeddedServer> => {
  const start = () => startEmbedded({ dataDir: config.dataDir, log })
  let server = await start()
  let stopping = false
  ends.defer(() => {
    stopping = true
    return server.stop()
  })
  const watch = async (watched: EmbeddedServer): Promise<void> => {
    const reason = await watched.died
    if (stopping) return
    log.error({ reason }, 'the embedded database ended, starting it again')
    try {
      server = await start()
    } catch (error) {
      return fail(`the embedded database ended (${reason}) and did not start again: ${String(error)}`)
    }
    if (stopping) await server.stop()
    else void watch(server)
  }
  void watch(server)
  return server
}

const ensureDatabase = async (server: EmbeddedServer): Promise<void> => {
  const client = new pg.Client(server.connection('postgres', 'postgres'))
  await client.connect()
  try {
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [database])
    if (rows.length === 0) await client.query(`create database ${database}`)
  } finally {
    await client.end()
  }
}
