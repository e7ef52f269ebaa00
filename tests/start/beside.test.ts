// Two installations at once on one machine; the second lies, with all it needs, in a home directory of root's own.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { freePorts } from '../support/free-ports.ts'
import { install, repository } from './terminal.ts'
import { firstAdministrator } from './visitor.ts'

const isRoot = process.getuid?.() === 0
/** What lies in the repository and is the product. */
const isNeeded = (name: string): boolean =>
  /\.(?:ts|js|json)$/.test(name) || /^(?:kernel|adapters|services)$/.test(name)

/** What is installed where nobody develops, by its path. */
const packages = async (): Promise<string[]> => {
  const lock = await readFile(join(repository, 'node_modules/.package-lock.json'), 'utf8')
  const installed = Object.entries((JSON.parse(lock) as { packages: Record<string, { dev?: boolean }> }).packages)
  const direct = installed.filter(([path, { dev = false }]) => !dev && path.lastIndexOf('node_modules/') === 0)
  return [
    ...direct.map(([path]) => path),
    'node_modules/.bin',
    'node_modules/.bundled',
    'node_modules/.package-lock.json',
  ]
}

/** Hard links where the disk allows it, for it is a lot. */
const copyPackages = async (to: string): Promise<void> => {
  const paths = await packages()
  const run = (flags: string) => promisify(execFile)('cp', [flags, '--parents', ...paths, to], { cwd: repository })
  await run('-al').catch(async () => {
    await rm(join(to, 'node_modules'), { recursive: true, force: true })
    await run('-a')
  })
}

/** The repository in a directory that nobody but root may enter. */
const closedTree = async () => {
  // On a disk, where packages can be linked: tests may have been given memory for their files.
  const home = await mkdtemp('/var/tmp/ates-test-home-')
  await chmod(home, 0o700)
  const tree = join(home, 'ates')
  await mkdir(tree)
  await Promise.all([
    ...(await readdir(repository))
      .filter(isNeeded)
      .map((name) => cp(join(repository, name), join(tree, name), { recursive: true })),
    copyPackages(tree),
  ])
  return { home, tree, [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }) }
}

test('two run at once, each with its port and data, one of them from a home that only root may enter', async (t) => {
  await using closed = isRoot ? await closedTree() : { tree: repository, home: null, async [Symbol.asyncDispose]() {} }
  if (closed.home) assert.equal((await stat(closed.home)).mode & 0o777, 0o700)
  else t.diagnostic('not root: both run from the repository, as this user')
  await using one = await install()
  await using two = await install(closed.tree)
  const ports = (await freePorts(2)).map(String)
  const running = await Promise.all([
    one.start({ ATES_PORT: ports[0] ?? '' }),
    two.start({ ATES_PORT: ports[1] ?? '' }),
  ])
  assert.deepEqual(
    running.map(({ url }) => new URL(url).port),
    ports,
  )

  const admins = await Promise.all(
    running.map(async ({ command }) => {
      const [, link = ''] = await command.saying(/^Make the first administrator, once: (\S+)$/m)
      return firstAdministrator(link)
    }),
  )
  for (const admin of admins) assert.equal(admin.popugId, 1)
  const [first, second] = admins
  assert.equal((await second?.call('GET identity/me'))?.status, 200)
  const stranger = await fetch(`${second?.url}/api/v1/identity/me`, { headers: first?.headers ?? {} })
  assert.equal(stranger.status, 401)
  if (isRoot) assert.deepEqual([...new Set([...one.servers, ...two.servers].map(({ user }) => user))], ['nobody'])

  assert.equal(await running[0].command.interrupt(), 0)
  assert.equal((await fetch(`${running[1].url}/health/ready`)).status, 200)
  assert.equal(await running[1].command.interrupt(), 0)
})
