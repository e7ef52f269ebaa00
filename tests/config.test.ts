// The environment as configuration: every setting, its default, and every wrong one said at once.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { describe, test } from 'node:test'
import { newTokenKey } from '../adapters/transport/token.ts'
import { ConfigError, readConfig } from '../config.ts'
import { settings } from '../settings.ts'

type Environment = Record<string, string>

/** What is wrong with these settings; empty when nothing is. */
const wrongIn = (environment: Environment, run: readonly string[] = []): readonly string[] => {
  try {
    readConfig(run, environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.lines
    throw error
  }
}

const key = JSON.stringify(await newTokenKey())
const database = 'postgres://ates@localhost:5432/ates'
const apart = {
  ATES_TOKEN_KEY: key,
  ATES_SIGN_IN_SECRET: 'x'.repeat(32),
  ATES_IDENTITY_DATABASE_URL: database,
  ATES_TASK_TRACKER_DATABASE_URL: database,
  ATES_ACCOUNTING_DATABASE_URL: database,
  ATES_OPERATIONS_DATABASE_URL: database,
  ATES_IDENTITY_URL: 'http://identity:4001',
  ATES_TASK_TRACKER_URL: 'http://tasks:4002',
  ATES_ACCOUNTING_URL: 'http://accounting:4003',
  ATES_OPERATIONS_URL: 'http://operations:4004',
}

describe('without any setting', () => {
  test('everything runs in one process on the embedded database, for this machine only', () => {
    const { dataDir: _dataDir, ...config } = readConfig([], {})
    assert.deepEqual(config, {
      run: ['identity', 'task-tracker', 'accounting', 'operations', 'web'],
      host: '127.0.0.1',
      port: 4000,
      metricsPort: undefined,
      publicUrl: undefined,
      proxies: [],
      timeZone: 'UTC',
      logLevel: 'info',
      databases: null,
      connections: 20,
      namedStatements: true,
      migrate: true,
      drainMs: 0,
      stopMs: 20_000,
      nats: null,
      tracing: null,
      addresses: {},
      alerts: { webhook: null, mail: null, heartbeatUrl: undefined, repeatMs: 4 * 3_600_000 },
      tokenKey: undefined,
      signInSecret: undefined,
    })
  })

  test('an empty setting is no setting, and other variables of the environment are none', () => {
    assert.deepEqual(
      readConfig([], { ATES_PORT: '', ATES_TIME_ZONE: '', PORT: '80', PATH: '/bin' }),
      readConfig([], {}),
    )
  })

  test('the configuration cannot be changed', () => assert.ok(Object.isFrozen(readConfig([], {}))))
})

describe('traces', () => {
  const tracing = (settings: Record<string, string>) => readConfig([], settings).tracing
  const base = 'http://collector:4318/'

  test('go below the address of a collector, or to the one that is theirs', () => {
    assert.deepEqual(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT: base }), {
      url: 'http://collector:4318/v1/traces',
      share: 1,
    })
    const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces/in', OTEL_TRACES_SAMPLER_ARG: '0.25' }
    assert.deepEqual(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT: base, ...own }), { url: 'https://traces/in', share: 0.25 })
  })

  test('are off when the SDK is', () => {
    assert.equal(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_SDK_DISABLED: 'true' }), null)
  })
})

describe('a setting', () => {
  const good: Readonly<Record<string, readonly string[]>> = {
    ATES_PORT: ['0', '1', '65535'],
    ATES_TIME_ZONE: ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'],
    ATES_LOG_LEVEL: ['debug', 'silent'],
    ATES_DATABASE_CONNECTIONS: ['4', '200'],
    ATES_NAMED_STATEMENTS: ['true', 'false'],
    ATES_PUBLIC_URL: ['https://ates.example', 'http://127.0.0.1:80/'],
    ATES_TOKEN_KEY: [key],
  }
  for (const [name, values] of Object.entries(good)) {
    test(`${name} may be ${values.map((value) => value.slice(0, 40)).join(' or ')}`, () => {
      for (const value of values) assert.deepEqual(wrongIn({ [name]: value }), [])
    })
  }

  const publicHalf = JSON.stringify({ ...(JSON.parse(key) as object), d: undefined })
  const bad: Readonly<Record<string, readonly string[]>> = {
    ATES_PORT: ['-1', '65536', '4000.5', 'http', '4000 4001', 'Infinity', 'NaN', '٤٠٠٠'],
    ATES_PUBLIC_URL: ['ates.example', 'ftp://ates.example', 'javascript:alert(1)', '//ates.example'],
    ATES_TIME_ZONE: ['Mars/Olympus', 'Europe/', 'Berlin'],
    ATES_LOG_LEVEL: ['loud', 'INFO'],
    ATES_IDENTITY_DATABASE_URL: ['mysql://localhost/a', 'localhost:5432', 'http://localhost/a'],
    ATES_DATABASE_CONNECTIONS: ['3', '201', '0', '-5', '10.5', 'many'],
    ATES_NAMED_STATEMENTS: ['yes', '1', 'TRUE'],
    ATES_MIGRATE: ['no', '0'],
    ATES_ACCOUNTING_URL: ['accounting:4003', 'postgres://accounting'],
    ATES_TOKEN_KEY: ['', 'secret', '{}', 'null', '[]', '{"kty":"RSA","d":"x"}', publicHalf].filter(Boolean),
    ATES_SIGN_IN_SECRET: ['x'.repeat(31)],
  }
  for (const [name, values] of Object.entries(bad)) {
    test(`${name} that is wrong is named, with what it must be`, () => {
      for (const value of values) {
        const lines = wrongIn({ [name]: value })
        assert.equal(lines.filter((line) => line.startsWith(`${name} must`)).length, 1, `${value}: ${lines.join()}`)
      }
    })
  }

  test('of a key is one key', async () => {
    const [own, other] = [await newTokenKey(), await newTokenKey()]
    for (const wrong of [{ ...own, x: other.x }, { ...own, d: 'x' }, { kty: 'OKP', d: own.d }, [own], 'key'])
      assert.match(wrongIn({ ATES_TOKEN_KEY: JSON.stringify(wrong) }).join(), /^ATES_TOKEN_KEY must be a private/)
  })

  test('of a port is not that of the other one', () => {
    const same = 'ATES_METRICS_PORT must be another port than ATES_PORT, which is'
    assert.deepEqual(wrongIn({ ATES_PORT: '4100', ATES_METRICS_PORT: '4100' }), [`${same} 4100`])
    assert.deepEqual(wrongIn({ ATES_METRICS_PORT: '4000' }), [`${same} 4000`])
    assert.deepEqual(wrongIn({ ATES_PORT: '4100', ATES_METRICS_PORT: '4101' }), [])
    // The system gives each of these one of its own.
    assert.deepEqual(wrongIn({ ATES_PORT: '0', ATES_METRICS_PORT: '0' }), [])
  })

  test('of a data directory means the same, however it is written', () => {
    const dataDirOf = (dataDir: string) => readConfig([], { ATES_DATA_DIR: dataDir }).dataDir
    assert.equal(dataDirOf('missing/../data'), resolve('data'))
    assert.equal(dataDirOf('/srv//ates/'), '/srv/ates')
  })

  test('never appears in what is said about it', () => {
    const lines = wrongIn({ ATES_TOKEN_KEY: '{"kty":"OKP","x":"hush-hush"}', ATES_SIGN_IN_SECRET: 'hush-hush' })
    assert.equal(lines.length, 2)
    assert.doesNotMatch(lines.join(), /hush/)
  })

  test('that aTES does not know is refused, for it would have no effect', () => {
    assert.deepEqual(wrongIn({ ATES_PROT: '4000' }), ['ATES_PROT is not a setting of aTES'])
    assert.deepEqual(wrongIn({ ATES_toString: '1' }), ['ATES_toString is not a setting of aTES'])
  })

  test('says in a sentence what it is for', () => {
    for (const [name, { description = '' }] of Object.entries(settings.shape))
      assert.match(description, /^[A-Z].*\.$/, name)
  })
})

describe('a process', () => {
  const ports = { web: 4000, identity: 4001, 'task-tracker': 4002, accounting: 4003, operations: 4004 } as const
  for (const [name, port] of Object.entries(ports)) {
    test(`${name} apart has port ${port}, and needs its database, the others' addresses and the common key`, () => {
      const config = readConfig([name], apart)
      assert.deepEqual([config.port, config.run], [port, [name]])
      const own = `ATES_${name.toUpperCase().replace('-', '_')}`
      const needed = Object.keys(apart).filter((setting) => {
        if (setting.endsWith('DATABASE_URL')) return setting.startsWith(own)
        if (setting === 'ATES_SIGN_IN_SECRET') return name === 'identity'
        // Nobody calls operations but the pages and the public API.
        if (setting === 'ATES_OPERATIONS_URL') return name === 'web'
        return !setting.startsWith(own)
      })
      const lines = wrongIn({}, [name])
      assert.deepEqual(new Set(lines.map((line) => line.split(' ')[0])), new Set(needed))
      assert.equal(lines.length, needed.length)
    })
  }

  test('that there is not is named, with those that there are', () => {
    assert.deepEqual(wrongIn({}, ['acounting']), [
      'acounting is not a service; there are identity, task-tracker, accounting, operations, web',
    ])
    assert.equal(wrongIn({}, ['constructor']).length, 1)
  })

  test('two in one process are refused in a line of their own', () => {
    assert.match(wrongIn({}, ['identity', 'accounting'])[0] ?? '', /^identity and accounting cannot share a process/)
  })

  test('with one database given needs all: a part of them cannot be embedded', () => {
    const lines = wrongIn({ ATES_IDENTITY_DATABASE_URL: database })
    assert.deepEqual(
      lines.map((line) => line.split(' ')[0]),
      ['ATES_TASK_TRACKER_DATABASE_URL', 'ATES_ACCOUNTING_DATABASE_URL', 'ATES_OPERATIONS_DATABASE_URL'],
    )
  })

  test('with the databases of an aTES from before operations says what that is and where it may be', () => {
    const { ATES_OPERATIONS_DATABASE_URL: _new, ...before } = apart
    assert.deepEqual(wrongIn(before), [
      'ATES_OPERATIONS_DATABASE_URL is needed: operations watches the other services and keeps what it sees in schema operations, by role ates_operations; it may be in the same database as theirs',
    ])
  })
})

describe('alerts', () => {
  const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
  const mail = { server: 'smtp://ates:word@mail.example:587', from: 'ates@example.com' }

  test('go where they are told to', () => {
    const { alerts } = readConfig([], {
      ATES_ALERT_WEBHOOK_URL: 'https://example.com/hook',
      ATES_ALERT_WEBHOOK_SECRET: secret,
      ATES_ALERT_MAIL_SERVER: mail.server,
      ATES_ALERT_MAIL_FROM: mail.from,
      ATES_ALERT_MAIL_TO: 'one@example.com, two@example.com',
      ATES_ALERT_HEARTBEAT_URL: 'https://example.com/ping',
      ATES_ALERT_REPEAT_MINUTES: '30',
    })
    assert.deepEqual(alerts, {
      webhook: { url: 'https://example.com/hook', secret },
      mail: { ...mail, to: ['one@example.com', 'two@example.com'] },
      heartbeatUrl: 'https://example.com/ping',
      repeatMs: 1_800_000,
    })
  })

  for (const [what, given, missing] of [
    [
      'by e-mail need all three settings',
      { ATES_ALERT_MAIL_SERVER: mail.server },
      ['ATES_ALERT_MAIL_FROM', 'ATES_ALERT_MAIL_TO'],
    ],
    ['are signed only where they are posted', { ATES_ALERT_WEBHOOK_SECRET: secret }, ['ATES_ALERT_WEBHOOK_URL']],
    [
      'are not signed with any word',
      { ATES_ALERT_WEBHOOK_URL: 'https://example.com', ATES_ALERT_WEBHOOK_SECRET: 'secret' },
      ['ATES_ALERT_WEBHOOK_SECRET'],
    ],
    [
      'go to addresses',
      {
        ATES_ALERT_MAIL_SERVER: mail.server,
        ATES_ALERT_MAIL_FROM: mail.from,
        ATES_ALERT_MAIL_TO: 'one@example.com,two',
      },
      ['ATES_ALERT_MAIL_TO.1'],
    ],
  ] as const)
    test(what, () => {
      assert.deepEqual(
        wrongIn(given).map((line) => line.split(' ')[0]),
        missing,
      )
    })
})

test('everything wrong is said at once: wrong, unknown and missing', () => {
  const lines = wrongIn({ ATES_PORT: 'http', ATES_LOG_LEVEL: 'loud', ATES_PROT: '1', ATES_TOKEN_KEY: 'x' }, ['web'])
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    [
      'ATES_PROT',
      'ATES_PORT',
      'ATES_LOG_LEVEL',
      'ATES_TOKEN_KEY',
      'ATES_IDENTITY_URL',
      'ATES_TASK_TRACKER_URL',
      'ATES_ACCOUNTING_URL',
      'ATES_OPERATIONS_URL',
    ],
  )
})

test('the entry says what is wrong, one line each on standard error, and ends with 1', async () => {
  const child = spawn(process.execPath, ['--import', './runtime.js', 'main.ts', 'web'], {
    env: { PATH: process.env['PATH'] ?? '', ATES_PORT: 'http', ATES_PROT: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let said = ''
  child.stdout.on('data', (chunk) => (out += String(chunk)))
  child.stderr.on('data', (chunk) => (said += String(chunk)))
  const [code] = await once(child, 'close', { signal: AbortSignal.timeout(20_000) })
  const lines = said.trimEnd().split('\n')
  assert.deepEqual([code, out], [1, ''])
  assert.deepEqual(lines.slice(0, 2), ['ATES_PROT is not a setting of aTES', 'ATES_PORT must be a port number'])
  assert.equal(lines.length, 7)
})
