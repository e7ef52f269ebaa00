// Puts services and adapters together as the configuration says, and stops them in order.
import { localBus } from './adapters/bus/local.ts'
import { natsBus } from './adapters/bus/nats.ts'
import { databaseClock, type Postgres } from './adapters/database/postgres.ts'
import { createMetrics, type Metrics, type MetricsSources } from './adapters/metrics.ts'
import { systemRandom } from './adapters/random.ts'
import { keptSecrets, type Secrets } from './adapters/secrets.ts'
import { betterAuthSignIn } from './adapters/sign-in/better-auth.ts'
import { boundedSignIn } from './adapters/sign-in/bounded.ts'
import { signInTables } from './adapters/sign-in/schema.ts'
import { type HttpTransport, httpTransport } from './adapters/transport/http-client.ts'
import { type Listening, listen, serviceHandler, textHandler } from './adapters/transport/http-server.ts'
import { localTransport } from './adapters/transport/local.ts'
import { type Tokens, tokensOf } from './adapters/transport/token.ts'
import { type Config, serviceNames } from './config.ts'
import { openDatabases } from './databases.ts'
import { serviceRole } from './kernel/contract.ts'
import { type Health, type Host, startHost } from './kernel/host.ts'
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
  /** Services beside our own, each with its database. */
  readonly services?: ReadonlyMap<Service, Database>
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
  /** True for a tool that is to bring the schemas of a running aTES up to date. */
  readonly migrate?: boolean
}

export const startApplication = async (options: ApplicationOptions): Promise<Application> => {
  const ends = new AsyncDisposableStack()
  try {
    return await assemble(options, ends)
  } catch (error) {
    await ends.disposeAsync()
    throw error
  }
}

const assemble = async (
  { config, log, decorations = {}, serve = true, migrate = false }: ApplicationOptions,
  ends: AsyncDisposableStack,
): Promise<Application> => {
  const failed = Promise.withResolvers<string>()
  const { databases, owned } = await openDatabases({ config, log, ends, fail: failed.resolve, join: !serve })
  const secrets = await secretsOf(config)
  const tokens = await tokensOf(secrets.tokenKey)
  const more = decorations.services ?? new Map<Service, Database>()
  const running = [...ownServices(config, databases, secrets), ...more.keys()]
  const bus = (decorations.bus ?? ((one) => one))(config.nats ? natsBus({ ...config.nats, log }) : localBus(log))
  ends.defer(() => bus.close())
  const http = httpTransport({ addresses: config.addresses, tokens })
  const decorate = decorations.database ?? ((one) => one)

  const metrics = config.metricsPort === undefined || !serve ? null : createMetrics()

  let transport: Transport = http
  const host = await startHost({
    services: running,
    database: (service) => decorate(more.get(service) ?? databaseOf(databases, service)),
    bus,
    connect: (local) => (transport = localTransport(local, http)),
    clock: decorations.clock ?? databaseClock,
    random: decorations.random ?? systemRandom,
    log,
    migrate: config.migrate && (serve || owned || migrate),
    loops: serve,
    replicas: config.databases !== null,
    ...(metrics ? { called: metrics.called } : {}),
  })
  ends.defer(() => host.stop())
  if (metrics) await listenForMetrics(config, metrics, { ...host, breakers: http.breakers }, ends)
  const listening = serve
    ? await listenFor({ config, host, services: running, transport, http, tokens, bus, ends, log })
    : null
  if (listening) ends.defer(() => listening.close())
  const url = listening && `http://${config.host}:${listening.port}`
  return {
    host,
    url,
    failed: failed.promise,
    firstAdministratorLink: () => firstAdministratorLink(host, config.publicUrl ?? url),
    stop: () => ends.disposeAsync(),
    [Symbol.asyncDispose]: () => ends.disposeAsync(),
  }
}

const databaseOf = (databases: ReadonlyMap<string, Postgres>, service: Service): Postgres => {
  const database = databases.get(service.schema)
  if (!database) throw new Error(`no database for ${service.name}`)
  return database
}

const secretsOf = async (config: Config): Promise<Secrets> => {
  const { tokenKey, signInSecret: signIn } = config
  if (tokenKey && (signIn || !config.run.includes('identity'))) return { tokenKey, signIn: signIn ?? '' }
  const kept = await keptSecrets(config.dataDir)
  return { tokenKey: tokenKey ?? kept.tokenKey, signIn: signIn ?? kept.signIn }
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
    signIn: boundedSignIn(betterAuthSignIn({ kysely, schema, secret: secrets.signIn })),
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
  readonly bus: Bus
  readonly ends: AsyncDisposableStack
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

/** On a port of its own, which need not be public. */
const listenForMetrics = async (
  config: Config,
  metrics: Metrics,
  sources: MetricsSources,
  ends: AsyncDisposableStack,
) => {
  const answer = textHandler('/metrics', () => metrics.scrape(sources))
  const listening = await listen(answer, { hostname: config.host, port: config.metricsPort ?? 0 })
  ends.defer(() => listening.close())
}

const webHandlerOf = async ({ config, host, bus, ends, services: running, transport, http, log }: Listened) => {
  const { followPeople, webHandler } = await import('./services/web/service.ts')
  ends.defer(await followPeople(bus, host))
  const local = new Map(running.map((service) => [service.name, publish(service)]))
  const names = [...new Set([...local.keys(), ...Object.keys(config.addresses)])]
  return webHandler({
    directory: { services: names, published: async (name) => local.get(name) ?? http.published(name) },
    transport,
    call: host.call,
    log,
    timeZone: config.timeZone,
    secure: config.publicUrl?.startsWith('https:') ?? false,
    publicUrl: config.publicUrl,
    now: () => new Date(),
    health: () => healthOf(host, http),
  })
}

/** An open breaker is said, but it does not make this process unable to serve. */
const healthOf = async (host: Host, http: HttpTransport): Promise<Health> => {
  const { ready, troubles } = await host.health()
  const breakers = Object.entries(http.breakers()).filter(([, state]) => state !== 'closed')
  const said = breakers.map(([service, state]) => [`calls to ${service}`, `the circuit breaker is ${state}`])
  return { ready, troubles: { ...troubles, ...(Object.fromEntries(said) as Health['troubles']) } }
}

const serviceHandlerOf = ({ config, host, services: running, http, tokens, log }: Listened) => {
  const [service] = running
  const execute = service && host.local.get(service.name)
  if (!service || !execute || config.run.length !== 1) throw new Error('one service per process, or all with web')
  const { document } = publish(service)
  return serviceHandler({ service: service.name, document, execute, tokens, health: () => healthOf(host, http), log })
}

const firstAdministratorLink = async (host: Host, url: string | null): Promise<string | null> => {
  if (!host.local.has('identity') || url === null) return null
  const behalf = { actor: { id: null, role: serviceRole }, requestId: 'first-run' }
  const { token } = must(await host.call(identity.issueFirstAdministratorLink, {}, behalf))
  return token && `${url}/first-run?token=${token}`
}
