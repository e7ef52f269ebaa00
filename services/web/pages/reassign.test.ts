// Reassign through its page: asked, started, watched, cancelled.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { company, fieldOf, messageOf } from '../scene.test-support.ts'

describe('reassign', () => {
  test('asks first, starts with a key, and shows progress that asks for itself', async () => {
    const { browser, people, callsOf } = company()
    browser.as(people.manager)
    assert.match(await (await browser.get('/reassign')).text(), /href="\/reassign\/confirm"/)
    const key = fieldOf(await (await browser.get('/reassign/confirm')).text(), 'key')
    assert.equal((await browser.post('/reassign', { key })).headers.get('location'), '/reassign')
    assert.equal(callsOf('AssignTasks')[0]?.behalf.idempotencyKey, key)
    const html = await (await browser.get('/reassign')).text()
    assert.match(html, /<progress[^>]*max="1"[^>]*value="0"/)
    assert.match(html, /hx-get="\/reassign\/progress"/)
    const part = await (await browser.get('/reassign/progress', { 'hx-request': 'true' })).text()
    assert.match(part, /^<div id="progress"/)
  })

  test('is cancelled, and then asks for itself no more', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    await browser.post('/reassign', {})
    await browser.post('/reassign/1/cancel', {})
    assert.match(messageOf(await (await browser.get('/reassign')).text()), /being stopped/)
    assert.doesNotMatch(await (await browser.get('/reassign')).text(), /hx-get/)
    await browser.post('/reassign/1/cancel', {})
    assert.match(messageOf(await (await browser.get('/reassign')).text()), /already ended/)
    assert.equal((await browser.post('/reassign/77/cancel', {})).status, 404)
  })
})
