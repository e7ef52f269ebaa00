// What the programs around aTES say of our configurations of them: broker, load balancer, systemd, PostgreSQL.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { startEmbedded } from '../../adapters/database/embedded.ts'
import { roleSettings } from '../../adapters/database/postgres.ts'
import { processes } from '../../config.ts'
import { silent } from '../support/silent.ts'
import { schemas } from '../support/system.ts'

const top = join(import.meta.dirname, '../..')
const deploy = (path: string): string => join(top, 'deploy', path)

const run = (program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  assert.equal(error, undefined, `${program} is not installed: apt-get install it`)
  return { status, said: `${stdout}${stderr}` }
}

let dir: string
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'ates-deploy-'))
})
after(() => rmSync(dir, { recursive: true, force: true }))

test('the broker takes its configuration, before 2.10 without the line about syncing', () => {
  const env = { NATS_NAME: 'nats-1' }
  const [, minor = '0'] = /v2\.(\d+)/.exec(run('nats-server', ['--version']).said) ?? []
  const text = readFileSync(deploy('nats/nats.conf'), 'utf8')
  const older = join(dir, 'nats.conf')
  writeFileSync(older, text.replace(/^ *sync_interval.*\n/m, ''))
  const checked = run('nats-server', ['-t', '-c', Number(minor) < 10 ? older : deploy('nats/nats.conf')], env)
  assert.equal(checked.status, 0, checked.said)
  assert.match(text, /^ *sync_interval: always$/m)
  if (Number(minor) < 10)
    assert.match(run('nats-server', ['-t', '-c', deploy('nats/nats.conf')], env).said, /unknown field "sync_interval"/)
})

test('the load balancer takes its configuration', () => {
  const { status, said } = run('haproxy', ['-c', '-f', deploy('haproxy/haproxy.cfg')])
  assert.deepEqual([status, said.trim()], [0, 'Configuration file is valid'])
})

describe('systemd', () => {
  const units = ['ates.service', 'ates@.service', 'ates-migrate.service']
  const texts = units.map((unit) => readFileSync(deploy(`systemd/${unit}`), 'utf8'))

  test('starts files that there are, as a user of its own, with environments that there are', () => {
    for (const [index, text] of texts.entries()) {
      const [, entry = ''] =
        /^ExecStart=\/opt\/ates\/node_modules\/\.bin\/node --import \.\/runtime\.js (\S+)/m.exec(text) ?? []
      assert.ok(existsSync(join(top, entry)) && entry !== '', String(units[index]))
      assert.match(text, /^User=ates$/m)
      for (const [, file = ''] of text.matchAll(/^EnvironmentFile=\/etc\/ates\/(.*)$/gm))
        for (const name of file.includes('%i') ? processes : [file])
          assert.ok(existsSync(deploy(`environment/${file.replace('%i', name)}`)), file)
    }
    assert.match(readFileSync(deploy('systemd/ates.sysusers.conf'), 'utf8'), /^u ates /m)
  })

  test('finds nothing wrong with the units, and little that they could harm', (t) => {
    if (spawnSync('systemd-analyze', ['--version']).error)
      return t.diagnostic('there is no systemd-analyze here: not verified')
    for (const [index, unit] of units.entries())
      writeFileSync(join(dir, unit.replace('@', '@web')), texts[index]?.replaceAll('/opt/ates', top) ?? '')
    for (const unit of units.map((one) => join(dir, one.replace('@', '@web')))) {
      const verified = run('systemd-analyze', ['verify', '--man=no', unit])
      assert.deepEqual([verified.status, verified.said.trim()], [0, ''], unit)
      const exposed = run('systemd-analyze', ['security', '--offline=yes', '--threshold=30', '--no-pager', unit])
      assert.equal(exposed.status, 0, exposed.said)
    }
  })
})

describe('PostgreSQL', () => {
  const passwords = Object.fromEntries(
    schemas.map((schema) => [`ATES_${schema.toUpperCase()}_PASSWORD`, `it's ${schema}`]),
  )

  test('gets roles with schemas and limits of their own from roles.sql, twice', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'ates-roles-'))
    const server = await startEmbedded({ dataDir, log: silent })
    const client = new pg.Client(server.connection('postgres', 'postgres'))
    try {
      await client.connect()
      const psql = ['-X', '-v', 'ON_ERROR_STOP=1', '-h', server.socketDir, '-p', String(server.port), '-U', 'postgres']
      for (const _time of [1, 2]) {
        const { status, said } = run('psql', [...psql, '-f', deploy('postgresql/roles.sql')], passwords)
        assert.equal(status, 0, said)
      }
      const { rows } = await client.query<{ schema: string; owner: string; settings: string[]; secret: boolean }>(
        `select nspname as schema, rolname as owner, setconfig as settings, rolpassword like 'SCRAM-SHA-256$%' as secret
         from pg_namespace join pg_authid a on a.oid = nspowner join pg_db_role_setting on setrole = a.oid
         where nspname = any($1) order by 1`,
        [schemas],
      )
      const wanted = Object.entries(roleSettings).map(([name, value]) => `${name}=${value}`)
      assert.deepEqual(
        rows.map(({ settings: set, ...rest }) => ({ ...rest, settings: set.toSorted() })),
        schemas.toSorted().map((schema) => ({
          schema,
          owner: `ates_${schema}`,
          secret: true,
          settings: wanted.toSorted(),
        })),
      )
    } finally {
      await client.end()
      await server.stop()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })

  test('the standby begins by a script that a shell understands', () => {
    cpSync(deploy('postgresql/standby.sh'), join(dir, 'standby.sh'))
    assert.deepEqual(run('sh', ['-n', join(dir, 'standby.sh')]), { status: 0, said: '' })
  })
})
