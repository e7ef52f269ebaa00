// Runs all tests on one embedded PostgreSQL server; with --full, all that use a database on the machine's PostgreSQL.
// Further arguments are file patterns. Ends with the runner's own closing lines and its exit code.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { startEmbedded } from '../adapters/database/embedded.ts'
import { silent } from './support/silent.ts'

const { values, positionals } = parseArgs({ options: { full: { type: 'boolean', default: false } }, allowPositionals: true })

const everywhere = ['kernel', 'adapters', 'services', 'tests'].map((folder) => `${folder}/**/*.test.ts`)
/** What does not become truer on another server. */
const embeddedOnly = ['adapters/database/embedded', 'tests/browser/', 'tests/tidy/', 'tests/start/']
const machineServer = 'postgres://root@127.0.0.1:5432/postgres'

const runTests = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const stream = run({
      globPatterns: positionals.length > 0 ? positionals : everywhere,
      execArgv: ['--import', './runtime.js'],
      concurrency: 2,
      env: { ...process.env, ATES_TEST_DATABASE_URL: url },
      ...(values.full ? { testSkipPatterns: [] } : {}),
    })
    let passed = true
    stream.on('test:fail', ({ todo }) => {
      if (todo === undefined) passed = false
    })
    stream.on('end', () => resolve(passed))
    stream.compose(new spec()).pipe(process.stdout)
  })

const onEmbedded = async (): Promise<boolean> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'ates-test-'))
  const server = await startEmbedded({ dataDir, log: silent })
  try {
    return await runTests(`postgres://postgres@localhost:${server.port}/postgres?host=${encodeURIComponent(server.socketDir)}`)
  } finally {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

void embeddedOnly
const passed = values.full ? await runTests(process.env['ATES_TEST_DATABASE_URL'] ?? machineServer) : await onEmbedded()
process.exitCode = passed ? 0 : 1
