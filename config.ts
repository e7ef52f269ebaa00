// The environment as one frozen, typed, validated value. Nobody else reads process.env.
import { resolve } from 'node:path'
import { z } from 'zod'
import { defaultDataDir } from './adapters/database/embedded.ts'
import { settings } from './settings.ts'

export const processes = ['identity', 'task-tracker', 'accounting', 'operations', 'web'] as const
export type ProcessName = (typeof processes)[number]
export type ServiceName = Exclude<ProcessName, 'web'>
export const serviceNames = [
  'identity',
  'task-tracker',
  'accounting',
  'operations',
] as const satisfies readonly ServiceName[]

export interface Config {
  readonly run: readonly ProcessName[]
  readonly host: string
  readonly port: number
  readonly metricsPort: number | undefined
  readonly publicUrl: string | undefined
  /** Proxies of ours, as addresses or networks. */
  readonly proxies: readonly string[]
  readonly dataDir: string
  readonly timeZone: string
  readonly logLevel: string
  readonly databases: Readonly<Record<ServiceName, string>> | null
  readonly connections: number
  readonly namedStatements: boolean
  readonly migrate: boolean
  /** How long to serve, not ready, before stopping. */
  readonly drainMs: number
  /** How long a stop may take in order, after that. */
  readonly stopMs: number
  readonly nats: { readonly url: string; readonly prefix: string; readonly replicas: number } | null
  readonly addresses: Readonly<Partial<Record<ServiceName, string>>>
  /** How alerts are told outside. */
  readonly alerts: {
    readonly webhook: { readonly url: string; readonly secret: string | undefined } | null
    readonly mail: { readonly server: string; readonly from: string; readonly to: readonly string[] } | null
    readonly heartbeatUrl: string | undefined
    readonly repeatMs: number
  }
  readonly tokenKey: Readonly<Record<string, string>> | undefined
  readonly signInSecret: string | undefined
  /** Where traces are sent, and which share of them; null when nothing is traced. */
  readonly tracing: { readonly url: string; readonly share: number } | null
}

/** Wrong settings, all at once: one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly lines: readonly string[]
  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

const portOf: Record<ProcessName, number> = {
  web: 4000,
  identity: 4001,
  'task-tracker': 4002,
  accounting: 4003,
  operations: 4004,
}

/** The name of a setting of one service, or of its schema. */
export const variable = (service: string, what: string): string =>
  `ATES_${service.toUpperCase().replaceAll('-', '_')}_${what}`

const perService = (settings: Readonly<Record<string, unknown>>, what: string): Partial<Record<ServiceName, string>> =>
  Object.fromEntries(
    serviceNames.flatMap((name) => {
      const value = settings[variable(name, what)]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )

const missingDatabase = (name: ServiceName, apart: boolean): string => {
  const needed = `${variable(name, 'DATABASE_URL')} is needed`
  // Who upgrades has given the others for long, and never heard of this one.
  if (name === 'operations')
    return `${needed}: operations watches the other services and keeps what it sees in schema operations, by role ates_operations; it may be in the same database as theirs`
  return `${needed}: ${apart ? 'services that run apart' : 'services'} need a database server each can reach`
}

/** Nobody calls operations but the pages and the public API. */
const calls = (run: readonly ProcessName[], name: ServiceName): boolean => name !== 'operations' || run.includes('web')

/** What is missing for these processes to work together. */
const missing = (run: readonly ProcessName[], given: Readonly<Record<string, string | undefined>>): string[] => {
  const lines: string[] = []
  const own = serviceNames.filter((name) => run.includes(name))
  const databases = perService(given, 'DATABASE_URL')
  const apart = run.length < processes.length
  if (apart || Object.keys(databases).length > 0) {
    for (const name of own) if (!databases[name]) lines.push(missingDatabase(name, apart))
  }
  if (!apart) return lines
  const addresses = perService(given, 'URL')
  for (const name of serviceNames)
    if (!run.includes(name) && !addresses[name] && calls(run, name))
      lines.push(`${variable(name, 'URL')} is needed, because ${name} does not run in this process`)
  if (!given['ATES_TOKEN_KEY'])
    lines.push('ATES_TOKEN_KEY is needed when services run apart; `npm run ates -- new-key` makes one')
  if (run.includes('identity') && !given['ATES_SIGN_IN_SECRET'])
    lines.push('ATES_SIGN_IN_SECRET is needed when services run apart')
  return lines
}

const unknownSettings = (environment: Readonly<Record<string, string | undefined>>): string[] =>
  Object.keys(environment)
    .filter((name) => name.startsWith('ATES_') && !(name in settings.shape) && !name.startsWith('ATES_TEST_'))
    .map((name) => `${name} is not a setting of aTES`)

const wrongProcesses = (names: readonly string[]): string[] =>
  names
    .filter((name) => !processes.some((known) => known === name))
    .map((name) => `${name} is not a service; there are ${processes.join(', ')}`)

const wrongTogether = (names: readonly string[]): string[] =>
  names.length > 1 && !names.includes('web')
    ? [`${names.join(' and ')} cannot share a process without web: name one of them, or none to run all`]
    : []

/** What makes sense with another setting only, which is not given. */
const alone = (given: Readonly<Record<string, string | undefined>>): string[] => {
  const mail = ['SERVER', 'FROM', 'TO'].map((what) => `ATES_ALERT_MAIL_${what}`)
  const wanting = mail.some((name) => given[name]) ? mail.filter((name) => !given[name]) : []
  return [
    ...wanting.map((name) => `${name} is needed to send alerts as e-mail`),
    ...(given['ATES_ALERT_WEBHOOK_SECRET'] && !given['ATES_ALERT_WEBHOOK_URL']
      ? ['ATES_ALERT_WEBHOOK_URL is needed: there is a secret for it']
      : []),
  ]
}

/** Two of ours on one port: said here, because the second one finds it in use. */
const samePort = (config: Config): string[] =>
  config.metricsPort === config.port && config.port !== 0
    ? [`ATES_METRICS_PORT must be another port than ATES_PORT, which is ${config.port}`]
    : []

/** Reads the settings for the named services, or for all. Throws `ConfigError` with a line for everything wrong. */
export const readConfig = (
  names: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Config => {
  const run = (names.length > 0 ? names : processes) as readonly ProcessName[]
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = z.safeParse(settings, given)
  const config = parsed.success ? configOf(run, parsed.data, environment['XDG_DATA_HOME']) : null
  const strangers = wrongProcesses(names)
  const lines = [
    ...strangers,
    ...wrongTogether(names),
    ...unknownSettings(environment),
    ...(parsed.error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? []),
    ...alone(given),
    // What processes need that do not exist, nobody knows.
    ...(strangers.length > 0 ? [] : [...(config ? samePort(config) : []), ...missing(run, given)]),
  ]
  if (!config || lines.length > 0) throw new ConfigError(lines)
  return Object.freeze(config)
}

const tracingOf = (given: z.output<typeof settings>): Config['tracing'] => {
  const base = given.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/$/, '')
  const url = given.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base}/v1/traces`)
  return url && !given.OTEL_SDK_DISABLED ? { url, share: given.OTEL_TRACES_SAMPLER_ARG } : null
}

const configOf = (
  run: readonly ProcessName[],
  given: z.output<typeof settings>,
  userData: string | undefined,
): Config => {
  const databases = perService(given, 'DATABASE_URL')
  const alone = run.length === 1 ? run[0] : undefined
  return {
    run,
    host: given.ATES_HOST,
    port: given.ATES_PORT ?? (alone ? portOf[alone] : portOf.web),
    metricsPort: given.ATES_METRICS_PORT,
    publicUrl: given.ATES_PUBLIC_URL?.replace(/\/$/, ''),
    proxies: given.ATES_TRUSTED_PROXIES ?? [],
    dataDir: resolve(given.ATES_DATA_DIR ?? defaultDataDir(userData)),
    timeZone: given.ATES_TIME_ZONE,
    logLevel: given.ATES_LOG_LEVEL,
    databases:
      Object.keys(databases).length > 0 || run.length < processes.length
        ? (databases as Record<ServiceName, string>)
        : null,
    connections: given.ATES_DATABASE_CONNECTIONS,
    namedStatements: given.ATES_NAMED_STATEMENTS,
    migrate: given.ATES_MIGRATE,
    drainMs: given.ATES_DRAIN_SECONDS * 1_000,
    stopMs: given.ATES_STOP_SECONDS * 1_000,
    nats: given.ATES_NATS_URL
      ? { url: given.ATES_NATS_URL, prefix: given.ATES_NATS_PREFIX, replicas: given.ATES_NATS_REPLICAS }
      : null,
    addresses: perService(given, 'URL'),
    alerts: alertsOf(given),
    tokenKey: given.ATES_TOKEN_KEY,
    signInSecret: given.ATES_SIGN_IN_SECRET,
    tracing: tracingOf(given),
  }
}

const alertsOf = (given: z.output<typeof settings>): Config['alerts'] => {
  const { ATES_ALERT_WEBHOOK_URL: hook, ATES_ALERT_WEBHOOK_SECRET: secret } = given
  const { ATES_ALERT_MAIL_SERVER: server, ATES_ALERT_MAIL_FROM: from, ATES_ALERT_MAIL_TO: to } = given
  return {
    webhook: hook ? { url: hook, secret } : null,
    mail: server && from && to ? { server, from, to } : null,
    heartbeatUrl: given.ATES_ALERT_HEARTBEAT_URL,
    repeatMs: given.ATES_ALERT_REPEAT_MINUTES * 60_000,
  }
}
