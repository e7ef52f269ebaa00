// Every setting of the environment: its form, its default and what it is for.
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { z } from 'zod'
import { keyOf as webhookKeyOf } from './adapters/alerts/webhook.ts'
import { proxiesOf } from './adapters/transport/client-address.ts'

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
const proxies = z.string().transform((text, context) => {
  const given = text.split(',').map((one) => one.trim())
  try {
    proxiesOf(given)
    return given
  } catch (error) {
    context.issues.push({
      code: 'custom',
      message: error instanceof Error ? error.message : String(error),
      input: text,
    })
    return z.NEVER
  }
})
const database = url('postgres:', 'postgresql:').optional()
const address = url('http:', 'https:').optional()
const addressees = z
  .string()
  .transform((text) => text.split(',').map((one) => one.trim()))
  .pipe(z.array(z.email('must be e-mail addresses, separated by commas')).min(1).max(50))
const yesNo = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true')
/** Throws for what is no private key; one whose public part is not its own would sign what nobody takes. */
const isEd25519 = (key: Readonly<Record<string, string>>): boolean => {
  const made = createPrivateKey({ format: 'jwk', key })
  return made.asymmetricKeyType === 'ed25519' && createPublicKey(made).export({ format: 'jwk' }).x === key.x
}
const jwk = z.string().transform((text, context) => {
  try {
    const key = JSON.parse(text) as Record<string, string>
    if (isEd25519(key)) return key
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
      'Port to listen on. Default 4000 for everything in one process and for web, 4001 to 4004 for identity, task-tracker, accounting and operations apart.',
    ),
  ATES_HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  ATES_METRICS_PORT: port
    .optional()
    .describe(
      'Port for Prometheus, at /metrics, and for /health/ready with what is wrong in words; nothing is measured without it. Keep it from the public.',
    ),
  ATES_PUBLIC_URL: address.describe(
    'Address that people use, when it is not the one listened on. With https, cookies are marked secure.',
  ),
  ATES_TRUSTED_PROXIES: proxies
    .optional()
    .describe(
      'Addresses or networks (`10.0.0.0/8`) of the proxies in front of web, separated by commas. Only their X-Forwarded-For is believed.',
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
    'Database of identity. Without any of these four, the embedded one is used.',
  ),
  ATES_TASK_TRACKER_DATABASE_URL: database.describe('Database of the task tracker.'),
  ATES_ACCOUNTING_DATABASE_URL: database.describe('Database of accounting.'),
  ATES_OPERATIONS_DATABASE_URL: database.describe(
    'Database of operations, which watches the others; it may be on the same server.',
  ),
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
  ATES_DRAIN_SECONDS: z.coerce
    .number('must be a number')
    .pipe(z.int('must be a whole number').min(0, 'must be 0 to 60').max(60, 'must be 0 to 60'))
    .default(0)
    .describe(
      'How long a process that is told to stop still serves and says that it is not ready, so that load balancers send people elsewhere first.',
    ),
  ATES_STOP_SECONDS: z.coerce
    .number('must be a number')
    .pipe(z.int('must be a whole number').min(1, 'must be 1 to 300').max(300, 'must be 1 to 300'))
    .default(20)
    .describe(
      'How long a stop may take in order, after that. Then connections to databases that do not answer are cut, and the process ends at most five seconds later with exit code 1.',
    ),
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
  ATES_OPERATIONS_URL: address.describe('Where operations runs.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: address.describe(
    'A collector of OpenTelemetry that takes OTLP over HTTP, such as http://127.0.0.1:4318. Traces are sent to its /v1/traces; nothing is traced without it.',
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: address.describe('The whole address for traces, in place of the former.'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number('must be a number')
    .min(0, 'must be 0 to 1')
    .max(1, 'must be 0 to 1')
    .default(1)
    .describe('The share of requests that are traced.'),
  OTEL_SDK_DISABLED: yesNo.default(false).describe('With true, nothing is traced, whatever the others say.'),
  ATES_ALERT_WEBHOOK_URL: address.describe(
    'Where operations posts alerts as JSON ([what it posts](operate/alerts.md#webhook)).',
  ),
  ATES_ALERT_WEBHOOK_SECRET: z
    .string()
    .refine(
      (text) => webhookKeyOf(text) !== null,
      'must be whsec_ and 24 to 64 bytes in base64; `echo whsec_$(openssl rand -base64 32)` makes one',
    )
    .optional()
    .describe('Signs what is posted, as https://www.standardwebhooks.com says; without it nothing is signed.'),
  ATES_ALERT_MAIL_SERVER: url('smtp:', 'smtps:')
    .optional()
    .describe('Server by which operations sends alerts as e-mail, `smtp://user:password@host:587`.'),
  ATES_ALERT_MAIL_FROM: z.email('must be an e-mail address').optional().describe('Who sends them.'),
  ATES_ALERT_MAIL_TO: addressees.optional().describe('Who gets them; several addresses are separated by commas.'),
  ATES_ALERT_HEARTBEAT_URL: address.describe(
    'Asked for by operations once a minute while its watcher works; whoever answers there raises the alarm when nobody asks.',
  ),
  ATES_ALERT_REPEAT_MINUTES: z.coerce
    .number('must be a number')
    .pipe(z.int('must be a whole number').min(1, 'must be 1 to 10080').max(10_080, 'must be 1 to 10080'))
    .default(240)
    .describe('How often an alert that stays is told again.'),
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
