// Accounts: what management earned, everybody's balance, and the log of one of them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { company, unavailable } from '../scene.test-support.ts'
import { priceOf } from '../web.test-support.ts'

const textOf = (html: string) => html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')

describe('accounts', () => {
  test('show what management earned, as a chart and the same in a table', async () => {
    const { browser, people, task } = company()
    browser.as(people.accountant)
    const html = await (await browser.get('/accounts')).text()
    const money = `\\+\\$${(priceOf(task.taskId).feeCents / 100).toFixed(2)}`
    assert.match(html, new RegExp(`<rect class="bar-in"[^>]*><title>Saturday 14 March: ${money}</title>`))
    assert.match(textOf(html), new RegExp(`Day Fees Rewards Earned Saturday 14 March .* ${money}`))
    assert.doesNotMatch(html, /style=/)
  })

  test('say so when there was nothing to earn', async () => {
    const { browser, people, world } = company()
    world.lines.clear()
    browser.as(people.accountant)
    assert.match(await (await browser.get('/accounts')).text(), /Nothing was paid or earned/)
  })

  test('are found by name, and lead to their logs', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    const html = await (await browser.get('/accounts?text=anna')).text()
    assert.match(html, new RegExp(`<a href="/accounts/${people.popug.popugId}">Anna Kakadu</a>`))
    assert.doesNotMatch(html, /Mia Macaw/)
    assert.match(await (await browser.get('/accounts?text=nobody')).text(), /Nobody fits/)
    assert.equal((await browser.get(`/accounts?text=${'x'.repeat(201)}`)).status, 422)
    const log = textOf(await (await browser.get(`/accounts/${people.popug.popugId}`)).text())
    assert.match(log, /Account of Anna Kakadu .* Fee for assignment 1 #1 Water the plants .* paid by the popug/)
  })

  test('of nobody there is none', async () => {
    const { browser, people } = company()
    browser.as(people.accountant)
    for (const id of ['77', '0', 'x']) assert.equal((await browser.get(`/accounts/${id}`)).status, 404, id)
  })

  test('can be asked for again when accounting does not answer', async () => {
    const { browser, people } = company({ replaced: { getEarnings: unavailable } })
    browser.as(people.accountant)
    assert.equal((await browser.get('/accounts')).status, 503)
  })
})
