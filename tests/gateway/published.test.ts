// What a service publishes is only its word: it cannot take another's address, a role of ours, or what is for services.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { httpTransport } from '../../adapters/transport/http-client.ts'
import { type FetchHandler, type Listening, listen } from '../../adapters/transport/http-server.ts'
import { newTokenKey, type Tokens, tokensOf } from '../../adapters/transport/token.ts'
import type { Caller } from '../../kernel/caller.ts'
import type { OpenApiDocument } from '../../kernel/openapi.ts'
import { ok } from '../../kernel/result.ts'
import { type Role, roles } from '../../services/vocabulary.ts'
import { createGateway, type Gateway } from '../../services/web/gateway.ts'
import { silent } from '../support/silent.ts'
import { otherAccounting } from './other-accounting.ts'

type Paths = Record<string, Record<string, object>>

/** Every session is of a person with the role that it names. */
const sessions = (async (_method: unknown, { token }: { token: string }) => {
  const person = { popugId: 5, name: token, email: '', role: token, active: true, createdAt: '' }
  return Promise.resolve(ok({ person }))
}) as unknown as Caller

describe('a published contract', () => {
  let honest: FetchHandler
  let document: OpenApiDocument
  /** What is published, and whether anything else was asked. */
  let lie: (paths: Paths) => object
  let asked: string[] = []
  let accounting: Listening
  let trap: Listening
  let tokens: Tokens
  let gateway: Gateway
  before(async () => {
    const key = await newTokenKey()
    honest = await otherAccounting('second', key as Record<string, string>)
    const at = { hostname: '127.0.0.1', port: 0 }
    trap = await listen((request) => (asked.push(request.url), new Response('{}')), at)
    document = (await (await honest(new Request('http://x/openapi.json'))).json()) as OpenApiDocument
    const servers = [{ url: `http://127.0.0.1:${trap.port}` }]
    accounting = await listen((request) => {
      if (!request.url.endsWith('/openapi.json')) return honest(request)
      return Response.json({ ...document, servers, paths: lie(structuredClone(document.paths)) })
    }, at)
    tokens = await tokensOf(key)
  })
  after(async () => {
    await accounting.close()
    await trap.close()
  })

  /** Publishes this from now on, and forgets what was published before. */
  const publish = (how: typeof lie) => {
    lie = how
    const addresses = { accounting: `http://127.0.0.1:${accounting.port}` }
    const transport = httpTransport({ addresses, tokens })
    const directory = { services: ['accounting'], published: transport.published }
    gateway = createGateway({ directory, transport, call: sessions, log: silent, secure: false, now: () => new Date() })
  }

  const ask = async (role: Role, path: string, method = 'GET') => {
    const headers = { cookie: `ates_session=${role}` }
    const response = await gateway(
      new Request(`http://ates.test${path}`, {
        method,
        headers,
        ...(method === 'GET' ? {} : { body: '{"popugId":1,"amountCents":1}' }),
      }),
    )
    return response.status
  }
  const byRole = async (path: string, method?: string) => Promise.all(roles.map((role) => ask(role, path, method)))
  const greet = (paths: Paths) => paths['/greeting']?.['get'] as { 'x-ates': object }
  const allowing = (operation: { 'x-ates': object }, allow: readonly string[]) => ({
    ...operation,
    'x-ates': { ...operation['x-ates'], allow },
  })

  test('is believed where it says nothing that is not its own', async () => {
    publish((paths) => paths)
    assert.deepEqual(await byRole('/api/v1/accounting/greeting'), [200, 200, 200, 200])
    assert.deepEqual(await byRole('/api/v1/accounting/people/1/bonus', 'POST'), [403, 403, 200, 403])
    assert.deepEqual(await byRole('/api/v1/accounting/shut', 'POST'), [404, 404, 404, 404])
  })

  test('cannot give a role that we do not have, nor one of ours under another spelling', async () => {
    publish((paths) => ({
      ...paths,
      '/a': { get: allowing(greet(paths), ['root', '', '*', 'Admin', ' admin', 'service', '__proto__']) },
    }))
    assert.deepEqual(await byRole('/api/v1/accounting/a'), [404, 404, 404, 404])
    publish((paths) => ({ ...paths, '/greeting': { get: allowing(greet(paths), ['root', 'manager']) } }))
    assert.deepEqual(await byRole('/api/v1/accounting/greeting'), [403, 200, 403, 403])
  })

  test('cannot make public what the service itself keeps for services', async () => {
    publish((paths) => ({
      ...paths,
      '/shut': { post: allowing(paths['/shut']?.['post'] as { 'x-ates': object }, roles) },
    }))
    assert.deepEqual(await byRole('/api/v1/accounting/shut', 'POST'), [403, 403, 403, 403])
  })

  test('cannot take an address outside its own: it is then believed in nothing', async () => {
    for (const path of [
      '/../task-tracker/tasks',
      '/../../openapi.json',
      '//evil/x',
      '/%2e%2e/identity/people',
      '/:x',
      '/*',
      '/a/{b}*',
      'x',
      '',
      '@evil/x',
    ]) {
      publish((paths) => ({ ...paths, [path]: { get: greet(paths) } }))
      for (const taken of [
        '/api/v1/task-tracker/tasks',
        '/api/v1/identity/people',
        '/api/v1/evil/x',
        '/api/v1/accounting/../task-tracker/tasks',
      ]) {
        assert.equal(await ask('admin', taken), 404, `${path} took ${taken}`)
      }
      assert.equal(await ask('admin', '/api/v1/accounting/greeting'), 503, path)
    }
  })

  test('cannot put a method under two names, so that the right of one opens the other', async () => {
    const open = (paths: Paths) => ({ post: { ...greet(paths), operationId: 'PayBonus' } })
    publish((paths) => ({ ...paths, '/open': open(paths) }))
    assert.deepEqual(await byRole('/api/v1/accounting/open', 'POST'), [403, 403, 200, 403])
    publish((paths) => ({ '/open': open(paths), ...paths }))
    assert.deepEqual(await byRole('/api/v1/accounting/open', 'POST'), [404, 404, 404, 404])
  })

  test('cannot send anybody elsewhere: services that are not configured are never asked', async () => {
    publish((paths) => paths)
    asked = []
    const there = `127.0.0.1:${trap.port}`
    for (const path of [
      `/api/v1/${there}/greeting`,
      `/api/v1/accounting@${there}/greeting`,
      '/api/v1/parrots/greeting',
    ]) {
      assert.equal(await ask('admin', path), 404, path)
    }
    assert.equal(await ask('admin', '/api/v1/accounting/greeting'), 200)
    assert.deepEqual(asked, [])
  })
})
