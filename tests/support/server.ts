// The PostgreSQL server under test: the one that ATES_TEST_DATABASE_URL names, or an embedded one of this process.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import pg from 'pg'
import { startEmbedded } from '../../adapters/database/embedded.ts'
import { openPostgres, type Postgres } from '../../adapters/database/postgres.ts'
import { prepareDatabase, roleOf } from '../../adapters/database/prepare.ts'
import { silent } from './silent.ts'

let endEmbedded = () => Promise.resolve()
// Whoever is given a server need not be a test.
if (!process.env['ATES_TEST_DATABASE_URL']) after(() => endEmbedded())

/** Services reach the server through a pooler on this port, if there is one; administrators do not. */
const poolerPort = Number(process.env['ATES_TEST_POOLER_PORT'] ?? 0)
const detour: pg.ClientConfig = poolerPort > 0 ? { host: '127.0.0.1', port: poolerPort } : {}

/** False behind a pooler, which keeps none. */
export const namedStatements = poolerPort === 0

/** Settings of a client as this administrator, for any database of the server. */
type Admin = (database: string) => pg.ClientConfig

let admin: Promise<Admin> | undefined

const named = (url: string): Admin => {
  const parsed = new URL(url)
  const socket = parsed.searchParams.get('host')
  return (database) => ({
    host: socket ?? parsed.hostname,
    port: Number(parsed.port || 5432),
    user: decodeURIComponent(parsed.username) || 'postgres',
    ...(parsed.password ? { password: decodeURIComponent(parsed.password) } : {}),
    database,
  })
}

const embedded = async (): Promise<Admin> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'ates-test-'))
  const server = await startEmbedded({ dataDir, log: silent })
  endEmbedded = async () => {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  return (database) => server.connection('postgres', database)
}

/** The administrator of the server under test. */
export const adminOf = (): Promise<Admin> => {
  const { ATES_TEST_DATABASE_URL: url } = process.env
  return (admin ??= url ? Promise.resolve(named(url)) : embedded())
}

const asAdmin = async <T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client((await adminOf())(database))
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

export interface TestDatabase extends AsyncDisposable {
  readonly name: string
  /** A pool on one schema, as its own role. The test closes what it opens by disposing the database. */
  open(schema: string, options?: { connections?: number }): Postgres
  connection(schema: string): pg.ClientConfig
  /** Runs statements as an administrator, whom no trigger or right stops. */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  adminConnection: pg.ClientConfig
  /** Closes what was opened and leaves the database where it is. */
  leave(): Promise<void>
}

/** Those of the product. */
export const schemas = ['identity', 'task_tracker', 'accounting', 'operations'] as const

/** A database with them all, brought up to date once for all tests of a run (`tests/support/template.ts`). */
const { ATES_TEST_TEMPLATE: template } = process.env

interface Fresh {
  /** Begin without tables, also where a copy of what was brought up to date before would do. */
  readonly empty?: boolean
}

/**
 * A fresh database with a role and a schema for each name; dropped when disposed. Those of the product may have their
 * tables already: bringing them up to date is most of what a first start takes.
 */
export const freshDatabase = async (
  wanted: readonly string[],
  { empty = false }: Fresh = {},
): Promise<TestDatabase> => {
  const name = `ates_test_${process.pid}_${crypto.randomUUID().slice(0, 8)}`
  const made = template && !empty && schemas.every((schema) => wanted.includes(schema)) ? schemas : []
  const from = made.length > 0 ? `template ${template}` : ''
  await asAdmin('postgres', (client) => client.query(`create database ${name} ${from}`))
  const adminConnection = (await adminOf())(name)
  await prepareDatabase(
    adminConnection,
    wanted.filter((schema) => !(made as readonly string[]).includes(schema)),
  )
  const client = new pg.Client(adminConnection)
  await client.connect()
  const opened: Postgres[] = []
  const connection = (schema: string) => ({ ...adminConnection, ...detour, user: roleOf(schema) })
  const leave = async () => {
    for (const database of opened) await database.close()
    await client.end()
  }
  return {
    name,
    adminConnection,
    connection,
    leave,
    open: (schema, { connections = 20 } = {}) => {
      const database = openPostgres({
        connection: connection(schema),
        schema,
        maxConnections: connections,
        namedStatements,
        log: silent,
      })
      opened.push(database)
      return database
    },
    query: async (text, values = []) => (await client.query(text, values)).rows,
    [Symbol.asyncDispose]: async () => {
      await leave()
      await asAdmin('postgres', (one) => one.query(`drop database if exists ${name} with (force)`))
    },
  }
}
