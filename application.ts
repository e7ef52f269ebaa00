// Puts services and adapters together as the configuration says, and stops them in order.
import { setTimeout as delay } from 'node:timers/promises'
import { alertParts, guardWatcher, type WatcherGuard } from './alarm.ts'
import { localBus } from './adapters/bus/local.ts'
import { databaseClock, type Postgres } from './adapters/database/postgres.ts'
import type { Metrics } from './adapters/metrics.ts'
import { systemRandom } from './adapters/random.ts'
import { keptSecrets, type Secrets } from './adapters/secrets.ts'
import { betterAuthSignIn } from './adapters/sign-in/better-auth.ts'
import { boundedSignIn } from './adapters/sign-in/bounded.ts'
import { passwordBlocklist } from './adapters/sign-in/password-blocklist.ts'
import { signInMigrations } from './adapters/sign-in/migrations.ts'
import { signInThrottle } from './adapters/sign-in/throttle.ts'
import { tracedDatabase, tracedLog, tracedTransport } from './adapters/tracing/traced.ts'
import { type HttpTransport, httpTransport } from './adapters/transport/http-client.ts'
import { localTransport } from './adapters/transport/local.ts'
import { tokensOf } from './adapters/transport/token.ts'
import { type Config, serviceNames } from './config.ts'
import { openDatabases } from './databases.ts'
import { startListening } from './listening.ts'
import { stopWithin } from './stopping.ts'
import { serviceRole } from './kernel/contract.ts'
import { type Health, type Host, startHost } from './kernel/host.ts'
import type { Bus, Clock, Database, Log, Random, Tracing, Transport } from './kernel/ports.ts'
import { must } from './kernel/result.ts'
import type { Service } from './kernel/service.ts'
import { identity } from './services/identity/contract.ts'
import { type IdentityParts, recordSecurityEvents } from './services/identity/service.ts'
import { services } from './services.ts'
import type { Visitor } from './services/web/visit.tsx'

/** What tests exchange or wrap. */
export interface Decorations {
  readonly database?: (database: Database) => Database
  readonly bus?: (bus: Bus) => Bus
  /** The way to services in other processes. */
  readonly transport?: (transport: Transport) => Transport
  readonly clock?: Clock
  readonly random?: Random
  /** Makes another version of one of our services. */
  readonly service?: (service: Service) => Service
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
  /** Throws `StopError` when it has stopped, but not in order. */
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
  /** For a demo: whom its sign-in page lets in by one press. */
  readonly visitors?: () => readonly Visitor[]
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
  { config, log: given, decorations = {}, serve = true, migrate = false, visitors }: ApplicationOptions,
  ends: AsyncDisposableStack,
): Promise<Application> => {
  const failed = Promise.withResolvers<string>()
  const { tracing, log } = await tracingOf({ config, log: given }, ends)
  const { databases, owned } = await openDatabases({ config, log, ends, fail: failed.resolve, join: !serve })
  const secrets = await secretsOf(config)
  const tokens = await tokensOf(secrets.tokenKey)
  const more = decorations.services ?? new Map<Service, Database>()
  const own = ownServices(config, databases, secrets).map(decorations.service ?? ((one) => one))
  const running = [...own, ...more.keys()]
  const bus = (decorations.bus ?? ((one) => one))(await busOf(config, secrets, log))
  ends.defer(() => bus.close())
  const http = httpTransport({ addresses: config.addresses, tokens })
  const decorate = decorations.database ?? ((one) => one)
  const others = outward(http, decorations, tracing)

  const metrics = serve ? await metricsOf(config) : null

  let transport: Transport = http
  const host = await startHost({
    services: running,
    database: (service) => {
      const database = decorate(more.get(service) ?? databaseOf(databases, service))
      return tracing ? tracedDatabase(database, tracing) : database
    },
    bus,
    connect: (local) => (transport = localTransport(local, others)),
    clock: decorations.clock ?? databaseClock,
    random: decorations.random ?? systemRandom,
    log,
    // A tool that is asked to does it where processes do not.
    migrate: migrate || (config.migrate && (serve || owned)),
    loops: serve,
    replicas: config.databases !== null,
    breakers: http.breakers,
    ...(metrics ? { called: metrics.called, fetched: metrics.fetched } : {}),
    ...(tracing ? { tracing } : {}),
  })
  ends.defer(() => host.stop())
  const guard = serve && seesOperations(config) ? guardWatcher(host, log) : null
  if (guard) ends.defer(() => guard.stop())
  const draining = drainOf(config.drainMs)
  const healths = healthsOf({ host, http, guard, draining })
  const parts = { config, host, services: running, transport, tokens, http, ...healths, bus, tracing, ends, log }
  const url = serve ? await startListening({ ...parts, metrics, visitors }) : null
  if (serve) ends.defer(draining.begin)
  const limitMs = config.drainMs + config.stopMs
  let stopped: Promise<void> | null = null
  const stop = () => (stopped ??= stopWithin({ ends, databases: databases.values(), limitMs, log }))
  return {
    host,
    url,
    failed: failed.promise,
    firstAdministratorLink: () => firstAdministratorLink(host, config.publicUrl ?? url),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

const outward = (http: Transport, { transport = (one) => one }: Decorations, tracing: Tracing | null): Transport =>
  tracing ? tracedTransport(transport(http), tracing) : transport(http)

/** The library is loaded only where it is used. Whatever stops later is still told. */
const tracingOf = async (
  { config: { tracing, run }, log }: Pick<ApplicationOptions, 'config' | 'log'>,
  ends: AsyncDisposableStack,
): Promise<{ tracing: Tracing | null; log: Log }> => {
  if (!tracing) return { tracing: null, log }
  const { startOpenTelemetry } = await import('./adapters/tracing/open-telemetry.ts')
  const name = run.length === 1 ? `ates-${run[0]}` : 'ates'
  const started = startOpenTelemetry({ ...tracing, name, log })
  ends.defer(started.stop)
  return { tracing: started.tracing, log: tracedLog(log, started.tracing) }
}

/** What a process does not need it does not load: that would be much of its start. */
const busOf = async ({ nats }: Config, { tokenKey }: Secrets, log: Log): Promise<Bus> => {
  if (!nats) return localBus(log)
  const { marksBy, natsBus } = await import('./adapters/bus/nats.ts')
  return natsBus({ ...nats, marks: marksBy(tokenKey), log })
}

const metricsOf = async ({ metricsPort }: Config): Promise<Metrics | null> => {
  if (metricsPort === undefined) return null
  const { createMetrics } = await import('./adapters/metrics.ts')
  return createMetrics()
}

const seesOperations = ({ run, addresses }: Config): boolean =>
  run.includes('operations') || addresses.operations !== undefined

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
  const parts = {
    timeZone: config.timeZone,
    identity: () => identityParts(databases, secrets),
    alerts: () => alertParts(config),
  }
  return serviceNames.filter((name) => config.run.includes(name)).map((name) => services[name](parts))
}

const identityParts = (databases: ReadonlyMap<string, Postgres>, secrets: Secrets): IdentityParts => {
  const schema = 'identity'
  const database = databases.get(schema)
  if (!database) throw new Error('identity has no database')
  const { kysely } = database
  const library = betterAuthSignIn({ kysely, schema, secret: secrets.signIn })
  return {
    signIn: boundedSignIn(library),
    sessions: library,
    throttle: signInThrottle(kysely, schema),
    passwordBlocklist,
    record: recordSecurityEvents(database),
    signInMigrations: signInMigrations(schema),
  }
}

/** Who goes says so first and serves meanwhile: a load balancer that still sends somebody would lose them. */
const drainOf = (ms: number) => {
  let begun = false
  return {
    begin: async (): Promise<void> => {
      begun = true
      if (ms > 0) await delay(ms)
    },
    said: (health: Health): Health =>
      begun ? { ready: false, troubles: { ...health.troubles, 'this process': 'it is about to stop' } } : health,
  }
}

interface Healths {
  readonly host: Host
  readonly http: HttpTransport
  readonly guard: WatcherGuard | null
  readonly draining: ReturnType<typeof drainOf>
}

/** How this process is, and how it is beside its breakers. */
const healthsOf = ({ host, http, guard, draining }: Healths) => {
  const ownHealth = async () => draining.said(await healthOf(host, guard))
  return { ownHealth, health: async () => withBreakers(await ownHealth(), http) }
}

/** A dead watcher is said, but it does not make this process unable to serve. */
const healthOf = async (host: Host, guard: WatcherGuard | null): Promise<Health> => {
  const { ready, troubles } = await host.health()
  const watcher = guard?.trouble() ?? null
  return { ready, troubles: { ...troubles, ...(watcher === null ? {} : { 'the watcher': watcher }) } }
}

/** No more does an open breaker: what needs the other side is refused, and all else works. */
const withBreakers = ({ ready, troubles }: Health, http: HttpTransport): Health => {
  const breakers = Object.entries(http.breakers()).filter(([, state]) => state !== 'closed')
  const said = breakers.map(([service, state]) => [`calls to ${service}`, `the circuit breaker is ${state}`])
  return { ready, troubles: { ...troubles, ...(Object.fromEntries(said) as Health['troubles']) } }
}

const firstAdministratorLink = async (host: Host, url: string | null): Promise<string | null> => {
  if (!host.local.has('identity') || url === null) return null
  const behalf = { actor: { id: null, role: serviceRole }, requestId: 'first-run' }
  const { token } = must(await host.call(identity.issueFirstAdministratorLink, {}, behalf))
  return token && `${url}/first-run?token=${token}`
}
