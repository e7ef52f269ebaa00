// Without a mouse: by keyboard alone, with JavaScript and without, the focus always where one looks; and on a phone.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Locator } from 'playwright-core'
import { eventually } from '../support/eventually.ts'
import { openOffice, type Office, type Person } from './office.ts'
import { completeButton, completeTask, createTask, message, rowOf, turnTo } from './steps.ts'
import { play, type Visit } from './visit.ts'

let office: Office
let popug: Person

before(async () => {
  office = await openOffice()
  popug = await office.hire('Anna Kakadu', 'popug')
  await office.host.settle()
})
after(() => office[Symbol.asyncDispose]())

const hasFocus = (locator: Locator): Promise<boolean> =>
  locator.evaluate((element) => element === element.ownerDocument.activeElement)

/** More than any page of ours takes from its beginning to its end. */
const mostTabs = 60

/** Presses Tab until this has the focus, which must be seen. */
const tabTo = async ({ page }: Visit, target: Locator): Promise<void> => {
  await target.waitFor()
  for (let presses = 0; !(await hasFocus(target)); presses += 1) {
    assert.ok(presses < mostTabs, `${String(target)} cannot be reached by keyboard`)
    await page.keyboard.press('Tab')
  }
  const outline = await target.evaluate(
    (element) => element.ownerDocument.defaultView?.getComputedStyle(element).outlineStyle,
  )
  assert.notEqual(outline, 'none', `the focus on ${String(target)} is not seen`)
}

const isReadOut = async (said: Locator): Promise<void> => {
  await said.waitFor()
  await eventually('the focus is on what happened', () => hasFocus(said))
}

for (const javaScript of [true, false]) {
  play(
    `a task is created and completed by keyboard, ${javaScript ? 'with' : 'without'} JavaScript`,
    async (windows) => {
      const visit = await windows.open(office.url, popug, { javaScript })
      const { page, words } = visit
      await visit.go('/')
      await page.keyboard.press('Tab')
      assert.ok(
        await hasFocus(page.getByRole('link', { name: words.layout.skip })),
        'the first stop leads past the navigation',
      )

      await tabTo(visit, page.getByRole('link', { name: words.navigation.allTasks, exact: true }))
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { level: 1, name: words.allTasks.title }).waitFor()
      await tabTo(visit, page.getByLabel(words.allTasks.description))
      const description = `Typed ${javaScript ? 'with' : 'without'} scripts`
      await page.keyboard.type(description)
      await tabTo(visit, page.getByRole('button', { name: words.allTasks.submit }))
      await page.keyboard.press('Enter')
      const said = page.getByRole('status')
      await said.waitFor()
      assert.ok(await hasFocus(said), 'what happened is read out')
      await rowOf(visit, description).waitFor()
      const [, taskId = ''] = /#(\d+)/.exec((await said.textContent()) ?? '') ?? []

      await visit.go('/')
      await tabTo(visit, completeButton(visit, Number(taskId)))
      await page.keyboard.press('Space')
      await message(visit, words.flash.taskCompleted({ task: taskId }))
      await isReadOut(page.getByRole('status'))
      assert.equal(await completeButton(visit, Number(taskId)).count(), 0)

      await visit.go('/')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.keyboard.press('Tab')
      const inside = await page.locator('#content').evaluate((main) => main.contains(main.ownerDocument.activeElement))
      assert.ok(inside, 'after the first stop one is in the content')
    },
  )
}

for (const javaScript of [true, false]) {
  play(`a task is created and completed on a phone, ${javaScript ? 'with' : 'without'} JavaScript`, async (windows) => {
    const visit = await windows.open(office.url, popug, { javaScript, phone: true })
    await visit.go('/')
    const navigation = visit.page.getByRole('navigation', { name: visit.words.layout.navigation })
    assert.equal(await navigation.isVisible(), false, 'the navigation waits behind its button')
    const { taskId } = await createTask(visit, `By thumb ${javaScript ? 'with' : 'without'} scripts`)
    await completeTask(visit, taskId)
    await turnTo(visit, 'account')
  })
}
