// Sign-in and sign-out, and the two links that make people able to.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { company, fieldOf, messageOf, unavailable } from '../scene.test-support.ts'

describe('sign-in', () => {
  test('begins a session and goes where one wanted to', async () => {
    const { browser } = company()
    const form = await (await browser.get('/sign-in?next=%2Ftasks%3Fstate%3Dopen')).text()
    const response = await browser.post('/sign-in', {
      email: 'anna@example.com',
      password: 'correct horse',
      next: fieldOf(form, 'next'),
    })
    assert.equal(response.status, 303)
    assert.equal(response.headers.get('location'), '/tasks?state=open')
    assert.match(
      response.headers.getSetCookie().join('\n'),
      /ates_session=session-1; Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax/,
    )
    assert.equal(messageOf(await (await browser.get('/tasks')).text()), 'Welcome, Anna Kakadu.')
    assert.equal(messageOf(await (await browser.get('/tasks')).text()), '', 'the message is shown once')
  })

  test('lets nobody in by one press, except in a demo', async () => {
    const { browser } = company()
    assert.doesNotMatch(await (await browser.get('/sign-in')).text(), /sign-in\/as/)
    for (const role of ['popug', 'admin', ''])
      assert.equal((await browser.post('/sign-in/as', { role })).status, 404, role)
  })

  test('never leads to another site', async () => {
    const { browser } = company()
    const response = await browser.post('/sign-in', {
      email: 'anna@example.com',
      password: 'correct horse',
      next: '//evil.test',
    })
    assert.equal(response.headers.get('location'), '/')
  })

  test('says what is wrong and keeps the address, never the password', async () => {
    const { browser } = company()
    const response = await browser.post('/sign-in', { email: 'anna@example.com', password: 'secret-guess' })
    assert.equal(response.status, 403)
    const html = await response.text()
    assert.match(html, /E-mail or password is wrong/)
    assert.match(html, /value="anna@example.com"/)
    assert.doesNotMatch(html, /secret-guess/)
    assert.equal((await browser.post('/sign-in', { email: 'nonsense', password: 'x' })).status, 422)
  })

  test('ends: here at once, at identity if it can be reached', async () => {
    for (const replaced of [{}, { signOut: unavailable }]) {
      const { browser, people } = company({ replaced })
      browser.as(people.popug)
      const response = await browser.post('/sign-out', {})
      assert.equal(response.headers.get('location'), '/sign-in')
      assert.equal(browser.cookies.has('ates_session'), false)
    }
  })
})

describe('the links of identity', () => {
  test('the first one makes an administrator, once', async () => {
    const { browser } = company()
    assert.equal((await browser.get('/first-run')).status, 404)
    const form = await (await browser.get('/first-run?token=first-token')).text()
    const fields = {
      token: fieldOf(form, 'token'),
      key: fieldOf(form, 'key'),
      name: 'Ada',
      email: 'ada@example.com',
      password: 'long enough',
    }
    const wrong = await browser.post('/first-run', { ...fields, password: 'short' })
    assert.equal(wrong.status, 422)
    assert.match(await wrong.text(), /value="ada@example.com"[\s\S]*Give 8 to 128 characters/)
    assert.equal((await browser.post('/first-run', fields)).headers.get('location'), '/')
    browser.cookies.clear()
    const again = await browser.post('/first-run', fields)
    assert.equal(again.status, 404)
    assert.match(await again.text(), /This link is not valid/)
  })

  test('an invitation shows whom it is for and signs in', async () => {
    const { browser, world, people } = company()
    world.invitations.set('token-1', people.popug.popugId)
    const html = await (await browser.get('/invitation?token=token-1')).text()
    assert.match(html, /Hello, Anna Kakadu\./)
    assert.match(html, /value="anna@example.com"/)
    assert.equal((await browser.post('/invitation', { token: 'token-1', password: 'short' })).status, 422)
    assert.equal((await browser.post('/invitation', { token: 'token-1', password: 'long enough' })).status, 303)
    for (const token of ['token-1', '', '%00', 'x'.repeat(500)])
      assert.equal((await browser.get(`/invitation?token=${token}`)).status, 404)
  })
})
