// Runs the tests: all of them on one embedded PostgreSQL server, or with --full those that use a database on the
// machine's own server (ATES_TEST_DATABASE_URL, by default 127.0.0.1:5432). Further arguments are file patterns.
import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
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
const machineServer = 'postgres://root@127.0.0.1:5432/postgres'

const filesOf = (patterns: readonly string[]): string[] =>
  globSync(patterns.length > 0 ? patterns : everywhere, { exclude: ['**/fixtures/**', '**/node_modules/**'] })
    .filter((file) => !(values.full && embeddedOnly.test(file)))
    .toSorted()

/** Whoever stops the run stops its processes and its server, too. */
const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopped.abort())

/** The runner's own report and closing lines. Resolves to false when anything failed. */
const runTests = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const stream = run({
      files: filesOf(positionals),
      // A test that failed may leave a process or a connection behind, which must not hold up the run.
      execArgv: ['--import', './runtime.js', '--test-force-exit'],
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

/** A missing server is a failure, not a reason to leave tests out. */
const onMachine = async (url: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ version: string }>('select version()')
  await client.end()
  process.stdout.write(`on ${rows[0]?.version ?? 'unknown'}\n`)
  return runTests(url)
}

const { ATES_TEST_DATABASE_URL: given = machineServer } = process.env
process.exitCode = (await (values.full ? onMachine(given) : onEmbedded())) ? 0 : 1
