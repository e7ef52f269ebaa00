// Every method of every service for each role, for services and for nobody: through the gateway, at the service itself,
// and as the page of permissions tells it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newTokenKey, tokensOf } from '../../adapters/transport/token.ts'
import { type Actor, type Method, methodsOf, serviceRole } from '../../kernel/contract.ts'
import type { OpenApiDocument } from '../../kernel/openapi.ts'
import type { Service } from '../../kernel/service.ts'
import { standardContract } from '../../kernel/standard.ts'
import { beforePages, besidePages } from '../../services/web/doors.ts'
import { contents } from '../hostile/untouched.ts'
import { serviceOf } from '../support/in-process.ts'
import { callersOf, mayCall, mayOpen, ofEveryService, people } from './matrix.ts'
import type { Asked, Scene } from './scene.ts'

/** Refused behind the role and before the handler, so that whoever may call has no effect. */
const headers = { 'idempotency-key': 'x'.repeat(201) }
const comesToTheHandler = [400, 'invalid_input']

/** About nobody's thing. */
const askedOf = ({ http }: Method, prefix = ''): Asked => {
  const [verb = '', path = ''] = http.split(' ')
  const address = { verb, path: `${prefix}${path.replaceAll(/\{\w+\}/g, '1')}`, headers }
  return verb === 'GET' ? address : { ...address, json: {} }
}

interface Case {
  readonly who: string
  readonly method: Method
  readonly must: readonly unknown[]
  readonly answer: () => Promise<readonly unknown[]>
}

const said = async (response: Response): Promise<readonly unknown[]> => {
  const { code } = (await response.json()) as { code?: unknown }
  return [response.status, code]
}

/** What differs from what must be answered, in words. */
const wrongIn = async (cases: readonly Case[]): Promise<string[]> => {
  const wrong: string[] = []
  for (const { who, method, must, answer } of cases) {
    const [found, expected] = [await answer(), must].map((one) => one.join(' '))
    if (found !== expected) wrong.push(`${who}: ${method.service} ${method.name}: ${found} instead of ${expected}`)
  }
  return wrong
}

const allOf = ({ name, contract }: Service): Method[] => [...methodsOf(contract), ...methodsOf(standardContract(name))]

/** It asks a service only for whom the method is, and in their name. */
const atGateway = ({ services, running, forwarded, ask }: Scene): Case[] =>
  services.flatMap(allOf).flatMap((method) => {
    const allowed = callersOf(method.service, method.name) ?? []
    const isPublic = people.some((role) => allowed.includes(role))
    const mustOf = (who: (typeof people)[number] | 'nobody'): readonly unknown[] => {
      if (!isPublic) return [404, 'unknown_method']
      if (who === 'nobody') return [401, 'unauthenticated']
      return allowed.includes(who) ? [...comesToTheHandler, who, running.members[who].id] : [403, 'forbidden']
    }
    const asked = askedOf(method, `/api/v1/${method.service}`)
    return ([...people, 'nobody'] as const).map((who) => {
      const answer = async () => {
        const before = forwarded.length
        const answered = await said(await ask(who === 'nobody' ? null : running.members[who], asked))
        return [...answered, ...forwarded.slice(before).flatMap(({ actor }) => [actor.role, actor.id])]
      }
      return { who, method, must: mustOf(who), answer }
    })
  })

const nobody = [401, 'unauthenticated']

/** With a token of our own, whatever the gateway would have let through. */
const atService = async ({ running }: Scene, service: Service): Promise<Case[]> => {
  const tokens = await tokensOf(await newTokenKey())
  const handler = serviceOf(running.application, service, tokens)
  const actors: readonly (Actor & { readonly who: string })[] = [
    ...people.map((role) => ({ who: role, role, id: running.members[role].id })),
    { who: 'a service', role: serviceRole, id: null },
    { who: 'nobody', role: '', id: null },
    { who: 'a role that we do not have', role: 'owner', id: 1 },
  ]
  const send = async (method: Method, token: string | null) => {
    const { verb, path, json } = askedOf(method)
    const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
    const request = new Request(`http://service.test${path}`, {
      method: verb,
      headers: { ...headers, ...authorization },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    return said(await handler(request))
  }
  return allOf(service).flatMap((method): Case[] => {
    const allowed: readonly string[] = callersOf(method.service, method.name) ?? []
    const elsewhere = () => tokens.sign({ role: allowed[0] ?? '', id: 1 }, 'elsewhere')
    return [
      ...actors.map(({ who, ...actor }) => ({
        who,
        method,
        must: allowed.includes(actor.role) ? comesToTheHandler : actor.role === '' ? nobody : [403, 'forbidden'],
        answer: async () => send(method, await tokens.sign(actor, service.name)),
      })),
      { who: 'a token for another service', method, must: nobody, answer: async () => send(method, await elsewhere()) },
      { who: 'no token', method, must: nobody, answer: () => send(method, null) },
    ]
  })
}

/** What the page says of each method for each role, in the order of the columns. */
const permissionsIn = (html: string): Record<string, string[]> => {
  let service = ''
  const rows: Record<string, string[]> = {}
  for (const [, heading, name, row = ''] of html.matchAll(
    /<h2 id="([\w-]+)">|<code class="muted below">(\w+)<\/code>(.*?)<\/tr>/gs,
  )) {
    if (heading) service = heading
    else rows[`${service} ${name}`] = [...row.matchAll(/class="(may|may-not)"/g)].map(([, may = '']) => may)
  }
  return rows
}

const secret = /token|password|secret|hash|cookie|session/i

/** Names of fields in the answers of public methods that could hold something to come in with. */
const secretsIn = ({ paths }: OpenApiDocument): string[] =>
  Object.values(paths)
    .flatMap((verbs) => Object.values(verbs))
    .flatMap(({ operationId, responses }) =>
      [...JSON.stringify(responses['200']).matchAll(/"(\w+)":\{/g)]
        .map(([, name = '']) => name)
        .filter((name) => secret.test(name))
        .map((name) => `${operationId}: ${name}`),
    )

export const whoMayCall = (scene: () => Scene): void => {
  test('who may call it is written down for every method, and for nothing else', () => {
    const { services } = scene()
    const own = services.flatMap(({ contract }) => methodsOf(contract)).map(({ service, name }) => `${service} ${name}`)
    assert.deepEqual(own.toSorted(), Object.keys(mayCall).toSorted())
    for (const { name } of services) {
      const standard = methodsOf(standardContract(name)).map((method) => method.name)
      assert.deepEqual(standard.toSorted(), ofEveryService.toSorted(), name)
    }
  })

  test('who may call a method holds at the gateway', async () => {
    const { database } = scene()
    const untouched = await contents(database)
    assert.deepEqual(await wrongIn(atGateway(scene())), [])
    assert.deepEqual(await contents(database), untouched)
  })

  test('who may call a method holds at each service, whatever the gateway would have let through', async () => {
    for (const service of scene().services)
      assert.deepEqual(await wrongIn(await atService(scene(), service)), [], service.name)
  })

  test('no public method gives away what somebody could come in with, beside the links that administrators hand on', async () => {
    const response = await scene().ask(null, { verb: 'GET', path: '/api/openapi.json' })
    const document = (await response.json()) as OpenApiDocument
    assert.deepEqual(secretsIn(document), ['InvitePerson: token', 'RenewInvitation: token'])
  })

  test('answers of the API are protected as pages are', async () => {
    const { ask, running } = scene()
    const path = '/api/v1/task-tracker/tasks'
    for (const [who, asked, status] of [
      [running.members.popug, path, 200],
      [null, path, 401],
      [null, '/api/v1/nothing', 404],
      [null, '/api/openapi.json', 200],
    ] as const) {
      const { headers: given, status: found } = await ask(who, { verb: 'GET', path: asked })
      assert.equal(found, status)
      assert.match(given.get('content-security-policy') ?? '', /^default-src 'none'; script-src 'self'; /)
      assert.equal(given.get('x-content-type-options'), 'nosniff')
      assert.equal(given.get('x-frame-options'), 'DENY')
      assert.ok(given.get('content-type')?.startsWith('application/'))
    }
  })

  test('who may open what is no page is written down for every address, and holds', async () => {
    const { ask, running } = scene()
    assert.deepEqual([...besidePages, ...Object.keys(beforePages)].toSorted(), Object.keys(mayOpen).toSorted())
    const signIn = await (await ask(null, { verb: 'GET', path: '/sign-in' })).text()
    const file = /"(\/assets\/[^"]+)"/.exec(signIn)?.[1] ?? ''
    const wrong: string[] = []
    for (const [path, allowed] of Object.entries(mayOpen).filter(([, one]) => one !== 'by method')) {
      for (const who of [...people, null]) {
        const asked = { verb: 'GET', path: path === '/assets/*' ? file : path }
        const answer = await ask(who && running.members[who], asked)
        await answer.body?.cancel()
        const must = allowed === 'anybody' || (who && allowed.includes(who)) ? 200 : 401
        if (answer.status !== must) wrong.push(`${who ?? 'nobody'}: ${path}: ${answer.status} instead of ${must}`)
      }
    }
    assert.deepEqual(wrong, [])
  })

  test('what is only read is not sent to', async () => {
    for (const [path] of Object.entries(beforePages).filter(([, how]) => how === 'read')) {
      for (const verb of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const answer = await scene().ask(scene().running.members.admin, { verb, path, json: {} })
        assert.deepEqual(
          [...(await said(answer)), answer.headers.get('allow')],
          [405, 'method_not_allowed', 'GET, HEAD'],
        )
      }
    }
  })

  test('who may call a method is what the page of permissions says', async () => {
    const { ask, running } = scene()
    const html = await (await ask(running.members.popug, { verb: 'GET', path: '/permissions' })).text()
    const expected = Object.entries(mayCall)
      .filter(([, allowed]) => people.some((role) => allowed.includes(role)))
      .map(([name, allowed]) => [name, people.map((role) => (allowed.includes(role) ? 'may' : 'may-not'))])
    assert.deepEqual(permissionsIn(html), Object.fromEntries(expected))
  })
}
