// Reassign through its page: asked, started, watched, cancelled.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ok } from '../../../kernel/result.ts'
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

  test('says before how many tasks and popugs it concerns, and what it costs them', async () => {
    const { browser, people, world } = company()
    browser.as(people.manager)
    const confirm = async () => (await (await browser.get('/reassign/confirm')).text()).replaceAll(/<[^>]+>/g, ' ')
    assert.match(await confirm(), /Open tasks\s+1\s+Drawn among popugs\s+2\s+What it .* \$10\.00 to \$20\.00/)
    const counted = { openTasks: 10_000, exact: false, assignable: 9_000, assignableExact: false, waiting: 0 }
    const many = company({ replaced: { previewReassignment: () => ok(counted) } })
    many.browser.as(many.people.manager)
    assert.match(
      await (await many.browser.get('/reassign/confirm')).text(),
      /more than 10,000[\s\S]*more than 9,000[\s\S]*\$100,000\.00 or more/,
    )
    world.tasks[0] = { ...world.tasks[0]!, assigneeAssignable: false }
    assert.match(await (await browser.get('/reassign')).text(), /1 open task waits with people who can no longer/)
    world.tasks.length = 0
    assert.match(await confirm(), /There is nothing to reassign/)
    assert.doesNotMatch(await (await browser.get('/reassign/confirm')).text(), /action="\/reassign"/)
  })

  test('says how fast it goes and what is left', async () => {
    const { browser, people, world } = company()
    browser.as(people.manager)
    await browser.post('/reassign', {})
    world.jobs[0] = { ...world.jobs[0]!, total: 10_000, done: 2_000, startedAt: '2026-03-14T11:59:50Z' }
    assert.match(await (await browser.get('/reassign')).text(), /About 200 a second; 40 secs? left/)
  })

  test('is cancelled; what others start is followed, and asked for seldom while nothing runs', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    await browser.post('/reassign', {})
    assert.match(await (await browser.get('/reassign')).text(), /hx-trigger="hint, every 5s"/)
    await browser.post('/reassign/1/cancel', {})
    assert.match(messageOf(await (await browser.get('/reassign')).text()), /being stopped/)
    const html = await (await browser.get('/reassign')).text()
    assert.match(html, /hx-trigger="hint, every 15s"[^>]* data-live="reassignments"/)
    assert.doesNotMatch(await (await browser.get('/reassign?after=1')).text(), /hx-get/)
    await browser.post('/reassign/1/cancel', {})
    assert.match(messageOf(await (await browser.get('/reassign')).text()), /already ended/)
    assert.equal((await browser.post('/reassign/77/cancel', {})).status, 404)
  })
})
