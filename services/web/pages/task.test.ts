// A task's page: its story, its money, and what each reader may do and follow.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { company, messageOf, unavailable } from '../scene.test-support.ts'

const textOf = (html: string) => html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')

describe('a task', () => {
  test('tells who created it, who got it, what it cost, and by which event and request', async () => {
    const { browser, people, task } = company()
    browser.as(people.popug)
    const html = await (await browser.get(`/tasks/${task.taskId}`)).text()
    assert.match(textOf(html), /Water the plants .*Mia Macaw.*Assignment 1: .*Anna Kakadu .*created by .*Mia Macaw/)
    const [, number] = /task-tracker #(\d+)/.exec(html) ?? []
    assert.match(html, new RegExp(`href="/account\\?line=${number}#line-${number}"`))
    assert.match(html, new RegExp(`request-${number}`))
  })

  test('leads those who may see it to the account of another', async () => {
    const { browser, people, task } = company()
    for (const [role, leads] of [
      ['accountant', true],
      ['admin', true],
      ['manager', false],
    ] as const) {
      browser.as(people[role])
      const html = await (await browser.get(`/tasks/${task.taskId}`)).text()
      assert.equal(html.includes(`href="/accounts/${people.popug.popugId}?line=`), leads, role)
      assert.match(html, /paid by the popug/)
    }
  })

  test('is completed here by its assignee, who stays here', async () => {
    const { browser, people, task } = company()
    const path = `/tasks/${task.taskId}`
    browser.as(people.manager)
    assert.doesNotMatch(await (await browser.get(path)).text(), /action="\/tasks\/1\/complete"/)
    browser.as(people.popug)
    assert.match(await (await browser.get(path)).text(), /action="\/tasks\/1\/complete"/)
    const response = await browser.post(`${path}/complete`, { back: path })
    assert.equal(response.headers.get('location'), path)
    const html = await (await browser.get(path)).text()
    assert.match(messageOf(html), /completed/)
    assert.match(textOf(html), /Completed by Anna Kakadu/)
    const elsewhere = await browser.post(`${path}/complete`, { back: 'https://evil.test/' })
    assert.equal(elsewhere.headers.get('location'), '/')
  })

  test('asks for its story again while money is on the way, and then no more', async () => {
    const { browser, people, task, world } = company()
    browser.as(people.popug)
    const path = `/tasks/${task.taskId}`
    const story = world.stories.get(task.taskId) ?? []
    world.lines.clear()
    world.stories.set(
      task.taskId,
      story.map((happening) => ({ ...happening, number: null })),
    )
    assert.match(await (await browser.get(path)).text(), /hx-get="\/tasks\/1\/story"[^>]*every 1s[\s\S]*pending/)
    const part = await (await browser.get(`${path}/story`)).text()
    assert.match(part, /^<section id="story"[^>]*every 1s/)
    world.stories.set(task.taskId, story)
    assert.doesNotMatch(await (await browser.get(path)).text(), /every 1s/)
  })

  test('is shown without amounts when accounting does not answer', async () => {
    const { browser, people, task } = company({ replaced: { getTaskPostings: unavailable } })
    browser.as(people.popug)
    const response = await browser.get(`/tasks/${task.taskId}`)
    assert.equal(response.status, 200)
    assert.match(textOf(await response.text()), /Accounting does not answer.*not known/)
  })

  test('is a 404 where there is none', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    for (const path of ['/tasks/77', '/tasks/0', '/tasks/x', '/tasks/99999999999'])
      assert.equal((await browser.get(path)).status, 404, path)
  })
})
