// What a person sees when a service fails or has a bug, and what the log says of it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../../../kernel/result.ts'
import { company, fieldOf, unavailable } from '../scene.test-support.ts'

describe('when a service fails', () => {
  test('the form is kept, with its key, and can be sent again', async () => {
    for (const kind of ['unavailable', 'deadline', 'outcome_unknown'] as const) {
      const { browser, people } = company({
        replaced: {
          createTask: () => {
            throw new Fault(kind, 'down in this test')
          },
        },
      })
      browser.as(people.popug)
      const response = await browser.post('/tasks', { key: 'the-first-key', description: 'Line <b>one</b>' })
      assert.equal(response.status, 503)
      const html = await response.text()
      assert.match(html, /action="\/tasks"/)
      assert.equal(fieldOf(html, 'key'), 'the-first-key')
      assert.match(html, /name="description" value="Line &lt;b>one&lt;\/b>"/)
    }
  })

  test('the form is kept also when nobody can say whose it is', async () => {
    const { browser, people } = company({ replaced: { getSession: unavailable } })
    browser.as(people.popug)
    const response = await browser.post('/tasks', { key: 'the-first-key', description: 'Feed the parrots' })
    assert.equal(response.status, 503)
    const html = await response.text()
    assert.equal(fieldOf(html, 'key'), 'the-first-key')
    assert.match(html, /name="description" value="Feed the parrots"/)
    // Nobody can go to the address of a form.
    assert.doesNotMatch(html, /<a href="\/tasks">/)
  })

  test('a bug is a page with a number, and the log has the cause', async () => {
    const { browser, people, logged } = company({
      replaced: {
        getTasks: () => {
          throw new TypeError('a bug in this test')
        },
      },
    })
    browser.as(people.popug)
    const response = await browser.get('/tasks')
    assert.equal(response.status, 500)
    const id = response.headers.get('x-request-id')
    const html = await response.text()
    assert.ok(id && html.includes(id))
    assert.doesNotMatch(html, /a bug in this test/)
    assert.match(
      JSON.stringify(logged.map(({ level, fields }) => ({ level, ...fields }))),
      new RegExp(`"error".*${id}`),
    )
  })

  test('identity being away is a page, too', async () => {
    const { browser, people } = company({ replaced: { getSession: unavailable } })
    browser.as(people.popug)
    const response = await browser.get('/')
    assert.equal(response.status, 503)
    assert.match(await response.text(), /does not answer/)
  })
})
