// My account over services that answer, and over some that do not.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ok } from '../../../kernel/result.ts'
import { company, unavailable } from '../scene.test-support.ts'
import { addTask, priceOf, reassign } from '../web.test-support.ts'

const textOf = (html: string) => html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')

describe('my account', () => {
  test('explains each line: task, reason, event, balance', async () => {
    const { browser, people, task } = company()
    browser.as(people.popug)
    await browser.post(`/tasks/${task.taskId}/complete`, {})
    const text = textOf(await (await browser.get('/account')).text())
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

  test('says what is on the way: each event of theirs behind the position of accounting, of tasks old and gone', async () => {
    const { browser, people, world, task } = company()
    browser.as(people.popug)
    const gone = addTask(world, 'Taken away again', people.popug)
    for (let number = 0; number < 30; number += 1) addTask(world, `Chore ${number}`, people.popug)
    const page = async () => textOf(await (await browser.get('/account')).text())
    assert.doesNotMatch(await page(), /On the way/)

    const upTo = world.lines.get(people.popug.popugId)![0]!.cause.number
    world.upTo = upTo
    await browser.post(`/tasks/${task.taskId}/complete`, {})
    reassign(world, gone, people.popug, people.manager)
    reassign(world, gone, people.accountant, people.manager)
    const html = await page()
    assert.match(html, /2 entries are still on the way .* does not hold them yet\./)
    assert.match(html, new RegExp(`Accounting has come to event #${upTo} of #${upTo + 3}\\.`))
    assert.match(
      html,
      new RegExp(
        `Fee for assignment 2 #${gone.taskId} Taken away again task-tracker #${upTo + 2} not known yet` +
          `.* Reward for completion #1 Water the plants task-tracker #${upTo + 1} not known yet .*Log`,
      ),
    )
    assert.match(await (await browser.get('/account/now')).text(), /hx-trigger="hint, every 1s"/)
    browser.as(people.accountant)
    assert.match(await (await browser.get(`/accounts/${people.popug.popugId}`)).text(), /On the way/)

    world.upTo = null
    browser.as(people.popug)
    assert.doesNotMatch(await page(), /On the way/)
  })

  test('says so when more may be on the way than is looked at, and of an event that it has no number yet', async () => {
    const { browser, people, world, task } = company()
    world.upTo = 0
    const [story] = world.stories.get(task.taskId)!
    world.stories.set(task.taskId, [{ ...story!, number: null }])
    browser.as(people.popug)
    assert.match(textOf(await (await browser.get('/account')).text()), /task-tracker no number yet not known yet/)
    const far = company({ replaced: { getHappenings: () => ok({ head: 90_000, complete: false, happenings: [] }) } })
    far.browser.as(far.people.popug)
    assert.match(
      textOf(await (await far.browser.get('/account')).text()),
      /On the way There may be more: .* of #90,000/,
    )
  })

  test('says what cannot be shown while the task tracker does not answer', async () => {
    const { browser, people } = company({ replaced: { getHappenings: unavailable } })
    browser.as(people.popug)
    assert.match(await (await browser.get('/account')).text(), /on the way to the ledger is not shown/)
  })

  test('says what is missing, and can be tried again, when accounting does not answer', async () => {
    const { browser, people, logged } = company({ replaced: { getAccountInfo: unavailable } })
    browser.as(people.popug)
    const response = await browser.get('/account')
    assert.equal(response.status, 503)
    assert.match(
      await response.text(),
      /My account[^]*balance, today and log are missing[^]*href="\/account">Try again/,
    )
    assert.equal(logged.at(-1)?.level, 'warn')
    assert.equal((await browser.get('/account/now')).status, 503, 'what an open page shows stays')
  })
})
