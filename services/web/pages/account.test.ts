// My account over services that answer, and over some that do not.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { company, unavailable } from '../scene.test-support.ts'
import { priceOf } from '../web.test-support.ts'

describe('my account', () => {
  test('explains each line: task, reason, event, balance', async () => {
    const { browser, people, task } = company()
    browser.as(people.popug)
    await browser.post(`/tasks/${task.taskId}/complete`, {})
    const text = (await (await browser.get('/account')).text()).replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')
    const { feeCents, rewardCents } = priceOf(task.taskId)
    const money = (cents: number) => `\\$${(cents / 100).toFixed(2)}`
    assert.match(text, /Today, Saturday 14 March/)
    assert.match(
      text,
      new RegExp(
        `Reward for completion #1 Water the plants task-tracker #\\d+ paid into your account \\+${money(rewardCents)}`,
      ),
    )
    assert.match(
      text,
      new RegExp(
        `Fee for assignment 1 #1 Water the plants task-tracker #\\d+ paid out of your account −${money(feeCents)}`,
      ),
    )
  })

  test('shows numbers where the task tracker does not answer', async () => {
    const { browser, people } = company({ replaced: { describeTasks: unavailable, getTasks: unavailable } })
    browser.as(people.popug)
    const response = await browser.get('/account')
    assert.equal(response.status, 200)
    assert.match(await response.text(), /shown by number only[\s\S]*#1/)
  })

  test('says what is still on the way', async () => {
    const { browser, people, world } = company()
    browser.as(people.popug)
    world.lines.clear()
    assert.match(
      await (await browser.get('/account')).text(),
      /On the way[\s\S]*1 entry is still on the way[\s\S]*Water the plants/,
    )
  })

  test('is an error page that can be tried again, when accounting does not answer', async () => {
    const { browser, people, logged } = company({ replaced: { getAccountInfo: unavailable } })
    browser.as(people.popug)
    const response = await browser.get('/account', { 'x-request-id': 'reference-77' })
    assert.equal(response.status, 503)
    assert.match(await response.text(), /reference-77/)
    assert.equal(logged.at(-1)?.level, 'warn')
  })
})
