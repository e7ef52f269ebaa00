// Runs the tests: on one embedded PostgreSQL server those that need nothing else, or with --full those that use a
// database on the machine's own server (ATES_TEST_DATABASE_URL, by default 127.0.0.1:5432) and those that need NATS
// (nats-server to start, and ATES_TEST_NATS_URL, by default 127.0.0.1:4222); and then once more with NATS as the bus what
// kills relays and consumers, and through PgBouncer what has a database. Further arguments are file patterns.
import { globSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startEmbedded } from '../adapters/database/embedded.ts'
import { unpackForAll } from './browser/browser.ts'
import { fullOnly, isOverNats, isPooled, missingFor } from './machine.ts'
import { PgBouncer } from './servers/pg-bouncer.ts'
import { openScratch } from './support/scratch.ts'
import { silent } from './support/silent.ts'
import { openTemplate, type Template } from './support/template.ts'

const { values, positionals } = parseArgs({
  options: { full: { type: 'boolean', default: false } },
  allowPositionals: true,
})

const everywhere = ['kernel', 'adapters', 'services', 'tests'].map((folder) => `${folder}/**/*.test.ts`)
/** What does not become truer on another server: it uses none, brings its own, or is about what comes before one. */
const embeddedOnly =
  /^(?:adapters\/(?:alerts\/|tracing\/|database\/embedded)|services\/(?:web|[^/]+\/rules)[/.]|tests\/(?:access|browser|tidy|start)\/|tests\/(?:config|hostile\/forms|faults\/crowd)\.)/
const machineServer = 'postgres://root@127.0.0.1:5432/postgres'
const machineBroker = 'nats://127.0.0.1:4222'

/** Two cores, and much of a test is waiting; a server of a machine takes the connections of two files (100 as it is installed). */
const concurrency = values.full ? 2 : 4

/** What starts processes or browsers, and so runs longest. */
const long = /^tests\/(?:faults|browser|hostile|processes|start|nats)\//

/** The long ones first, so that none runs alone at the end. */
const filesOf = (patterns: readonly string[]): string[] => {
  const files = globSync(patterns.length > 0 ? patterns : everywhere, {
    exclude: ['**/fixtures/**', '**/node_modules/**'],
  })
    .filter((file) => !(values.full ? embeddedOnly.test(file) : fullOnly(file)))
    .toSorted()
  return [...files.filter((file) => long.test(file)), ...files.filter((file) => !long.test(file))]
}

/** Whoever stops the run stops its processes and its server, too. */
const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopped.abort())

const files = filesOf(positionals)

interface Pass {
  readonly files: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** The runner's own report and closing lines. Resolves to false when anything failed. */
const runTests = ({ files, environment }: Pass): Promise<boolean> =>
  new Promise((resolve) => {
    const stream = run({
      files: [...files],
      // A test that failed may leave a process or a connection behind, which must not hold up the run.
      execArgv: ['--import', './runtime.js', '--import', './tests/support/end-of-file.ts'],
      concurrency,
      signal: stopped.signal,
      timeout: 180_000,
      env: { ...process.env, ...environment },
    })
    let passed = true
    stream.on('test:fail', () => {
      passed = false
    })
    stream.on('end', () => resolve(passed))
    stopped.signal.addEventListener('abort', () => resolve(false))
    stream.compose(new spec()).pipe(process.stdout)
  })

const onEmbedded = async (): Promise<boolean> => {
  // Four files at a time, and each may run several aTES.
  const settings = { max_connections: '400' }
  await using server = await startEmbedded({ dataDir: join(tmpdir(), 'server'), log: silent, settings })
  const host = encodeURIComponent(server.socketDir)
  await using template = await openTemplate(`postgres://postgres@localhost:${server.port}/postgres?host=${host}`)
  const browser = files.some((file) => file.startsWith('tests/browser/'))
    ? await unpackForAll(join(tmpdir(), 'browser'))
    : {}
  return await runTests({ files, environment: { ...template.environment, ...browser } })
}

const refuse = (why: string): boolean => {
  process.stderr.write(`${why}\n`)
  return false
}

/** A missing server is a failure, not a reason to leave tests out. */
const onMachine = async (url: string, brokerUrl: string): Promise<boolean> => {
  const missing = await missingFor(files, brokerUrl)
  if (missing !== null) return refuse(missing)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ version: string }>('select version()')
  await client.end()
  process.stdout.write(`on ${rows[0]?.version ?? 'unknown'}\n`)
  await using template = await openTemplate(url)
  const direct = await runTests({ files, environment: template.environment })
  const overNats = await runOverNats(template)
  return (await runPooled(url, template)) && overNats && direct
}

/** The same once more for those with relays and consumers, between whom there is then a broker. */
const runOverNats = async ({ environment }: Template): Promise<boolean> => {
  const again = files.filter(isOverNats)
  if (again.length === 0 || stopped.signal.aborted) return !stopped.signal.aborted
  process.stdout.write('once more with NATS as the bus\n')
  return await runTests({ files: again, environment: { ...environment, ATES_TEST_BUS: 'nats' } })
}

/** The same once more for those with a database, whose services then reach it through PgBouncer. */
const runPooled = async (url: string, { environment }: Template): Promise<boolean> => {
  const pooled = files.filter(isPooled)
  if (pooled.length === 0 || stopped.signal.aborted) return !stopped.signal.aborted
  const { hostname: host, port } = new URL(url)
  await using pooler = await PgBouncer.open({ host, port: Number(port || 5432), sessions: 30 })
  process.stdout.write(`once more through PgBouncer in transaction mode\n`)
  return await runTests({
    files: pooled,
    environment: { ...environment, ATES_TEST_POOLER_PORT: String(pooler.port) },
  })
}

const { ATES_TEST_DATABASE_URL: server = machineServer, ATES_TEST_NATS_URL: broker = machineBroker } = process.env
const passed = async (): Promise<boolean> => {
  if (files.length === 0)
    return refuse('no such tests here; those that need a broker, promtool or much time run with npm run test:full')
  await using scratch = await openScratch()
  process.env['TMPDIR'] = scratch.folder
  return values.full ? await onMachine(server, broker) : await onEmbedded()
}
process.exitCode = (await passed()) ? 0 : 1
