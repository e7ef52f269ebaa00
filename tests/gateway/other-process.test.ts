// A service in another process: the gateway forwards by what it publishes, also what it did not publish yesterday.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { type Role, roles } from '../../services/vocabulary.ts'
import { type Running, sharedSettings, startRunning } from '../support/application.ts'
import { eventually } from '../support/eventually.ts'
import { freshDatabase, type TestDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'

const program = new URL('other-accounting.ts', import.meta.url).pathname

/** Starts it and gives its port. */
const startOther = async (version: string, port: number, tokenKey: string) => {
  const child = spawn(process.execPath, ['--import', './runtime.js', program, version, String(port)], {
    env: { ...process.env, ATES_TOKEN_KEY: tokenKey },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface(child.stdout), 'line', { signal: AbortSignal.timeout(20_000) })
  return { child, port: Number(String(line).split(' ').at(-1)) }
}

const end = async (child: ChildProcess) => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

describe('a service in another process', () => {
  let database: TestDatabase
  let running: Running
  let other: { child: ChildProcess; port: number }
  let tokenKey: string
  before(async () => {
    const settings = await sharedSettings()
    tokenKey = settings['ATES_TOKEN_KEY'] ?? ''
    ;[database, other] = await Promise.all([freshDatabase(schemas), startOther('first', 0, tokenKey)])
    running = await startRunning({
      database,
      run: ['identity', 'task-tracker', 'operations', 'web'],
      settings: { ...settings, ATES_ACCOUNTING_URL: `http://127.0.0.1:${other.port}` },
    })
  })
  after(async () => {
    await end(other.child)
    await running[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  const ask = async (role: Role | 'nobody', path: string, method = 'GET', body?: object) => {
    const cookie = role === 'nobody' ? '' : running.members[role].cookie
    const content = body ? { body: JSON.stringify(body) } : {}
    const response = await fetch(`${running.url}/api/v1/accounting${path}`, { method, headers: { cookie }, ...content })
    return { status: response.status, answer: (await response.json()) as Record<string, unknown> }
  }
  const bonus = (role: Role | 'nobody') => ask(role, '/people/3/bonus', 'POST', { amountCents: 100 })
  test('is reached by what it publishes, as the person who is signed in', async () => {
    for (const role of roles) {
      const { status, answer } = await ask(role, '/greeting')
      assert.deepEqual([status, answer], [200, { from: 'first', actorId: running.members[role].id, role }])
    }
    assert.equal((await ask('nobody', '/greeting')).status, 401)
    assert.equal((await ask('admin', '/shut', 'POST', {})).status, 404)
    assert.equal((await bonus('accountant')).status, 404)
  })

  test('that is started anew with one more method has that, too, through the same gateway and with its roles', async () => {
    await end(other.child)
    other = await startOther('second', other.port, tokenKey)
    await eventually('the new method', async () => (await bonus('accountant')).status === 200)
    const { answer } = await bonus('accountant')
    assert.deepEqual(answer, { from: 'second', actorId: running.members.accountant.id, role: 'accountant' })
    for (const role of ['popug', 'manager', 'admin'] as const) {
      const { status, answer: no } = await bonus(role)
      assert.deepEqual([status, no['code']], [403, 'forbidden'], role)
    }
    assert.equal((await bonus('nobody')).status, 401)
    assert.equal((await ask('admin', '/shut', 'POST', {})).status, 404)
    const document = await (await fetch(`${running.url}/api/openapi.json`)).json()
    assert.ok(document.paths['/api/v1/accounting/people/{popugId}/bonus'].post)
  })

  test('that is gone is unavailable, is missed by name, and takes nothing else with it', async () => {
    await end(other.child)
    const { status, answer } = await ask('popug', '/greeting')
    assert.deepEqual([status, answer['code']], [503, 'unavailable'])
    const headers = { cookie: running.members.popug.cookie }
    assert.equal((await fetch(`${running.url}/api/v1/task-tracker/tasks`, { headers })).status, 200)
    assert.equal((await fetch(`${running.url}/`, { headers })).status, 200)
    await eventually('an open breaker', async () => {
      await ask('popug', '/greeting')
      const { ready, troubles } = await (await fetch(`${running.url}/health/ready`)).json()
      return ready === true && troubles.includes('calls to accounting')
    })
    const manager = { headers: { cookie: running.members.manager.cookie } }
    await eventually("the breaker on the page of its process's own", async () => {
      await ask('popug', '/greeting')
      const page = await (await fetch(`${running.url}/operations`, manager)).text()
      const [, own = ''] = page.replaceAll(/<[^>]+>/g, '').split('the process that made this page')
      return /accounting: *cut off/.test(own)
    })
    other = await startOther('first', other.port, tokenKey)
    await eventually('an answer', async () => (await ask('popug', '/greeting')).status === 200)
  })
})
