// The public API: the methods of a service that was added, through a gateway that knows none of them.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { methodsOf, serviceRole } from '../../kernel/contract.ts'
import { must } from '../../kernel/result.ts'
import { accounting } from '../../services/accounting/contract.ts'
import { identity } from '../../services/identity/contract.ts'
import { operations } from '../../services/operations/contract.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { type Role, roles } from '../../services/vocabulary.ts'
import { password, type Running, startRunning } from '../support/application.ts'
import { parrots, parrotsService } from '../support/parrots.ts'
import { freshDatabase, type TestDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'

type Who = Role | 'nobody'
const everyone: readonly Who[] = [...roles, 'nobody']

interface Sent {
  readonly method?: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

interface Described {
  readonly operationId: string
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly 'x-ates': { readonly is: 'command' | 'query' }
}

describe('the public API', () => {
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

  const ask = async (who: Who, path: string, { method = 'GET', body, headers = {} }: Sent = {}) => {
    const cookie = who === 'nobody' ? '' : running.members[who].cookie
    const response = await fetch(`${running.url}${path}`, {
      method,
      headers: { cookie, ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const answer: Record<string, unknown> = await response.json()
    const type = response.headers.get('content-type') ?? ''
    if (response.status >= 400) assert.equal(type, 'application/problem+json', `${method} ${path}`)
    return { status: response.status, code: answer['code'], answer, headers: response.headers }
  }
  const statuses = async (path: string, sent: Sent = {}) =>
    Object.fromEntries(await Promise.all(everyone.map(async (who) => [who, (await ask(who, path, sent)).status])))
  const feed = { method: 'POST', body: { food: 'nuts' } }

  describe('of a service that was added beside ours', () => {
    test('has its methods, each for the roles of its contract', async () => {
      const some = { popug: 200, manager: 200, accountant: 403, admin: 403, nobody: 401 }
      assert.deepEqual(await statuses('/api/v1/parrots/parrots/1/meals', feed), some)
      const all = { popug: 200, manager: 200, accountant: 200, admin: 200, nobody: 401 }
      assert.deepEqual(await statuses('/api/v1/parrots/parrots/1/meals'), all)
      const one = { popug: 403, manager: 403, accountant: 403, admin: 200, nobody: 401 }
      assert.deepEqual(await statuses('/api/v1/parrots/inspection'), one)
    })

    test('has no method that is for services, for nobody', async () => {
      const none = { popug: 404, manager: 404, accountant: 404, admin: 404, nobody: 404 }
      assert.deepEqual(await statuses('/api/v1/parrots/cage/clean', { method: 'POST', body: {} }), none)
      assert.deepEqual(await statuses('/api/v1/parrots/kernel/log?from=0&limit=1'), none)
    })

    test('calls on behalf of who is signed in, and of nobody else', async () => {
      const { manager } = running.members
      const headers = { authorization: 'Bearer x', 'x-actor': '1', 'x-role': 'admin' }
      const body = { food: 'nuts', by: 1, actor: { id: 1, role: 'admin' } }
      const { answer } = await ask('manager', '/api/v1/parrots/parrots/1/meals', { method: 'POST', body, headers })
      assert.equal(answer['by'], manager.id)
      const { answer: admin } = await ask('admin', '/api/v1/parrots/inspection')
      assert.deepEqual(admin, { actorId: running.members.admin.id, role: 'admin' })
    })

    test('takes the parrot from the path, also when the body names another one', async () => {
      const sent = { method: 'POST', body: { food: 'nuts', parrotId: 99 } }
      assert.equal((await ask('popug', '/api/v1/parrots/parrots/5/meals', sent)).answer['parrotId'], 5)
    })

    test('passes on keys: the same key is the same call', async () => {
      const sent = { ...feed, headers: { 'idempotency-key': 'gateway-1' } }
      const first = await ask('popug', '/api/v1/parrots/parrots/7/meals', sent)
      const again = await ask('popug', '/api/v1/parrots/parrots/7/meals', sent)
      assert.deepEqual(again.answer, first.answer)
      const other = await ask('popug', '/api/v1/parrots/parrots/8/meals', sent)
      assert.deepEqual([other.status, other.code], [422, 'key_reused'])
      const manager = await ask('manager', '/api/v1/parrots/parrots/7/meals', sent)
      assert.notEqual(manager.answer['mealId'], first.answer['mealId'])
    })

    test('says of each command, and of nothing else, that it takes a key', async () => {
      const document = await (await fetch(`${running.url}/api/openapi.json`)).json()
      const paths: readonly Record<string, Described>[] = Object.values(document.paths)
      const methods = paths.flatMap((verbs) => Object.values(verbs))
      assert.ok(methods.some(({ 'x-ates': { is } }) => is === 'command'))
      for (const { operationId, parameters, 'x-ates': method } of methods) {
        const inHeaders = parameters.filter((one) => one.in === 'header').map(({ name }) => name)
        assert.deepEqual(inHeaders, method.is === 'command' ? ['idempotency-key'] : [], operationId)
      }
    })

    test('passes on the request id, to the answer and into the event', async () => {
      const headers = { 'x-request-id': 'from-outside-1' }
      const { headers: given, answer } = await ask('popug', '/api/v1/parrots/parrots/1/meals', { ...feed, headers })
      assert.equal(given.get('x-request-id'), 'from-outside-1')
      await running.application.host.settle()
      const [event] = await database.query(`select request_id, actor from parrots.event where data->>'mealId' = $1`, [
        String(answer['mealId']),
      ])
      assert.deepEqual(event, { request_id: 'from-outside-1', actor: running.members.popug.id })
    })

    test('hands back refusals as the contract declares them', async () => {
      for (const [food, status, code] of [
        ['rotten', 400, 'rotten'],
        ['stolen', 403, 'not_your_parrot'],
        ['nothing', 404, 'no_such_parrot'],
        ['enough', 409, 'not_hungry'],
        ['', 400, 'invalid_input'],
      ] as const) {
        const answer = await ask('popug', '/api/v1/parrots/parrots/1/meals', { method: 'POST', body: { food } })
        assert.deepEqual([answer.status, answer.code], [status, code])
      }
    })
  })

  test('describes what is public, and only that, under the addresses it has', async () => {
    const { answer } = await ask('nobody', '/api/openapi.json')
    const document = answer as { paths: Record<string, Record<string, { operationId: string }>>; 'x-missing': string[] }
    const described = Object.entries(document.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
    )
    const declared = [identity, taskTracker, accounting, operations, parrots]
      .flatMap((contract) => methodsOf(contract))
      .filter(({ allow }) => allow.some((role) => role !== serviceRole))
      .map(({ http, service }) => http.replace(' ', ` /api/v1/${service}`))
    assert.deepEqual(new Set(described), new Set(declared))
    assert.equal(described.length, declared.length)
    assert.deepEqual(document['x-missing'], [])
  })

  test('changes nothing for a page of another site, and reads nothing wrong into a missing origin', async () => {
    const path = '/api/v1/parrots/parrots/1/meals'
    const foreign = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of foreign) {
      const { status, code } = await ask('popug', path, { ...feed, headers })
      assert.deepEqual([status, code], [403, 'forbidden'], JSON.stringify(headers))
    }
    for (const headers of [
      {},
      { origin: running.url },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
    ]) {
      assert.equal((await ask('popug', path, { ...feed, headers })).status, 200, JSON.stringify(headers))
    }
  })

  test('is closed to a session that does not exist', async () => {
    const names = [
      'ates_session=nonsense',
      'ates_session=',
      'ates_session=%ff',
      `ates_session=${'x'.repeat(5_000)}`,
      'other=1',
    ]
    for (const cookie of names) {
      const { status } = await ask('nobody', '/api/v1/task-tracker/tasks', { headers: { cookie } })
      assert.equal(status, 401, cookie.slice(0, 30))
    }
  })

  test('is closed to a person from the moment they are disabled', async () => {
    const person = await ask('admin', '/api/v1/identity/people', {
      method: 'POST',
      body: { name: 'Gone', email: 'gone@example.com', role: 'manager' },
    })
    const { token, person: gone } = person.answer as { token: string; person: { popugId: number } }
    const asService = { actor: { id: null, role: serviceRole }, requestId: 'r' }
    const { call } = running.application.host
    const session = must(await call(identity.acceptInvitation, { token, password }, asService))
    const headers = { cookie: `ates_session=${encodeURIComponent(session.token)}` }
    assert.equal((await ask('nobody', '/api/v1/identity/me', { headers })).status, 200)
    const disabled = { method: 'PATCH', body: { active: false } }
    assert.equal((await ask('admin', `/api/v1/identity/people/${gone.popugId}`, disabled)).status, 200)
    await running.application.host.settle()
    assert.equal((await ask('nobody', '/api/v1/identity/me', { headers })).status, 401)
  })
})
