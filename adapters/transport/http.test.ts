// Calls over HTTP: what every transport does, and what the wire adds.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as open } from 'node:http'
import { connect } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { caller } from '../../kernel/caller.ts'
import { type Actor, serviceRole } from '../../kernel/contract.ts'
import { type Aviary, startAviary } from '../../tests/support/aviary.ts'
import { type During, parrots } from '../../tests/support/parrots.ts'
import { parrotsDocument, type ParrotsServer, serveParrots } from '../../tests/support/parrots-server.ts'
import { transportConformance } from './conformance.ts'
import { httpTransport } from './http-client.ts'
import { mostBodyBytes, mostServiceBodyBytes } from './http.ts'

transportConformance('over HTTP', async ({ execute }) => {
  const { url, tokens, close } = await serveParrots(execute)
  return { call: caller(httpTransport({ addresses: { parrots: url }, tokens })), end: close }
})

const popug = { id: 7, role: 'popug' }
const nothing = { meals: 0, events: 0, keys: 0 }
const meals = '/parrots/1/meals'

interface Sent {
  readonly method?: string
  readonly actor?: Actor
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: RequestInit['body']
}

describe('a caller on the wire', () => {
  test('refuses a text that would lead to another path', async () => {
    await using aviary = await startAviary()
    const { url, tokens, close } = await serveParrots(aviary.execute)
    await using _ = { [Symbol.asyncDispose]: close }
    const call = caller(httpTransport({ addresses: { parrots: url }, tokens }))
    const behalf = { actor: popug, requestId: 'r' }
    for (const word of ['', '.', '..']) {
      const fields = [{ path: 'word', message: 'cannot stand in a path' }]
      const outcome = await call(parrots.repeat, { parrotId: 1, word }, behalf)
      assert.deepEqual(outcome, { refused: 'invalid_input', detail: { fields } })
    }
  })
})

describe('a service on the wire', () => {
  let aviary: Aviary
  let server: ParrotsServer
  let during: During
  before(async () => {
    aviary = await startAviary({ during: (context) => during(context) })
    server = await serveParrots(aviary.execute)
  })
  beforeEach(() => {
    during = () => Promise.resolve()
    return aviary.clear()
  })
  after(async () => {
    await server.close()
    await aviary[Symbol.asyncDispose]()
  })

  const ask = async (path: string, { method = 'POST', actor = popug, headers = {}, body = null }: Sent = {}) => {
    const token = await server.tokens.sign(actor, 'parrots')
    const all = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers }
    const half = body instanceof ReadableStream ? { duplex: 'half' as const } : {}
    return fetch(`${server.url}${path}`, { method, headers: all, ...(method === 'GET' ? {} : { body }), ...half })
  }
  const feed = (food: string, headers: Sent['headers'] = {}) => ask(meals, { body: JSON.stringify({ food }), headers })

  /** Problem details as RFC 9457 has them; gives the rest of them. */
  const problemOf = async (response: Response, status: number, code: string) => {
    const { type, title, status: said, code: saidCode, requestId, ...rest } = await response.json()
    assert.equal(`${response.status} ${saidCode}`, `${status} ${code}`)
    assert.equal(response.headers.get('content-type'), 'application/problem+json')
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.deepEqual([said, type], [status, `urn:ates:problem:${code}`])
    assert.match(title, /^[A-Z][a-z ]+$/)
    assert.equal(requestId, response.headers.get('x-request-id'))
    return rest as Record<string, unknown>
  }

  /** Sends bytes and gives all that comes back. */
  const exchange = async (bytes: string): Promise<string> => {
    const socket = connect(server.port, '127.0.0.1')
    let said = ''
    socket.on('data', (data) => (said += data.toString())).on('error', () => undefined)
    socket.end(bytes)
    await once(socket, 'close')
    return said
  }

  test('answers an outcome as JSON that nobody keeps', async () => {
    const response = await feed('nuts')
    assert.equal(response.status, 200)
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.deepEqual(await response.json(), { mealId: 1, parrotId: 1, food: 'nuts', grams: 10, by: 7 })
  })

  test('has a status for each kind of refusal and fault', async () => {
    await problemOf(await feed('rotten'), 400, 'rotten')
    await problemOf(await feed('stolen'), 403, 'not_your_parrot')
    await problemOf(await feed('nothing'), 404, 'no_such_parrot')
    await problemOf(await feed('enough'), 409, 'not_hungry')
    await problemOf(await feed('poison'), 500, 'internal')
    await problemOf(await feed('mystery'), 500, 'internal')
    await problemOf(await feed(''), 400, 'invalid_input')
    await problemOf(await ask('/elsewhere'), 404, 'unknown_method')
    assert.deepEqual(await aviary.traces(), nothing)
  })

  test('says nothing of the inside of a fault', async () => {
    const response = await feed('poison')
    assert.deepEqual(Object.keys(await response.json()).toSorted(), ['code', 'requestId', 'status', 'title', 'type'])
  })

  test('names the methods that an address has when it is asked by another one', async () => {
    const response = await ask(meals, { method: 'DELETE' })
    assert.equal(response.headers.get('allow'), 'GET, POST')
    await problemOf(response, 405, 'method_not_allowed')
  })

  test('serves nobody without a valid token for it', async () => {
    const foreign = await serveParrots(aviary.execute)
    await using _ = { [Symbol.asyncDispose]: foreign.close }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { sub: '7', role: 'popug', aud: 'parrots', iss: 'ates', iat: Date.now() / 1_000, exp: Date.now() }
    const own = await server.tokens.sign(popug, 'parrots')
    const forged = own
      .split('.')
      .with(1, part({ ...claims, role: 'manager' }))
      .join('.')
    const wrong = {
      none: '',
      'another scheme': `Basic ${own}`,
      'no scheme': own,
      'another audience': `Bearer ${await server.tokens.sign(popug, 'accounting')}`,
      'another key': `Bearer ${await foreign.tokens.sign(popug, 'parrots')}`,
      'changed claims': `Bearer ${forged}`,
      'cut off': `Bearer ${own.slice(0, -5)}`,
      'no signature': `Bearer ${own.split('.', 2).join('.')}.`,
      'alg none': `Bearer ${part({ alg: 'none' })}.${part(claims)}.`,
      'long nonsense': `Bearer ${'x'.repeat(5_000)}`,
    }
    for (const [what, authorization] of Object.entries(wrong)) {
      const response = await ask(meals, { headers: { authorization }, body: '{"food":"nuts"}' })
      assert.equal(response.status, 401, what)
      await problemOf(response, 401, 'unauthenticated')
    }
    assert.deepEqual(await aviary.traces(), nothing)
  })

  test('looks at the token before it reads the body, and at the role before the input', async () => {
    const huge = 'x'.repeat(mostBodyBytes + 1)
    await problemOf(await ask(meals, { headers: { authorization: '' }, body: huge }), 401, 'unauthenticated')
    await problemOf(await ask(meals, { actor: { id: 1, role: 'admin' }, body: '{}' }), 403, 'forbidden')
  })

  test('stops at the deadline that the caller names', async () => {
    during = async ({ tx }) => {
      await sql`select pg_sleep(30)`.execute(tx)
    }
    const begun = performance.now()
    await problemOf(await feed('nuts', { 'x-deadline-ms': '300' }), 504, 'deadline')
    assert.ok(performance.now() - begun < 8_000)
    assert.deepEqual(await aviary.traces(), nothing)
  })

  test('has a deadline of its own when the caller names none that makes sense', async () => {
    let deadlineMs = 0
    const { close, url, tokens } = await serveParrots((call) => {
      deadlineMs = call.deadlineMs - performance.now()
      return Promise.resolve({ ok: {} })
    })
    await using _ = { [Symbol.asyncDispose]: close }
    const authorization = `Bearer ${await tokens.sign(popug, 'parrots')}`
    for (const given of [undefined, '', '0', '-5', 'soon', 'NaN', 'Infinity', '1e9']) {
      const headers = { authorization, ...(given === undefined ? {} : { 'x-deadline-ms': given }) }
      assert.equal((await fetch(`${url}/parrots/1/hush`, { method: 'POST', headers })).status, 200)
      assert.ok(deadlineMs > 5_000 && deadlineMs <= 300_000, `${given}: ${deadlineMs}`)
    }
  })

  test('takes over a plain request id and replaces any other', async () => {
    for (const given of ['abc', 'A.b-c_9', 'x'.repeat(64)]) {
      const response = await feed('nuts', { 'x-request-id': given })
      assert.equal(response.headers.get('x-request-id'), given)
    }
    for (const given of ['', 'a b', '<script>', 'a;b', 'ü', 'x'.repeat(65), '{"a":1}']) {
      const response = await feed('nuts', { 'x-request-id': given })
      assert.match(response.headers.get('x-request-id') ?? '', /^[\w-]{36}$/, given)
    }
  })

  test('says when to come back when a key is in use', async () => {
    const held = Promise.withResolvers<void>()
    await using own = await startAviary({ during: () => held.promise })
    const busy = await serveParrots(own.execute)
    await using _ = { [Symbol.asyncDispose]: busy.close }
    await own.server.query(`alter role ates_parrots in database ${own.server.name} set lock_timeout = '100ms'`)
    const authorization = `Bearer ${await busy.tokens.sign(popug, 'parrots')}`
    const send = () =>
      fetch(`${busy.url}${meals}`, {
        method: 'POST',
        headers: { authorization, 'idempotency-key': 'k1' },
        body: '{"food":"nuts"}',
      })
    const two = [send(), send()]
    const first = await Promise.race(two).finally(held.resolve)
    assert.equal(first.headers.get('retry-after'), '1')
    await problemOf(first, 409, 'key_in_progress')
    const statuses = new Set((await Promise.all(two)).map(({ status }) => status))
    assert.deepEqual(statuses, new Set([409, 200]))
    assert.equal((await own.traces()).meals, 1)
  })

  test('has 422 for a key that was used with other input', async () => {
    assert.equal((await feed('nuts', { 'idempotency-key': 'k1' })).status, 200)
    await problemOf(await feed('figs', { 'idempotency-key': 'k1' }), 422, 'key_reused')
  })

  test('reads a body up to its limit, and not further, however its size is announced', async () => {
    const exactly = JSON.stringify({ food: 'nuts', chaff: 'x'.repeat(mostBodyBytes - 26) })
    assert.equal(exactly.length, mostBodyBytes)
    assert.equal((await ask(meals, { body: exactly })).status, 200)
    const tooLong = exactly.replace('nuts', 'nutss')
    await problemOf(await ask(meals, { body: tooLong }), 413, 'body_too_large')
    const chunked = new Blob([tooLong]).stream()
    await problemOf(await ask(meals, { body: chunked }), 413, 'body_too_large')
  })

  test('reads a longer body of a service, which delivers events', async () => {
    let length = 0
    const { close, url, tokens } = await serveParrots(({ input }) => {
      length = JSON.stringify(input).length
      return Promise.resolve({ ok: {} })
    })
    await using _ = { [Symbol.asyncDispose]: close }
    const authorization = `Bearer ${await tokens.sign({ id: null, role: serviceRole }, 'parrots')}`
    const send = (bytes: number) => {
      const body = JSON.stringify({ chaff: 'x'.repeat(bytes - 12) })
      return fetch(`${url}/kernel/deliveries`, { method: 'POST', headers: { authorization }, body })
    }
    assert.equal((await send(mostServiceBodyBytes)).status, 200)
    assert.equal(length, mostServiceBodyBytes)
    await problemOf(await send(mostServiceBodyBytes + 1), 413, 'body_too_large')
  })

  test('answers who sends ten megabytes, announced or not, and goes on serving', async () => {
    for (const headers of [{}, { 'content-length': String(10 * 1024 * 1024) }]) {
      const { status, body } = await sendAll(10 * 1024 * 1024, headers)
      assert.deepEqual([status, JSON.parse(body).code], [413, 'body_too_large'])
    }
    assert.equal((await feed('nuts')).status, 200)
  })

  /** Sends everything it has, whatever comes back meanwhile. */
  const sendAll = async (bytes: number, headers: Readonly<Record<string, string>>) => {
    const authorization = `Bearer ${await server.tokens.sign(popug, 'parrots')}`
    const request = open(`${server.url}${meals}`, { method: 'POST', headers: { authorization, ...headers } })
    // Once it has answered, the server may close the connection on what it does not want.
    request.on('error', () => undefined)
    request.end(Buffer.alloc(bytes, 0x20))
    const [response] = await once(request, 'response')
    let body = ''
    for await (const chunk of response) body += String(chunk)
    return { status: Number(response.statusCode), body }
  }

  test('publishes its contract and its health to anybody', async () => {
    const document = await (await fetch(`${server.url}/openapi.json`)).json()
    assert.deepEqual(document, JSON.parse(JSON.stringify(parrotsDocument)))
    assert.deepEqual(await (await fetch(`${server.url}/health/live`)).json(), { live: true })
    assert.deepEqual(await (await fetch(`${server.url}/health/ready`)).json(), { ready: true, troubles: [] })
  })

  test('survives what is not HTTP', async () => {
    for (const bytes of [
      '\0\0\0\0',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n',
    ]) {
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.end(bytes)
      socket.resume()
      await once(socket, 'close')
    }
    assert.equal((await feed('nuts')).status, 200)
  })

  test('answers what it cannot read with problem details, too', async () => {
    const get = (...headers: readonly string[]) => ['GET /openapi.json HTTP/1.1', ...headers, '', ''].join('\r\n')
    const host = 'Host: parrots'
    const unread: readonly (readonly [status: number, code: string, bytes: string])[] = [
      [400, 'invalid_input', 'GET\r\n\r\n'],
      [400, 'invalid_input', 'GET / HTTP/9.9\r\n\r\n'],
      [400, 'invalid_input', get()],
      [400, 'invalid_input', get('Host: a b')],
      [400, 'invalid_input', get(host, 'Content-Length: 3', 'Transfer-Encoding: chunked')],
      [400, 'invalid_input', `POST ${meals} HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\nnuts\r\n`],
      [417, 'expectation_failed', get(host, 'Expect: nuts')],
      [431, 'headers_too_large', get(host, `X-Seed: ${'x'.repeat(20_000)}`)],
      [431, 'headers_too_large', get(host).replace('/openapi.json', `/openapi.json?text=${'x'.repeat(20_000)}`)],
    ]
    for (const [status, code, bytes] of unread) {
      const said = await exchange(bytes)
      const [head = '', body = '{}'] = said.split('\r\n\r\n')
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), bytes.slice(0, 100))
      assert.match(head, /content-type: application\/problem\+json/i)
      const { type, status: saidStatus, code: saidCode } = JSON.parse(body)
      assert.deepEqual([type, saidStatus, saidCode], [`urn:ates:problem:${code}`, status, code])
    }
    assert.equal((await feed('nuts')).status, 200)
  })

  test('lets the requests in progress end when it is stopped, and takes no new one', async () => {
    const reached = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    during = () => {
      reached.resolve()
      return held.promise
    }
    const other = await serveParrots(aviary.execute)
    const authorization = `Bearer ${await other.tokens.sign(popug, 'parrots')}`
    const send = () =>
      fetch(`${other.url}${meals}`, { method: 'POST', headers: { authorization }, body: '{"food":"nuts"}' })
    const inProgress = send()
    await reached.promise
    const closed = other.close()
    await assert.rejects(send())
    held.resolve()
    assert.equal((await inProgress).status, 200)
    const answered = performance.now()
    await closed
    assert.ok(performance.now() - answered < 2_500, 'a connection kept for later requests holds up the stop')
  })
})
