// What keeps aTES from starting is said in one line each, all at once, with an exit code that is not 0.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { install } from './terminal.ts'

test('wrong settings are said all at once, and nothing is started', async () => {
  await using home = await install()
  const command = home.npm(['start'], {
    ATES_PORT: '70000',
    ATES_TIME_ZONE: 'Mars/Olympus',
    ATES_LOG_LEVEL: 'loud',
    ATES_ACCOUNTING_DATABASE_URL: 'mysql://somewhere',
    ATES_PROT: '4000',
    ATES_TOKEN_KEY: '{"kty":"OKP","crv":"Ed25519","d":"x","x":"y"}',
  })
  assert.equal(await command.ended, 1)
  assert.deepEqual(command.complaints.toSorted(), [
    'ATES_ACCOUNTING_DATABASE_URL must be a URL with postgres: or postgresql:',
    'ATES_IDENTITY_DATABASE_URL is needed: services need a database server each can reach',
    'ATES_LOG_LEVEL must be debug, info, warn, error or silent',
    'ATES_OPERATIONS_DATABASE_URL is needed: operations watches the other services and keeps what it sees in schema operations, by role ates_operations; it may be in the same database as theirs',
    'ATES_PORT must be 0 to 65535',
    'ATES_PROT is not a setting of aTES',
    'ATES_TASK_TRACKER_DATABASE_URL is needed: services need a database server each can reach',
    'ATES_TIME_ZONE must be an IANA time zone, such as Europe/Berlin',
    'ATES_TOKEN_KEY must be a private Ed25519 key as JSON Web Key; `npm run ates -- new-key` makes one',
  ])
  assert.deepEqual(home.servers, [])
})

test('a service that does not exist, or lacks what it needs to run alone, is said', async () => {
  await using home = await install()
  const [unknown, alone] = [home.npm(['start', '--', 'acounting']), home.npm(['start', '--', 'accounting'])]
  assert.deepEqual(await Promise.all([unknown.ended, alone.ended]), [1, 1])
  assert.deepEqual(unknown.complaints, [
    'acounting is not a service; there are identity, task-tracker, accounting, operations, web',
  ])
  assert.deepEqual(
    alone.complaints.map((line) => line.split(' ')[0]),
    ['ATES_ACCOUNTING_DATABASE_URL', 'ATES_IDENTITY_URL', 'ATES_TASK_TRACKER_URL', 'ATES_TOKEN_KEY'],
  )
})

test('a database that nobody serves is said in one line', async () => {
  await using home = await install()
  const [port] = await freePorts(1)
  const url = `postgres://ates@127.0.0.1:${port}/ates`
  const names = ['IDENTITY', 'TASK_TRACKER', 'ACCOUNTING', 'OPERATIONS']
  const command = home.npm(['start'], Object.fromEntries(names.map((name) => [`ATES_${name}_DATABASE_URL`, url])))
  assert.equal(await command.ended, 1)
  assert.deepEqual(command.complaints, [`cannot start yet: Error ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:${port}`])
})

/** A server of databases that lets nobody in, as PostgreSQL says it. */
const closedServer = async (code: string, message: string) => {
  const fields = `SFATAL\0C${code}\0M${message}\0\0`
  const answer = Buffer.concat([Buffer.from('E    '), Buffer.from(fields)])
  answer.writeInt32BE(fields.length + 4, 1)
  const server = createServer((socket) => socket.once('data', () => socket.end(answer)).on('error', () => undefined))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return { port, [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) }
}

test('databases that let nobody in are said all at once, by their settings', async () => {
  await using home = await install()
  const refusals = {
    '28P01': 'password authentication failed for user "ates"',
    '3D000': 'database "ates" does not exist',
  }
  await using wrongPassword = await closedServer('28P01', refusals['28P01'])
  await using noDatabase = await closedServer('3D000', refusals['3D000'])
  const at = (port: number) => `postgres://ates@127.0.0.1:${port}/ates`
  const command = home.npm(['start'], {
    ATES_IDENTITY_DATABASE_URL: at(wrongPassword.port),
    ATES_TASK_TRACKER_DATABASE_URL: at(noDatabase.port),
    ATES_ACCOUNTING_DATABASE_URL: at(wrongPassword.port),
    ATES_OPERATIONS_DATABASE_URL: at(noDatabase.port),
  })
  assert.equal(await command.ended, 1)
  const refused = (name: string, code: keyof typeof refusals) =>
    `ATES_${name}_DATABASE_URL is refused by its server: ${refusals[code]} (${code})`
  assert.deepEqual(command.complaints, [
    refused('IDENTITY', '28P01'),
    refused('TASK_TRACKER', '3D000'),
    refused('ACCOUNTING', '28P01'),
    refused('OPERATIONS', '3D000'),
  ])
})

test('a port for metrics that is taken is said by its setting', async () => {
  await using home = await install()
  await using taken = await closedServer('', '')
  const command = home.npm(['start'], { ATES_METRICS_PORT: String(taken.port), ATES_LOG_LEVEL: 'error' })
  assert.equal(await command.ended, 1)
  assert.deepEqual(command.complaints, [
    `port ${taken.port} is in use: stop what listens there, or set ATES_METRICS_PORT to another one`,
  ])
})

test('a host that nobody knows is said', async () => {
  await using home = await install()
  const command = home.npm(['start'], { ATES_HOST: 'nowhere.invalid', ATES_LOG_LEVEL: 'error' })
  assert.equal(await command.ended, 1)
  assert.equal(command.complaints.length, 1, command.err)
  assert.match(
    command.complaints[0] ?? '',
    /^cannot listen on nowhere\.invalid:\d+ \((?:ENOTFOUND|EAI_AGAIN)\): set ATES_HOST and ATES_PORT$/,
  )
})

test('a data directory below a file is said', async () => {
  await using home = await install()
  await writeFile(home.dataDir, '')
  const command = home.npm(['start'], { ATES_DATA_DIR: join(home.dataDir, 'data') })
  assert.equal(await command.ended, 1)
  assert.deepEqual(command.complaints, [
    `Cannot use ${home.dataDir}/data for the database: a part of this path is not a directory, or set ATES_DATA_DIR to another directory`,
  ])
})

/** To root nothing is closed; there it is the database's user who cannot pass. */
const isRoot = process.getuid?.() === 0

test('a data directory in a place that is closed to who runs the database is said, with what to do', async (t) => {
  await using home = await install()
  const closed = dirname(home.dataDir)
  await chmod(closed, isRoot ? 0o700 : 0o500)
  t.diagnostic(isRoot ? 'as root: closed to nobody, who runs the database' : 'as a user: closed to this user')
  const command = home.npm(['start'])
  assert.equal(await command.ended, 1)
  assert.deepEqual(command.complaints, [
    isRoot
      ? `Started as root, aTES runs PostgreSQL as user nobody, who may not pass through ${closed}: run chmod o+x ${closed}, set ATES_DATA_DIR to another directory, or start aTES as another user`
      : `Cannot use ${home.dataDir} for the database: permission denied: let the user who starts aTES write there, or set ATES_DATA_DIR to another directory`,
  ])
  await chmod(closed, 0o711)
})

test('a data directory with something else in the place of the database is said, and left alone', async () => {
  await using home = await install()
  await mkdir(join(home.dataDir, 'postgres'), { recursive: true })
  await writeFile(join(home.dataDir, 'postgres/thesis.txt'), 'years of work')
  const command = home.npm(['start'])
  assert.equal(await command.ended, 1)
  assert.equal(command.complaints.length, 1, command.err)
  assert.match(
    command.complaints[0] ?? '',
    /postgres is not the data of a PostgreSQL server: move it away, or set ATES_DATA_DIR$/,
  )
})
