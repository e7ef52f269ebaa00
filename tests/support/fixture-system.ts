// The fixture services in this process on a fresh database, with whatever a test wraps around the ports.
import assert from 'node:assert/strict'
import { localBus } from '../../adapters/bus/local.ts'
import { databaseClock } from '../../adapters/database/postgres.ts'
import { systemRandom } from '../../adapters/random.ts'
import { localTransport } from '../../adapters/transport/local.ts'
import type { Behalf } from '../../kernel/caller.ts'
import { serviceRole } from '../../kernel/contract.ts'
import { type Host, type HostOptions, startHost } from '../../kernel/host.ts'
import { migrate } from '../../kernel/migrations.ts'
import type { Bus, Database, Log } from '../../kernel/ports.ts'
import { must } from '../../kernel/result.ts'
import type { Service } from '../../kernel/service.ts'
import { archiveService, archiveTables, author, authorService, authorTables, writer } from './fixture-service.ts'
import { freshDatabase, type TestDatabase } from './server.ts'
import { silent } from './silent.ts'

export const fixtureSchemas = ['author', 'archive'] as const

/** A fresh database with the tables of both fixture services. */
export const fixtureDatabase = async (): Promise<TestDatabase> => {
  const database = await freshDatabase(fixtureSchemas)
  await migrate(database.open('author', { connections: 1 }), authorTables)
  await migrate(database.open('archive', { connections: 1 }), archiveTables)
  return database
}

export interface FixtureOptions {
  readonly services?: readonly Service[]
  readonly bus?: Bus
  readonly decorate?: (database: Database) => Database
  readonly log?: Log
  /** False leaves relays, consumers and jobs out. */
  readonly loops?: boolean
}

/** What a host of the fixture services is started with, and how to end its connections. */
export const fixtureHost = (database: TestDatabase, options: FixtureOptions = {}) => {
  const { decorate = (one) => one, bus = localBus(), log = silent, loops = true } = options
  const services = options.services ?? [authorService(), archiveService()]
  const opened = new Map(services.map(({ schema }) => [schema, database.open(schema)]))
  const decorated = new Map([...opened].map(([schema, one]) => [schema, decorate(one)]))
  const parts: HostOptions = {
    services,
    database: ({ schema }) => decorated.get(schema) as Database,
    bus,
    connect: (local) => localTransport(local),
    clock: databaseClock,
    random: systemRandom,
    log,
    migrate: true,
    loops,
  }
  let closing: Promise<unknown> | undefined
  const close = async () => void (await (closing ??= Promise.all([...opened.values()].map((one) => one.close()))))
  return { parts, close }
}

/** Runs the fixture services on a database that the test keeps; stopping ends the connections, too. */
export const startFixture = async (database: TestDatabase, options: FixtureOptions = {}): Promise<Host> => {
  const { parts, close } = fixtureHost(database, options)
  const host = await startHost(parts).catch(async (error: unknown) => {
    await close()
    throw error
  })
  const stop = async () => {
    await host.stop()
    await close()
  }
  return { ...host, stop, [Symbol.asyncDispose]: stop }
}

export const asWriter = (more: Partial<Behalf> = {}): Behalf => ({
  actor: writer,
  requestId: 'a-test',
  timeoutMs: 20_000,
  ...more,
})
export const asOperator: Behalf = { actor: { id: null, role: serviceRole }, requestId: 'a-test', timeoutMs: 20_000 }

export const write = async (host: Host, page: number, ...texts: string[]): Promise<number> =>
  must(await host.call(author.write, { page, texts }, asWriter())).lines

/** What the archive kept for a consumer, in the order in which it was written. */
export const keptBy = async (database: TestDatabase, consumer = 'KeepLines'): Promise<number[]> => {
  const rows = await database.query<{ number: string }>(
    'select number from archive.kept where consumer = $1 order by id',
    [consumer],
  )
  return rows.map(({ number }) => Number(number))
}

export const upTo = (count: number, from = 1): number[] => Array.from({ length: count }, (_, index) => from + index)

/** Like deepEqual with 1..count, but says where they first differ instead of listing thousands. */
export const assertCounts = (seen: readonly number[], count: number): void => {
  const wrong = seen.findIndex((number, index) => number !== index + 1)
  const around = wrong < 0 ? '' : `; after ${wrong} comes ${seen.slice(wrong, wrong + 5).join(', ')}`
  assert.ok(wrong < 0 && seen.length === count, `${seen.length} of ${count} are there${around}`)
}
