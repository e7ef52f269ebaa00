// Puts services and adapters together as the configuration says, and stops them in order.
import type pg from 'pg'
import { localBus } from './adapters/bus/local.ts'
import { type EmbeddedServer, startEmbedded } from './adapters/database/embedded.ts'
import { databaseClock, openPostgres, type Postgres } from './adapters/database/postgres.ts'
import { missingSettings, prepareDatabase, roleOf } from './adapters/database/prepare.ts'
import { systemRandom } from './adapters/random.ts'
import { keptSecrets, type Secrets } from './adapters/secrets.ts'
import { betterAuthSignIn } from './adapters/sign-in/better-auth.ts'
import { signInTables } from './adapters/sign-in/schema.ts'
import { type HttpTransport, httpTransport } from './adapters/transport/http-client.ts'
import { type Listening, listen, serviceHandler } from './adapters/transport/http-server.ts'
import { localTransport } from './adapters/transport/local.ts'
import { type Tokens, tokensOf } from './adapters/transport/token.ts'
import { type Config, type ServiceName, serviceNames } from './config.ts'
import { serviceRole } from './kernel/contract.ts'
import { type Host, startHost } from './kernel/host.ts'
import { describeContract, type Published, publishedBy } from './kernel/openapi.ts'
import type { Bus, Clock, Database, Log, Random, Transport } from './kernel/ports.ts'
import { must } from './kernel/result.ts'
import type { Service } from './kernel/service.ts'
import { standardContract } from './kernel/standard.ts'
import { identity } from './services/identity/contract.ts'
import { services } from './services.ts'

/** What tests exchange or wrap. */
export interface Decorations {
  readonly database?: (database: Database) => Database
  readonly bus?: (bus: Bus) => Bus
  readonly clock?: Clock
  readonly random?: Random
  /** Services beside our own. */
  readonly services?: readonly Service[]
}

export interface Application extends AsyncDisposable {
  readonly host: Host
  /** Where it listens; null for tools. */
  readonly url: string | null
  /** The link that makes the first administrator, while there is none and identity runs here. */
  firstAdministratorLink(): Promise<string | null>
  /** Resolves with the reason when it cannot go on. */
  readonly failed: Promise<string>
  stop(): Promise<void>
}

export interface ApplicationOptions {
  readonly config: Config
  readonly log: Log
  readonly decorations?: Decorations
  /** False for tools: no port, no relays, consumers and jobs. */
  readonly serve?: boolean
}

/** Ends what was begun, last first, whatever happens to each. */
const ending = () => {
  const ends: (() => Promise<unknown>)[] = []
  let ended: Promise<void> | undefined
  const endAll = async () => {
    for (const end of ends.reverse()) await end()
  }
  return { add: (end: () => Promise<unknown>) => ends.push(end), end: () => (ended ??= endAll()) }
}

export const startApplication = async (options: ApplicationOptions): Promise<Application> => {
  const ends = ending()
  try {
    return await assemble(options, ends)
  } catch (error) {
    await ends.end()
    throw error
  }
}

const assemble = async (
  { config, log, decorations = {}, serve = true }: ApplicationOptions,
  ends: ReturnType<typeof ending>,
): Promise<Application> => {
  const failed = Promise.withResolvers<string>()
  const databases = await openDatabases(config, log, ends, failed.resolve)
  const secrets = await secretsOf(config)
  const tokens = await tokensOf(secrets.tokenKey)
  const running = [...ownServices(config, databases, secrets), ...(decorations.services ?? [])]
  const bus = (decorations.bus ?? ((one) => one))(localBus())
  ends.add(() => bus.close())
  const http = httpTransport({ addresses: config.addresses, tokens })
  const decorate = decorations.database ?? ((one) => one)

  let transport: Transport = http
  const host = await startHost({
    services: running,
    database: (service) => decorate(databaseOf(databases, service)),
    bus,
    connect: (local) => (transport = localTransport(local, http)),
    clock: decorations.clock ?? databaseClock,
    random: decorations.random ?? systemRandom,
    log,
    migrate: config.migrate,
    loops: serve,
  })
  ends.add(() => host.stop())
  const listening = serve ? await listenFor({ config, host, services: running, transport, http, tokens, log }) : null
  if (listening) ends.add(() => listening.close())
  const url = listening && `http://${config.host}:${listening.port}`
  return {
    host,
    url,
    failed: failed.promise,
    firstAdministratorLink: () => firstAdministratorLink(host, config.publicUrl ?? url),
    stop: ends.end,
    [Symbol.asyncDispose]: ends.end,
  }
}

const databaseOf = (databases: ReadonlyMap<string, Postgres>, service: Service): Postgres => {
  const database = databases.get(service.schema)
  if (!database) throw new Error(`no database for ${service.name}`)
  return database
}

const schemaOf = (name: string): string => name.replaceAll('-', '_')

type Connections = Readonly<Record<string, pg.PoolConfig>>

const openDatabases = async (
  config: Config,
  log: Log,
  ends: ReturnType<typeof ending>,
  fail: (reason: string) => void,
): Promise<ReadonlyMap<string, Postgres>> => {
  const own = serviceNames.filter((name) => config.run.includes(name)).map(schemaOf)
  const connections = config.databases ? await external(config, own, log) : await embedded(config, own, log, ends, fail)
  const open = Object.entries(connections).map(([schema, connection]): [string, Postgres] => [
    schema,
    openPostgres({ connection, schema, maxConnections: config.connections, namedStatements: config.namedStatements, log }),
  ])
  for (const [, database] of open) ends.add(() => database.close())
  return new Map(open)
}

const external = async (config: Config, schemas: readonly string[], log: Log): Promise<Connections> => {
  const connections = Object.fromEntries(
    schemas.map((schema) => [schema, { connectionString: config.databases?.[schema.replaceAll('_', '-') as ServiceName] }]),
  )
  for (const [schema, connection] of Object.entries(connections)) {
    const missing = await missingSettings(connection as pg.ClientConfig)
    if (missing.length > 0) log.warn({ schema, mend: missing }, 'a stopped process could hold locks for ever: the database role has no limits')
  }
  return connections as Connections
}

const database = 'ates'

/** The embedded server with a role and a schema for each service; restarted when it is killed under us. */
const embedded = async (
  config: Config,
  schemas: readonly string[],
  log: Log,
  ends: ReturnType<typeof ending>,
  fail: (reason: string) => void,
): Promise<Connections> => {
  let server = await startEmbedded({ dataDir: config.dataDir, log })
  let stopping = false
  ends.add(async () => {
    stopping = true
    await server.stop()
  })
  const watch = async (watched: EmbeddedServer): Promise<void> => {
    const reason = await watched.died
    if (stopping) return
    log.error({ reason }, 'the embedded database ended, starting it again')
    try {
      server = await startEmbedded({ dataDir: config.dataDir, log })
      if (stopping) return void (await server.stop())
      void watch(server)
    } catch (error) {
      fail(`the embedded database ended (${reason}) and did not start again: ${String(error)}`)
    }
  }
  void watch(server)
  await ensureDatabase(server)
  const prepared = await prepareDatabase(server.connection('postgres', database), schemas)
  return Object.fromEntries(prepared.map(({ schema }) => [schema, server.connection(roleOf(schema), database)]))
}

const ensureDatabase = async (server: EmbeddedServer): Promise<void> => {
  const { default: driver } = await import('pg')
  const client = new driver.Client(server.connection('postgres', 'postgres'))
  await client.connect()
  try {
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [database])
    if (rows.length === 0) await client.query(`create database ${database}`)
  } finally {
    await client.end()
  }
}

const secretsOf = async (config: Config): Promise<Secrets> => {
  if (config.tokenKey) return { tokenKey: config.tokenKey, signIn: config.signInSecret ?? '' }
  const kept = await keptSecrets(config.dataDir)
  return { tokenKey: kept.tokenKey, signIn: config.signInSecret ?? kept.signIn }
}

const ownServices = (config: Config, databases: ReadonlyMap<string, Postgres>, secrets: Secrets): Service[] => {
  const parts = { timeZone: config.timeZone, identity: () => identityParts(databases, secrets) }
  return serviceNames.filter((name) => config.run.includes(name)).map((name) => services[name](parts))
}

const identityParts = (databases: ReadonlyMap<string, Postgres>, secrets: Secrets) => {
  const schema = 'identity'
  const kysely = databases.get(schema)?.kysely
  if (!kysely) throw new Error('identity has no database')
  return {
    signIn: betterAuthSignIn({ kysely, schema, secret: secrets.signIn }),
    signInMigrations: { '0002-sign-in': signInTables(schema) },
  }
}

interface Listened {
  readonly config: Config
  readonly host: Host
  readonly services: readonly Service[]
  readonly transport: Transport
  readonly http: HttpTransport
  readonly tokens: Tokens
  readonly log: Log
}

const publish = ({ name, contract }: Service): Published =>
  publishedBy(name, describeContract(name, contract, standardContract(name)))

/** Web listens where it runs; otherwise the one service of this process does. */
const listenFor = async (parts: Listened): Promise<Listening> => {
  const { config } = parts
  const handler = config.run.includes('web') ? await webHandlerOf(parts) : serviceHandlerOf(parts)
  return listen(handler, { hostname: config.host, port: config.port })
}

const webHandlerOf = async ({ config, host, services: running, transport, http, log }: Listened) => {
  const { webHandler } = await import('./services/web/service.ts')
  const local = new Map(running.map((service) => [service.name, publish(service)]))
  const names = [...new Set([...local.keys(), ...Object.keys(config.addresses)])]
  return webHandler({
    directory: { services: names, published: async (name) => local.get(name) ?? http.published(name) },
    transport,
    call: host.call,
    log,
    timeZone: config.timeZone,
    secure: config.publicUrl?.startsWith('https:') ?? false,
    now: () => new Date(),
    health: () => host.health(),
  })
}

const serviceHandlerOf = ({ config, host, services: running, tokens, log }: Listened) => {
  const [service] = running
  const execute = service && host.local.get(service.name)
  if (!service || !execute || config.run.length !== 1) throw new Error('one service per process, or all with web')
  const { document } = publish(service)
  return serviceHandler({ service: service.name, document, execute, tokens, health: () => host.health(), log })
}

const firstAdministratorLink = async (host: Host, url: string | null): Promise<string | null> => {
  if (!host.local.has('identity') || url === null) return null
  const behalf = { actor: { id: null, role: serviceRole }, requestId: 'first-run' }
  const { token } = must(await host.call(identity.issueFirstAdministratorLink, {}, behalf))
  return token && `${url}/first-run?token=${token}`
}
