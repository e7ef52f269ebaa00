// Runs the tests: on one embedded PostgreSQL server those that need nothing else, or with --full those that use a
// database on the machine's own server (ATES_TEST_DATABASE_URL, by default 127.0.0.1:5432) and those that need NATS
// (nats-server to start, and ATES_TEST_NATS_URL, by default 127.0.0.1:4222). Further arguments are file patterns.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startEmbedded } from '../adapters/database/embedded.ts'
import { silent } from './support/silent.ts'

const { values, positionals } = parseArgs({
  options: { full: { type: 'boolean', default: false } },
  allowPositionals: true,
})

const everywhere = ['kernel', 'adapters', 'services', 'tests'].map((folder) => `${folder}/**/*.test.ts`)
/** What does not become truer on another server. */
const embeddedOnly = /^(?:adapters\/database\/embedded|tests\/(?:browser|tidy|start)\/)/
/** What needs a broker. */
const natsOnly = /^(?:adapters\/bus\/nats[^/]*$|tests\/nats\/)/
const machineServer = 'postgres://root@127.0.0.1:5432/postgres'
const machineBroker = 'nats://127.0.0.1:4222'

const filesOf = (patterns: readonly string[]): string[] =>
  globSync(patterns.length > 0 ? patterns : everywhere, { exclude: ['**/fixtures/**', '**/node_modules/**'] })
    .filter((file) => !(values.full ? embeddedOnly : natsOnly).test(file))
    .toSorted()

/** Whoever stops the run stops its processes and its server, too. */
const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopped.abort())

const files = filesOf(positionals)

/** The runner's own report and closing lines. Resolves to false when anything failed. */
const runTests = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const stream = run({
      files,
      // A test that failed may leave a process or a connection behind, which must not hold up the run.
      execArgv: ['--import', './runtime.js', '--import', './tests/support/end-of-file.ts'],
      concurrency: 2,
      signal: stopped.signal,
      timeout: 180_000,
      env: { ...process.env, ATES_TEST_DATABASE_URL: url },
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
  const dataDir = await mkdtemp(join(tmpdir(), 'ates-test-'))
  const server = await startEmbedded({ dataDir, log: silent })
  try {
    const host = encodeURIComponent(server.socketDir)
    return await runTests(`postgres://postgres@localhost:${server.port}/postgres?host=${host}`)
  } finally {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

const refuse = (why: string): boolean => {
  process.stderr.write(`${why}\n`)
  return false
}

/** What these tests need of NATS and do not find, in one line. */
const missingBroker = async (url: string): Promise<string | null> => {
  if (!files.some((file) => natsOnly.test(file))) return null
  const { stdout, error } = spawnSync('nats-server', ['--version'], { encoding: 'utf8' })
  if (error) return 'nats-server is not installed, and these tests start some: apt-get install nats-server'
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port || 4222), hostname)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(5_000) })
  } catch {
    return `no broker answers at ${url}: start one with nats-server -a 127.0.0.1 -js, or set ATES_TEST_NATS_URL`
  } finally {
    socket.destroy()
  }
  process.stdout.write(`on ${stdout.trim()}\n`)
  return null
}

/** A missing server is a failure, not a reason to leave tests out. */
const onMachine = async (url: string, brokerUrl: string): Promise<boolean> => {
  const missing = await missingBroker(brokerUrl)
  if (missing !== null) return refuse(missing)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ version: string }>('select version()')
  await client.end()
  process.stdout.write(`on ${rows[0]?.version ?? 'unknown'}\n`)
  return runTests(url)
}

const { ATES_TEST_DATABASE_URL: server = machineServer, ATES_TEST_NATS_URL: broker = machineBroker } = process.env
const passed = () => {
  if (files.length === 0) return refuse('no such tests here; those that need NATS run with npm run test:full')
  return values.full ? onMachine(server, broker) : onEmbedded()
}
process.exitCode = (await passed()) ? 0 : 1
