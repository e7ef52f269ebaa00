// Me: what people change about themselves, and the sessions that they end.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { refuse } from '../../../kernel/result.ts'
import { company, messageOf, unavailable } from '../scene.test-support.ts'

describe('me', () => {
  test('changes the name, which every page shows at once', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    await browser.get('/me')
    assert.equal((await browser.post('/me/name', { name: 'Anna Ara' })).headers.get('location'), '/me')
    const html = await (await browser.get('/me')).text()
    assert.match(messageOf(html), /You are now called Anna Ara/)
    assert.match(html, /<a class="me"[^>]*>Anna Ara</)
    const wrong = await browser.post('/me/name', { name: ' ' })
    assert.deepEqual([wrong.status, /Give a name/.test(await wrong.text())], [422, true])
  })

  test('changes the password and goes on in a new session', async () => {
    const { browser, people, world, callsOf } = company()
    browser.as(people.popug)
    world.sessions.set('elsewhere', people.popug.popugId)
    const right = { key: 'the-first-key', current: 'correct horse', password: 'a longer one' }
    const response = await browser.post('/me/password', right)
    assert.equal(response.headers.get('location'), '/me')
    assert.match(response.headers.getSetCookie().join(), /ates_session=session-1/)
    assert.match(messageOf(await (await browser.get('/me')).text()), /password is changed/)
    assert.partialDeepStrictEqual(callsOf('ChangePassword')[0], {
      input: { current: 'correct horse' },
      behalf: { idempotencyKey: 'the-first-key' },
    })
    for (const [sent, status, said] of [
      [{ ...right, current: 'wrong' }, 403, /present password is wrong/],
      [{ ...right, current: '' }, 422, /present password is wrong/],
      [{ ...right, password: 'short' }, 422, /Give 8 to 128/],
    ] as const) {
      const refused = await browser.post('/me/password', sent)
      const html = await refused.text()
      assert.equal(refused.status, status)
      assert.match(html, said)
      assert.doesNotMatch(html, /value="(?:correct horse|short|wrong)"/)
    }
  })

  test('says when the new password is too common', async () => {
    const { browser, people } = company({ replaced: { changePassword: () => refuse('password_too_common') } })
    browser.as(people.popug)
    const response = await browser.post('/me/password', { current: 'correct horse', password: '12345678' })
    assert.equal(response.status, 422)
    assert.match(await response.text(), /id="note-password" class="field-error">This is one of the passwords/)
  })

  test('lists where one is signed in, and ends another session', async () => {
    const { browser, people, world } = company()
    browser.as(people.popug)
    world.sessions.set('elsewhere', people.popug.popugId)
    const html = await (await browser.get('/me')).text()
    assert.match(html, /Parrot<\/strong><span class="muted"> \(this one\)/)
    assert.match(html, /action="\/me\/sessions\/elsewhere\/end"/)
    await browser.post('/me/sessions/elsewhere/end', {})
    assert.equal(world.sessions.has('elsewhere'), false)
    assert.match(messageOf(await (await browser.get('/me')).text()), /session has ended/)
    assert.equal((await browser.post('/me/sessions/elsewhere/end', {})).status, 404)
    assert.equal((await browser.post('/me/sessions/not%20an%20id/end', {})).status, 404)
  })

  test('works when sessions cannot be listed', async () => {
    const { browser, people } = company({ replaced: { listSessions: unavailable } })
    browser.as(people.popug)
    const response = await browser.get('/me')
    assert.deepEqual([response.status, /cannot be listed just now/.test(await response.text())], [200, true])
  })
})
