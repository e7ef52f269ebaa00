// What protects every page: headers, where forms come from, and how large they are.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { company } from './scene.test-support.ts'
import { addTask } from './web.test-support.ts'

const csp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; " +
  "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

describe('headers', () => {
  test('protect every answer: pages, errors, redirects and files', async () => {
    const { browser, people } = company()
    const file = /\/assets\/[^"]+app\.css/.exec(await (await browser.get('/sign-in')).text())![0]
    for (const path of ['/sign-in', '/', '/nope', '/tasks?x=%ff', file]) {
      const { headers } = await browser.get(path)
      assert.equal(headers.get('content-security-policy'), csp, path)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('referrer-policy'), 'same-origin')
      assert.equal(headers.get('strict-transport-security'), null)
    }
    browser.as(people.popug)
    assert.equal((await browser.get('/')).headers.get('cache-control'), 'no-store')
  })

  test('demand TLS where it is served by TLS', async () => {
    const { browser } = company({ secure: true })
    const response = await browser.post('/sign-in', { email: 'anna@example.com', password: 'correct horse' })
    assert.equal(response.headers.get('strict-transport-security'), 'max-age=31536000')
    assert.match(
      response.headers.getSetCookie().join('\n'),
      /__Host-ates_session=session-1; Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure/,
    )
  })

  test('nothing inline is in a page', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    for (const path of ['/', '/tasks', '/account', '/reassign', '/people', '/nope']) {
      const html = await (await browser.get(path)).text()
      assert.doesNotMatch(
        html,
        /<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)|hx-on|js:|https?:\/\//,
        path,
      )
    }
  })
})

describe('forms', () => {
  const send = async (headers: Record<string, string>) => {
    const { browser, people, callsOf } = company()
    browser.as(people.popug)
    const response = await browser.send('/tasks', {
      method: 'POST',
      body: new URLSearchParams({ description: 'Forged' }),
      headers,
    })
    return [response.status, callsOf('CreateTask').length]
  }

  test('are taken from our own pages', async () => {
    assert.deepEqual(await send({ origin: 'http://ates.test' }), [303, 1])
    assert.deepEqual(await send({ 'sec-fetch-site': 'same-origin' }), [303, 1])
  })

  for (const headers of [
    {},
    { origin: 'https://evil.test' },
    { origin: 'null' },
    { origin: 'http://ates.test:8080' },
    { origin: 'https://ates.test' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: 'http://other.ates.test' },
    { 'sec-fetch-site': 'none' },
  ]) {
    test(`are refused from elsewhere: ${JSON.stringify(headers)}`, async () => {
      assert.deepEqual(await send(headers as Record<string, string>), [403, 0])
    })
  }

  test('behind a proxy that ends TLS, our own origin is https', async () => {
    const { browser, people } = company({ secure: true })
    browser.cookies.set('__Host-ates_session', `session-${people.popug.popugId}`)
    const body = () => new URLSearchParams({ description: 'x' })
    const from = (origin: string) =>
      browser.send('http://ates.test/tasks', { method: 'POST', body: body(), headers: { origin } })
    assert.equal((await from('https://ates.test')).status, 303)
    assert.equal((await from('http://ates.test')).status, 403)
  })

  test('of other types change nothing', async () => {
    const { browser, people, callsOf } = company()
    browser.as(people.popug)
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x']) {
      const response = await browser.send('/tasks', {
        method: 'POST',
        body: '{}',
        headers: { origin: 'http://ates.test', 'content-type': type },
      })
      assert.equal(response.status, 415, type)
    }
    assert.equal(callsOf('CreateTask').length, 0)
  })

  test('that are too large get a clear page', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    const response = await browser.post('/tasks', { description: 'x'.repeat(70_000) })
    assert.equal(response.status, 413)
    assert.match(await response.text(), /at most 64 KB/)
  })
})

describe('requests', () => {
  test('keep a sane id and get a fresh one otherwise', async () => {
    const { browser, people, world } = company()
    browser.as(people.popug)
    const kept = await browser.get('/', { 'x-request-id': 'from-the-proxy.1' })
    assert.equal(kept.headers.get('x-request-id'), 'from-the-proxy.1')
    assert.ok(world.calls.every(({ behalf }) => behalf.requestId === 'from-the-proxy.1'))
    // A page and the API take over the same ones, or a call from one to the other would lose its id.
    const seen = async (path: string, id: string) =>
      (await browser.get(path, { 'x-request-id': id })).headers.get('x-request-id') ?? ''
    for (const path of ['/', '/api/v1/task-tracker/tasks']) {
      for (const id of ['7', 'x'.repeat(64)]) assert.equal(await seen(path, id), id)
      for (const id of ['has space in it', 'x'.repeat(65), '<script>alert(1)</script>'])
        assert.match(await seen(path, id), /^[0-9a-f-]{36}$/)
    }
  })

  test('with other methods or to nowhere are 404 pages', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    for (const path of ['/nope', '/sign-out', '/tasks/1/complete', '/%ff', '/..%2fetc', '/constructor', '/__proto__']) {
      assert.equal((await browser.get(path)).status, 404, path)
    }
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const response = await browser.send('/tasks', { method, headers: { origin: 'http://ates.test' } })
      assert.equal(response.status, 404, method)
    }
    assert.equal((await browser.send('/sign-in', { method: 'HEAD' })).status, 303)
  })
})

describe('enhanced requests', () => {
  const enhanced = { 'hx-request': 'true' }

  test('without a session go to the sign-in as a whole page', async () => {
    const { browser } = company()
    const response = await browser.get('/tasks?state=open', enhanced)
    assert.equal(response.status, 401)
    assert.equal(response.headers.get('hx-redirect'), '/sign-in?next=%2Ftasks%3Fstate%3Dopen')
    const form = await browser.post('/tasks', { description: 'x' }, enhanced)
    assert.equal(form.status, 401)
    assert.match(await (await browser.get('/sign-in')).text(), /Your session had ended, so nothing was sent/)
  })

  test('get errors as the whole page, and a failed form stays out of the history', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    const missing = await browser.get('/nope', enhanced)
    assert.equal(missing.headers.get('hx-retarget'), 'body')
    assert.equal(missing.headers.get('hx-push-url'), null)
    const wrong = await browser.post('/tasks', { description: '' }, enhanced)
    assert.equal(wrong.headers.get('hx-push-url'), 'false')
    const ordinary = await browser.post('/tasks', { description: '' })
    assert.equal(ordinary.headers.get('hx-retarget'), null)
  })
})

describe('files', () => {
  test('are kept for ever under their hash, packed as the browser can read them', async () => {
    const { browser } = company()
    const html = await (await browser.get('/sign-in')).text()
    const addresses = [...html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, address]) => address!)
    assert.equal(addresses.length, 4)
    for (const address of addresses) {
      const plain = await browser.get(address)
      assert.equal(plain.status, 200)
      assert.match(plain.headers.get('cache-control')!, /immutable/)
      const text = await plain.text()
      const packed = await browser.get(address, { 'accept-encoding': 'gzip' })
      assert.equal(packed.headers.get('content-encoding'), 'gzip')
      assert.equal(await new Response(packed.body!.pipeThrough(new DecompressionStream('gzip'))).text(), text)
      assert.equal(
        (await browser.get(address, { 'accept-encoding': 'gzip, br' })).headers.get('content-encoding'),
        'br',
      )
    }
    assert.equal((await browser.get('/assets/old-hash/app.css')).status, 404)
  })

  test('and a first page of fifty tasks weigh at most 40 KB together', async () => {
    const { browser, people, world } = company()
    for (let number = 1; number < 50; number += 1) addTask(world, `${world.tasks[0]!.taskId ** 9} things`, people.popug)
    browser.as(people.popug)
    const encoding = { 'accept-encoding': 'gzip' }
    const page = await browser.get('/', encoding)
    const html = await (await browser.get('/')).text()
    const addresses = [...html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, address]) => address!)
    let bytes = (await page.arrayBuffer()).byteLength
    for (const address of addresses) bytes += (await (await browser.get(address, encoding)).arrayBuffer()).byteLength
    assert.ok(bytes <= 40 * 1024, `${bytes} bytes`)
  })
})
