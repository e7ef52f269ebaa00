// Whatever people and networks do to a form, it has its effect once: double clicks, going back, reloads, lost answers.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Page } from 'playwright-core'
import { Fault, must } from '../../kernel/result.ts'
import { accounting } from '../../services/accounting/contract.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { as } from '../support/system.ts'
import { onTransaction } from '../support/wrapped.ts'
import { openOffice, type Office, type Person } from './office.ts'
import { completeButton, createTask, message, rowOf, turnTo } from './steps.ts'
import { play, type Visit } from './visit.ts'

let office: Office
let popug: Person
/** How many answers to commits of new tasks are lost from now on. */
let lost = 0

before(async () => {
  office = await openOffice({
    database: (one) =>
      onTransaction(one, 'task-tracker.CreateTask', async (run) => {
        const result = await run()
        if (lost === 0) return result
        lost -= 1
        throw new Fault('outcome_unknown', 'the answer to the commit was lost')
      }),
  })
  popug = await office.hire('Anna Kakadu', 'popug')
  await office.host.settle()
})
after(() => office[Symbol.asyncDispose]())

const asPopug = () => as({ id: popug.popugId, role: 'popug' })

/** What there is of it in the end. */
const tasksCalled = async (text: string): Promise<number> => {
  await office.host.settle()
  const { tasks } = must(await office.host.call(taskTracker.getTasks, { text }, asPopug()))
  return tasks.length
}

const rewardsFor = async (taskId: number): Promise<number> => {
  await office.host.settle()
  const { popugId } = popug
  const { lines } = must(await office.host.call(accounting.getAccountInfo, { popugId, limit: 100 }, asPopug()))
  return lines.filter((line) => line.kind === 'reward' && line.taskId === taskId).length
}

const fillIn = async ({ page, words }: Visit, description: string): Promise<void> => {
  await page.getByLabel(words.allTasks.description).fill(description)
}
const submit = ({ page, words }: Visit) => page.getByRole('button', { name: words.allTasks.submit })

/** Resolves when the page has said that nobody answers, even if the next hint brings it something new and it is well again. */
const offlineShown = (page: Page): Promise<unknown> =>
  page.evaluate(`new Promise((resolve) => {
    const said = document.getElementById('offline')
    new MutationObserver(() => said.hidden || resolve(said.textContent)).observe(said, { attributes: true })
  })`)

for (const javaScript of [true, false]) {
  const how = javaScript ? 'with JavaScript' : 'without JavaScript'

  play(`a double click creates one task and completes it once, ${how}`, async (windows) => {
    const visit = await windows.open(office.url, popug, { javaScript })
    await visit.go('/tasks')
    const description = `Clicked twice ${how}`
    await fillIn(visit, description)
    await submit(visit).dblclick()
    await rowOf(visit, description).waitFor()
    if (javaScript) assert.deepEqual(visit.sent, ['/tasks'])
    assert.equal(await tasksCalled(description), 1)

    const { tasks } = must(await office.host.call(taskTracker.getTasks, { text: description }, asPopug()))
    const taskId = tasks[0]?.taskId ?? 0
    await turnTo(visit, 'myTasks')
    await completeButton(visit, taskId).dblclick()
    await message(visit, visit.words.flash.taskCompleted({ task: String(taskId) }))
    assert.equal(await rewardsFor(taskId), 1)
  })

  play(`going back and forth and reloading sends nothing again, ${how}`, async (windows) => {
    const visit = await windows.open(office.url, popug, { javaScript })
    await visit.go('/')
    const description = `Looked at again ${how}`
    await createTask(visit, description)
    const { page, sent } = visit
    await page.reload()
    await page.goBack()
    await page.goForward()
    await page.reload()
    await rowOf(visit, description).waitFor()
    assert.equal(sent.length, 1)
    assert.equal(await tasksCalled(description), 1)
  })

  play(`a form whose answer was lost on the way is sent again without a second effect, ${how}`, async (windows) => {
    const visit = await windows.open(office.url, popug, { javaScript })
    const { page, troubles, words } = visit
    await visit.go('/tasks')
    let cut = true
    await page.route('**/tasks', async (route) => {
      if (route.request().method() !== 'POST' || !cut) return route.continue()
      cut = false
      await route.fetch({ maxRedirects: 0 })
      await route.abort('connectionreset')
    })
    const description = `Lost on the way ${how}`
    await fillIn(visit, description)
    const isSaid = javaScript ? offlineShown(page) : null
    await submit(visit).click()
    if (isSaid) {
      assert.equal(await isSaid, words.layout.offline)
      await submit(visit).click()
    } else {
      await page.waitForURL('chrome-error://chromewebdata/')
      await page.reload()
    }
    await rowOf(visit, description).waitFor()
    assert.equal(visit.sent.length, 2)
    assert.equal(await tasksCalled(description), 1)
    for (const trouble of troubles.splice(0)) assert.match(trouble, /ERR_CONNECTION_RESET|Failed to fetch/)
  })

  for (const again of ['its button', 'a reload']) {
    play(
      `a page that does not know the outcome sends its form again by ${again}, with one effect, ${how}`,
      async (windows) => {
        const visit = await windows.open(office.url, popug, { javaScript })
        const { page, troubles, words } = visit
        await visit.go('/tasks')
        const description = `Not known ${how} ${again}`
        await fillIn(visit, description)
        // The first attempt and those that follow it by themselves.
        lost = 5
        await submit(visit).click()
        await page.getByRole('heading', { level: 1, name: words.problems.unknown }).waitFor()
        lost = 0
        await visit.sees(description)
        if (again === 'a reload') await page.reload()
        else await page.getByRole('button', { name: words.problems.resend }).click()
        await rowOf(visit, description).waitFor()
        assert.equal(await tasksCalled(description), 1)
        assert.match(troubles.splice(0).join('\n'), /503/)
      },
    )
  }
}
