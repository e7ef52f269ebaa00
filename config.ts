// The environment as one frozen, typed, validated value. Nobody else reads process.env.
import { z } from 'zod'
import { defaultDataDir } from './adapters/database/embedded.ts'

export const processes = ['identity', 'task-tracker', 'accounting', 'web'] as const
export type ProcessName = (typeof processes)[number]
export type ServiceName = Exclude<ProcessName, 'web'>
export const serviceNames = ['identity', 'task-tracker', 'accounting'] as const satisfies readonly ServiceName[]

const port = z.coerce
  .number('must be a port number')
  .pipe(z.int('must be a whole number').min(0, 'must be 0 to 65535').max(65_535, 'must be 0 to 65535'))
const isTimeZone = (name: string): boolean => {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}
const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `must be a URL with ${protocols.join(' or ')}`,
    )
const servers = z
  .string()
  .refine(
    (text) => text.split(',').every((one) => URL.canParse(one) && ['nats:', 'tls:'].includes(new URL(one).protocol)),
    'must be nats:// URLs, separated by commas',
  )
const database = url('postgres:', 'postgresql:').optional()
const address = url('http:', 'https:').optional()
const yesNo = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true')
const jwk = z.string().transform((text, context) => {
  try {
    const key: unknown = JSON.parse(text)
    if (typeof key === 'object' && key !== null && 'kty' in key && key.kty === 'OKP' && 'd' in key)
      return key as Record<string, string>
  } catch {
    // said below
  }
  context.issues.push({
    code: 'custom',
    message: 'must be a private Ed25519 key as JSON Web Key; `npm run ates -- new-key` makes one',
    input: text,
  })
  return z.NEVER
})

/** Every setting: its form, its default and what it is for. The table in docs/configuration.md is made from this. */
export const settings = z.object({
  ATES_PORT: port
    .optional()
    .describe(
      'Port to listen on. Default 4000 for everything in one process and for web, 4001 to 4003 for identity, task-tracker and accounting apart.',
    ),
  ATES_HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  ATES_METRICS_PORT: port
    .optional()
    .describe('Port for Prometheus, at /metrics; nothing is measured without it. Keep it from the public.'),
  ATES_PUBLIC_URL: address.describe(
    'Address that people use, when it is not the one listened on. With https, cookies are marked secure.',
  ),
  ATES_DATA_DIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Where the embedded database and keys are kept. Default /var/lib/ates for root, otherwise ~/.local/share/ates.',
    ),
  ATES_TIME_ZONE: z
    .string()
    .refine(isTimeZone, 'must be an IANA time zone, such as Europe/Berlin')
    .default('UTC')
    .describe('Business time zone; decides what "today" is.'),
  ATES_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], 'must be debug, info, warn, error or silent')
    .default('info')
    .describe('Least level of log lines, which are JSON on standard error.'),
  ATES_IDENTITY_DATABASE_URL: database.describe(
    'Database of identity. Without any of these three, the embedded one is used.',
  ),
  ATES_TASK_TRACKER_DATABASE_URL: database.describe('Database of the task tracker.'),
  ATES_ACCOUNTING_DATABASE_URL: database.describe('Database of accounting.'),
  ATES_DATABASE_CONNECTIONS: z.coerce
    .number('must be a number')
    .pipe(z.int('must be a whole number').min(4, 'must be at least 4').max(200, 'must be at most 200'))
    .default(20)
    .describe('Most connections per service; identity has a quarter more for sign-in.'),
  ATES_NAMED_STATEMENTS: yesNo
    .default(true)
    .describe('Prepare statements by name; false behind a pooler that does not keep them.'),
  ATES_MIGRATE: yesNo
    .default(true)
    .describe('Bring the schemas up to date at start; otherwise only `npm run ates -- migrate` does.'),
  ATES_NATS_URL: servers
    .optional()
    .describe(
      'Broker between processes, `nats://host:port`, several separated by commas. Without it, processes that run apart ask each other for events every few seconds.',
    ),
  ATES_NATS_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,30}$/, 'must be lower-case letters, digits and underscores')
    .default('ates')
    .describe('Begins the names of subjects and streams, for several aTES on one broker.'),
  ATES_NATS_REPLICAS: z.coerce
    .number('must be a number')
    .pipe(z.int('must be a whole number').min(1, 'must be 1 to 5').max(5, 'must be 1 to 5'))
    .default(1)
    .describe('Copies of each stream in a cluster of brokers.'),
  ATES_IDENTITY_URL: address.describe('Where identity runs, for processes that do not run it themselves.'),
  ATES_TASK_TRACKER_URL: address.describe('Where the task tracker runs.'),
  ATES_ACCOUNTING_URL: address.describe('Where accounting runs.'),
  ATES_TOKEN_KEY: jwk
    .optional()
    .describe(
      'Private Ed25519 key (JWK) with which processes say who acts; the same for all. Made and kept in the data directory when everything runs in one process.',
    ),
  ATES_SIGN_IN_SECRET: z
    .string()
    .min(32, 'must have at least 32 characters')
    .optional()
    .describe(
      'Secret of the sign-in library, the same for all replicas of identity. Made and kept in the data directory when everything runs in one process.',
    ),
})

export interface Config {
  readonly run: readonly ProcessName[]
  readonly host: string
  readonly port: number
  readonly metricsPort: number | undefined
  readonly publicUrl: string | undefined
  readonly dataDir: string
  readonly timeZone: string
  readonly logLevel: string
  readonly databases: Readonly<Record<ServiceName, string>> | null
  readonly connections: number
  readonly namedStatements: boolean
  readonly migrate: boolean
  readonly nats: { readonly url: string; readonly prefix: string; readonly replicas: number } | null
  readonly addresses: Readonly<Partial<Record<ServiceName, string>>>
  readonly tokenKey: Readonly<Record<string, string>> | undefined
  readonly signInSecret: string | undefined
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

const portOf: Record<ProcessName, number> = { web: 4000, identity: 4001, 'task-tracker': 4002, accounting: 4003 }

const variable = (service: string, what: string) => `ATES_${service.toUpperCase().replaceAll('-', '_')}_${what}`

const perService = (settings: Readonly<Record<string, unknown>>, what: string): Partial<Record<ServiceName, string>> =>
  Object.fromEntries(
    serviceNames.flatMap((name) => {
      const value = settings[variable(name, what)]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )

/** What is missing for these processes to work together. */
const missing = (run: readonly ProcessName[], given: Readonly<Record<string, string | undefined>>): string[] => {
  const lines: string[] = []
  const own = serviceNames.filter((name) => run.includes(name))
  const databases = perService(given, 'DATABASE_URL')
  const apart = run.length < processes.length
  if (apart || Object.keys(databases).length > 0) {
    for (const name of own)
      if (!databases[name])
        lines.push(
          `${variable(name, 'DATABASE_URL')} is needed: ${apart ? 'services that run apart' : 'services'} need a database server each can reach`,
        )
  }
  if (!apart) return lines
  const addresses = perService(given, 'URL')
  for (const name of serviceNames)
    if (!run.includes(name) && !addresses[name])
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
  const strangers = wrongProcesses(names)
  const lines = [
    ...strangers,
    ...wrongTogether(names),
    ...unknownSettings(environment),
    ...(parsed.error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? []),
    // What processes need that do not exist, nobody knows.
    ...(strangers.length > 0 ? [] : missing(run, given)),
  ]
  if (!parsed.success || lines.length > 0) throw new ConfigError(lines)
  return Object.freeze(configOf(run, parsed.data, environment['XDG_DATA_HOME']))
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
    dataDir: given.ATES_DATA_DIR ?? defaultDataDir(userData),
    timeZone: given.ATES_TIME_ZONE,
    logLevel: given.ATES_LOG_LEVEL,
    databases:
      Object.keys(databases).length > 0 || run.length < processes.length
        ? (databases as Record<ServiceName, string>)
        : null,
    connections: given.ATES_DATABASE_CONNECTIONS,
    namedStatements: given.ATES_NAMED_STATEMENTS,
    migrate: given.ATES_MIGRATE,
    nats: given.ATES_NATS_URL
      ? { url: given.ATES_NATS_URL, prefix: given.ATES_NATS_PREFIX, replicas: given.ATES_NATS_REPLICAS }
      : null,
    addresses: perService(given, 'URL'),
    tokenKey: given.ATES_TOKEN_KEY,
    signInSecret: given.ATES_SIGN_IN_SECRET,
  }
}
