// Addresses that try to reach more than they say: past the gateway, past a service's own prefix, or another host.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type Running, startRunning } from '../support/application.ts'
import { parrotsService } from '../support/parrots.ts'
import { type RawRequest, sendBytes, sendRaw } from '../support/raw.ts'
import { freshDatabase, type TestDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'

describe('an address below /api', () => {
  let database: TestDatabase
  let running: Running
  before(async () => {
    database = await freshDatabase([...schemas, 'parrots'])
    const services = new Map([[parrotsService(), database.open('parrots')]])
    running = await startRunning({ database, decorations: { services } })
  })
  after(async () => {
    await running[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  const get = async (path: string, sent: RawRequest = {}) => {
    const headers = { cookie: running.members.admin.cookie, ...sent.headers }
    const { status, body, headers: given } = await sendRaw(running.url, path, { ...sent, headers })
    const isProblem = given['content-type'] === 'application/problem+json'
    return { status, body, code: isProblem ? String(JSON.parse(body).code) : '' }
  }

  test('works as it is meant, to begin with', async () => {
    assert.equal((await get('/api/v1/parrots/inspection')).status, 200)
    assert.equal((await get('/api/v1/parrots/parrots/1/words/a%2Fb%3Fc%23d/echo')).body, '{"word":"a/b?c#d"}')
  })

  const nowhere = [
    '/api/',
    '/api/v1',
    '/api/v1/',
    '/api/v1/parrots',
    '/api/v1/parrots/',
    '/api/v1//parrots/inspection',
    '/api//v1/parrots/inspection',
    '/api/v1/parrots//inspection',
    '/api/v1/parrots/inspection/',
    '/api/v1/parrots/inspection//',
    '/api/v2/parrots/inspection',
    '/api/V1/parrots/inspection',
    '/api/v1/Parrots/inspection',
    '/api/v1/%70arrots/inspection',
    '/api/v1/parrots%2finspection',
    '/api/v1/parrots%2Finspection',
    '/api/v1/parrots/inspection%2f',
    '/api/v1/parrots/inspection;role=admin',
    '/api/v1/parrots/inspection%00',
    '/api/v1/parrots/inspection.json',
    '/api/v1/parrots/:parrotId/meals/*',
    '/api/v1/parrots/*',
    '/api/v1/*/inspection',
    '/api/v1/parrots/cage/clean',
    '/api/v1/parrots/kernel/log',
    '/api/v1/parrots/kernel%2flog',
    '/api/v1/parrots/kernel/%6cog',
    '/api/v1/parrots/%2e%2e%2fkernel/log',
    '/api/v1/parrots/..%2f..%2fidentity/people',
    '/api/v1/parrots/..%5c..%5cidentity/people',
    '/api/v1/parrots/health/live',
    '/api/v1/parrots/openapi.json',
    '/api/v1/web/tasks',
    '/api/v1/kernel/log',
    '/api/v1/constructor/inspection',
    '/api/v1/__proto__/inspection',
    '/api/v1/parrots/__proto__',
    '/api/v1/parrots/constructor',
    '/api/v1/hasOwnProperty/x',
    '/api/v1/127.0.0.1/x',
    '/api/v1/@127.0.0.1/x',
    '/api/v1/http:%2f%2f127.0.0.1%2f/x',
    '/api/openapi.json/',
    '/api/v1/openapi.json',
    `/api/v1/parrots/${'a/'.repeat(2_000)}`,
    `/api/v1/parrots/${'a'.repeat(8_000)}`,
    `/api/v1/${'%2e%2e%2f'.repeat(300)}etc/passwd`,
  ]
  test('that is none leads nowhere, for an administrator too', async () => {
    for (const path of nowhere) {
      const { status, code } = await get(path)
      assert.deepEqual([status, code], [404, 'unknown_method'], path.slice(0, 80))
    }
  })

  test('with dots means what it means without them, and has the rights of that', async () => {
    for (const [path, meant] of [
      ['/api/v1/../v1/parrots/inspection', '/api/v1/parrots/inspection'],
      ['/api/v1/%2e%2e/v1/parrots/inspection', '/api/v1/parrots/inspection'],
      ['/api/v1/parrots/./inspection', '/api/v1/parrots/inspection'],
      ['/api/v1/parrots/../identity/people', '/api/v1/identity/people'],
      ['/api/v1/parrots/%2E%2e/identity/people', '/api/v1/identity/people'],
      ['/api/v1/parrots/.%2e/parrots/kernel/log', '/api/v1/parrots/kernel/log'],
      ['/api/v1/parrots/parrots/1/../../kernel/log', '/api/v1/parrots/kernel/log'],
      ['/api/../api/v1/parrots/inspection', '/api/v1/parrots/inspection'],
      ['/../../api/v1/parrots/inspection', '/api/v1/parrots/inspection'],
      ['/health/../api/v1/identity/people', '/api/v1/identity/people'],
      ['/assets/../api/v1/identity/people', '/api/v1/identity/people'],
    ] as const) {
      for (const cookie of ['', running.members.popug.cookie, running.members.admin.cookie]) {
        const [found, plain] = await Promise.all([
          get(path, { headers: { cookie } }),
          get(meant, { headers: { cookie } }),
        ])
        assert.deepEqual([found.status, found.code], [plain.status, plain.code], path)
      }
    }
  })

  test('with backslashes is no address', async () => {
    assert.equal((await get('/api/v1\\parrots\\inspection')).status, 400)
  })

  test('with a part that is no number, or no UTF-8, is refused', async () => {
    for (const part of [
      '1%2f2',
      '..%2f1',
      '%2e%2e%2f1',
      'x',
      '1.5',
      '1e3',
      '-1',
      '0',
      '0x10',
      '%EF%BC%91',
      '%00',
      '1%00',
      '2147483648',
      '%ff',
      '%c0%ae',
      '%',
      '%zz',
      '%d800',
      '%20',
      '1%20',
      '+1',
      '99999999999999999999',
    ]) {
      const { status, code } = await get(`/api/v1/parrots/parrots/${part}/meals`)
      assert.deepEqual([status, code], [400, 'invalid_input'], part)
    }
  })

  test('is served by its path alone, whatever host, scheme or proxy the request names', async () => {
    const trap = createServer((socket) => {
      caught += 1
      socket.destroy()
    })
    let caught = 0
    trap.listen(0, '127.0.0.1')
    await once(trap, 'listening')
    await using _ = { [Symbol.asyncDispose]: async () => void (await once(trap.close(), 'close')) }
    const there = `127.0.0.1:${(trap.address() as AddressInfo).port}`
    for (const headers of [
      { host: there },
      { 'x-forwarded-host': there, 'x-forwarded-proto': 'http', forwarded: `host=${there}` },
      { 'x-original-url': `http://${there}/`, 'x-rewrite-url': '/kernel/log' },
    ]) {
      assert.equal((await get('/api/v1/parrots/inspection', { headers })).status, 200, JSON.stringify(headers))
    }
    assert.equal((await get(`http://${there}/api/v1/parrots/inspection`)).status, 200)
    for (const path of [
      `/api/v1/${there}/x`,
      `/api/v1/x@${there}/x`,
      `/api/v1/http:%2F%2F${there}/x`,
      `//${there}/api/v1/parrots/inspection`,
    ]) {
      assert.notEqual((await get(path)).status, 200, path)
    }
    assert.equal(caught, 0)
  })

  test('with a verb that it does not have says which it has, and an unknown verb is refused', async () => {
    for (const method of ['DELETE', 'PUT', 'PATCH', 'OPTIONS', 'HEAD', 'PROPFIND', 'PURGE', 'LINK']) {
      const { status, headers } = await sendRaw(running.url, '/api/v1/parrots/parrots/1/meals', { method })
      assert.deepEqual([status, headers['allow']], [405, 'GET, POST'], method)
    }
    for (const method of ['TRACE', 'TRACK', 'CONNECT', 'GETS', 'get', 'G\0T']) {
      const answer = await sendBytes(
        running.url,
        `${method} /api/v1/parrots/inspection HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      )
      assert.match(answer, /^(?:HTTP\/1\.1 4\d\d |$)/, method)
    }
    assert.equal((await get('/api/v1/parrots/inspection')).status, 200)
  })
})
