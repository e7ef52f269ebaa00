// The life of one installation as its user sees it: first start, Ctrl-C at any moment, restarts, kills, a second start.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { install, type Installation, limitMs, type Running } from './terminal.ts'
import { type Company, firstAdministrator, foundCompany, seenOf, untilBooked } from './visitor.ts'

let home: Installation
let company: Company
/** What people saw last. */
let seen: object

before(async () => {
  home = await install()
})
after(() => home[Symbol.asyncDispose]())

const has = (name: string): boolean => {
  try {
    return readdirSync(home.dataDir).some((entry) => entry.startsWith(name))
  } catch {
    return false
  }
}

const moveTo = ({ url }: Running): void => {
  for (const visitor of Object.values(company)) visitor.url = url
}

/** What the database wrote since its last start. */
const lastServerLog = async (): Promise<string> => (await home.serverLog).split('starting PostgreSQL').at(-1) ?? ''

/** Ctrl-C, after which nothing is left running and the database was ended after those who used it. */
const stopInOrder = async ({ command, url }: Running): Promise<void> => {
  assert.equal(await command.interrupt(), 0)
  assert.match(command.out, /^Stopping \.\.\.$/m)
  assert.deepEqual([command.processes, home.servers], [[], []])
  await assert.rejects(fetch(`${url}/health/live`))
  const log = await lastServerLog()
  assert.match(log, /database system is shut down\n$/)
  assert.doesNotMatch(log, /open transaction/)
}

/** Stops all processes of the database, the one that begins others first, until no other appears. Gives their numbers. */
const freezeServers = (): Set<number> => {
  const frozen = new Set<number>()
  for (;;) {
    const running = home.servers.filter(({ pid }) => !frozen.has(pid))
    if (running.length === 0) return frozen
    for (const { pid } of running) {
      process.kill(pid, 'SIGSTOP')
      frozen.add(pid)
    }
  }
}

const health = async ({ url }: Running, what: string) => {
  const response = await fetch(`${url}/health/${what}`)
  return [response.status, await response.json()]
}

test('Ctrl-C while the database is being made ends quietly and leaves nothing running', async () => {
  const command = home.npm(['start'], { ATES_LOG_LEVEL: 'warn' })
  await eventually('the database is being made', () => has('postgres.unfinished-'), limitMs)
  assert.equal(await command.interrupt(), 0)
  assert.deepEqual(command.complaints, [])
  assert.deepEqual([command.processes, home.servers], [[], []])
})

test('the first start prints an address and a one-time link, and Ctrl-C stops everything, the database too', async () => {
  const running = await home.start()
  const { command, url } = running
  const [, link = ''] = await command.saying(/^Make the first administrator, once: (\S+)$/m)
  assert.equal(new URL(link).origin, url)
  assert.deepEqual(await health(running, 'live'), [200, { live: true }])
  assert.deepEqual(await health(running, 'ready'), [200, { ready: true, troubles: [] }])
  assert.ok(home.servers.length > 0)
  company = await foundCompany(link)
  await assert.rejects(firstAdministrator(link), /\/first-run answered 404/)
  seen = await seenOf(company)
  await stopInOrder(running)
})

test('a restart keeps data and sessions, prints no link, and a SIGTERM to npm alone stops it', async () => {
  const running = await home.start()
  moveTo(running)
  assert.deepEqual(await seenOf(company), seen)
  running.command.child.kill('SIGTERM')
  assert.equal(await running.command.ended, 0)
  assert.doesNotMatch(running.command.out, /first-run/)
  assert.deepEqual([running.command.processes, home.servers], [[], []])
})

test('a second start on the same data is refused in one line, and the first goes on', async () => {
  const running = await home.start()
  moveTo(running)
  const second = home.npm(['start'])
  assert.equal(await second.ended, 1)
  assert.equal(second.complaints.length, 1, second.err)
  assert.match(
    second.complaints[0] ?? '',
    /already runs on this data directory .* use another ATES_DATA_DIR or stop it/,
  )
  assert.deepEqual(await health(running, 'ready'), [200, { ready: true, troubles: [] }])
  assert.deepEqual(await seenOf(company), seen)
  await stopInOrder(running)
})

test('Ctrl-C between the start of the database and the greeting stops both', async () => {
  const command = home.npm(['start'])
  await command.saying(/started the database server/)
  assert.equal(await command.interrupt(), 0)
  assert.deepEqual([command.processes, home.servers], [[], []])
  assert.match(await home.serverLog, /database system is shut down\n$/)
})

test('a port in use is said in one line, and the database is stopped again', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const command = home.npm(['start'], { ATES_PORT: String(port), ATES_LOG_LEVEL: 'warn' })
  assert.equal(await command.ended, 1)
  taken.close()
  assert.deepEqual(command.complaints, [
    `port ${port} is in use: stop what listens there, or set ATES_PORT to another one`,
  ])
  assert.deepEqual(home.servers, [])
})

test('after a kill -9 the next start takes over the database that was left, with all that was answered', async () => {
  const killed = await home.start()
  moveTo(killed)
  await company.manager.get('POST task-tracker/tasks', { description: 'Answered just before the end' })
  process.kill(killed.command.node.pid, 'SIGKILL')
  await killed.command.ended
  assert.ok(home.servers.length > 0)

  const running = await home.start()
  moveTo(running)
  const { lines } = await untilBooked(company.popug, 5)
  assert.equal(lines.length, 5)
  const { differences } = await company.admin.get<{ differences: [] }>('GET accounting/ledger/verification')
  assert.deepEqual(differences, [])
  assert.doesNotMatch(running.command.out, /first-run/)
  seen = await seenOf(company)
  assert.equal(await running.command.interrupt(), 0)
  assert.deepEqual([running.command.processes, home.servers], [[], []])
})

test('when the database is killed under it, aTES starts it again and goes on', async () => {
  const running = await home.start()
  const [server] = home.servers
  process.kill(server?.pid ?? 0, 'SIGKILL')
  await running.command.saying(/the embedded database ended, starting it again/)
  await eventually('it is ready again', async () => (await fetch(`${running.url}/health/ready`)).ok, limitMs)
  moveTo(running)
  assert.deepEqual(await seenOf(company), seen)
  assert.equal(await running.command.interrupt(), 0)
  assert.deepEqual([running.command.processes, home.servers], [[], []])
})

test('while the database hangs, it is alive and not ready, and says what is wrong; afterwards it goes on', async () => {
  const running = await home.start()
  moveTo(running)
  const frozen = freezeServers()
  assert.deepEqual(await health(running, 'live'), [200, { live: true }])
  const [status, body] = (await health(running, 'ready')) as [number, { ready: boolean; troubles: string[] }]
  for (const pid of frozen) process.kill(pid, 'SIGCONT')
  assert.deepEqual([status, body.ready], [503, false])
  assert.ok(body.troubles.includes('database of accounting'), JSON.stringify(body))
  await eventually('it is ready again', async () => (await fetch(`${running.url}/health/ready`)).ok, limitMs)
  assert.deepEqual(await seenOf(company), seen)
  await stopInOrder(running)
})
