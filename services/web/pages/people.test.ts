// People through their page: added, changed, disabled, invited again.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { company, messageOf } from '../scene.test-support.ts'

describe('people', () => {
  test('are added, and the link is shown once', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    await browser.post('/people', { name: 'Olga', email: 'olga@example.com', role: 'popug' })
    const html = await (await browser.get('/people')).text()
    assert.match(html, /value="http:\/\/ates\.test\/invitation\?token=invitation-5-0"/)
    assert.doesNotMatch(await (await browser.get('/people')).text(), /invitation-5/)
  })

  test('come by number or the newest first, and a search keeps the order', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    const numbers = async (query: string) =>
      [...(await (await browser.get(`/people${query}`)).text()).matchAll(/<span class="number">#(\d+)/g)].map(
        ([, id]) => id,
      )
    assert.deepEqual(await numbers(''), ['1', '2', '3', '4'])
    assert.deepEqual(await numbers('?order=newest'), ['4', '3', '2', '1'])
    assert.deepEqual(await numbers('?text=ma&order=newest'), ['4', '3'])
    assert.deepEqual(await numbers('?order=other'), ['1', '2', '3', '4'])
    assert.match(await (await browser.get('/people?order=newest')).text(), /<option value="newest" selected>/)
  })

  test('are not added with mistakes', async () => {
    const { browser, people, callsOf } = company()
    browser.as(people.admin)
    const right = { name: 'Olga', email: 'olga@example.com', role: 'popug' }
    for (const wrong of [{ name: ' ' }, { email: 'olga' }, { role: 'king' }]) {
      const response = await browser.post('/people', { ...right, ...wrong })
      assert.equal(response.status, 422)
      assert.match(await response.text(), /aria-invalid="true"/)
    }
    assert.equal(callsOf('InvitePerson').length, 0)
    const taken = await browser.post('/people', { ...right, email: 'ANNA@example.com' })
    assert.equal(taken.status, 409)
    assert.match(await taken.text(), /already here/)
  })

  test('get another role, and the next request of theirs knows it', async () => {
    const { browser, people, app } = company()
    browser.as(people.popug)
    assert.equal((await browser.get('/reassign')).status, 403)
    browser.as(people.admin)
    await browser.post(`/people/${people.popug.popugId}/role`, { role: 'manager' })
    assert.equal(messageOf(await (await browser.get('/people')).text()), 'Anna Kakadu is now manager.')
    browser.as(people.popug)
    assert.equal((await browser.get('/reassign')).status, 200)
    assert.ok(app)
  })

  test('are disabled at once, and enabled again', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    await browser.get('/')
    browser.as(people.admin)
    await browser.post(`/people/${people.popug.popugId}/active?text=anna`, { active: 'false' })
    browser.as(people.popug)
    assert.equal((await browser.get('/')).headers.get('location'), '/sign-in')
    browser.as(people.admin)
    const response = await browser.post(`/people/${people.popug.popugId}/active?text=anna`, { active: 'true' })
    assert.equal(response.headers.get('location'), '/people?text=anna')
    browser.as(people.popug)
    assert.equal((await browser.get('/')).status, 200)
  })

  test('keep their last administrator', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    await browser.post(`/people/${people.admin.popugId}/role`, { role: 'popug' })
    assert.match(messageOf(await (await browser.get('/people')).text()), /last active administrator/)
  })

  test('get a new link', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    await browser.post(`/people/${people.popug.popugId}/invitation`, {})
    assert.match(
      await (await browser.get('/people')).text(),
      /Invitation link for Anna Kakadu[\s\S]*token=invitation-1-0/,
    )
  })
})
