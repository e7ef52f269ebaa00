// A long reassignment while it runs: its page shows how far it is, by itself with JavaScript and by a link without.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Locator } from 'playwright-core'
import { must } from '../../kernel/result.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { formatsOf } from '../../services/web/format.ts'
import { eventually } from '../support/eventually.ts'
import { as } from '../support/system.ts'
import { barriersOf } from './axe.ts'
import { gateBefore } from './gate.ts'
import { openOffice, type Office, type Person } from './office.ts'
import { reassign } from './steps.ts'
import { play, type Visit } from './visit.ts'

/** A step takes a thousand. */
const steps = gateBefore('job.ReassignTasks')
const tasks = 1_100
const atOnce = 8
const limitMs = 30_000

let office: Office
let manager: Person

before(async () => {
  office = await openOffice(steps)
  manager = await office.hire('Mia Macaw', 'manager')
  await office.hire('Anna Kakadu', 'popug')
  await office.hire('Boris Ara', 'popug')
  await office.host.settle()
  const actor = { id: manager.popugId, role: 'manager' }
  const descriptions = Array.from({ length: tasks }, (_, index) => `Task ${index + 1}`)
  const create = async () => {
    for (let description = descriptions.pop(); description; description = descriptions.pop())
      must(await office.host.call(taskTracker.createTask, { description }, as(actor)))
  }
  await Promise.all(Array.from({ length: atOnce }, create))
})
after(async () => {
  steps.open()
  await office[Symbol.asyncDispose]()
})

/** Waits for what comes by itself with JavaScript, and is asked for without. */
const comes = async ({ page, words, javaScript }: Visit, what: Locator): Promise<void> => {
  if (javaScript) return what.waitFor()
  const refresh = page.getByRole('link', { name: words.reassign.refresh })
  await eventually(
    String(what),
    async () => {
      if ((await what.count()) > 0) return true
      await refresh.click()
      return false
    },
    limitMs,
  )
}

for (const [id, javaScript] of [
  [1, true],
  [2, false],
] as const) {
  play(`its progress is shown ${javaScript ? 'by itself' : 'without JavaScript by a link'}`, async (windows) => {
    const visit = await windows.open(office.url, manager, { javaScript })
    const { page, words } = visit
    const { number } = formatsOf('en', 'UTC', new Date())
    steps.shut()
    await visit.go('/reassign')
    await reassign(visit, id)
    await visit.sees(words.reassign.queued)
    const cancel = page.getByRole('button', { name: words.reassign.cancelJob(id) })
    await cancel.focus()

    steps.pass()
    await comes(visit, page.getByText(words.reassign.progress(number(1_000), tasks)))
    assert.equal(await page.getByRole('progressbar').getAttribute('value'), '1000')
    if (javaScript) assert.deepEqual(await barriersOf(page), [])
    const isKept = await cancel.evaluate((button) => button === button.ownerDocument.activeElement)
    assert.equal(isKept, javaScript, 'the focus stays on the button while the page changes around it')

    steps.open()
    const ended = page.getByRole('row', { name: `#${id} ${words.reassign.states.done}` })
    await comes(visit, ended)
    assert.match((await ended.textContent()) ?? '', new RegExp(number(tasks)))
    const trigger = await page.locator('#progress').getAttribute('hx-trigger')
    assert.equal(trigger, 'hint, every 15s', 'what has ended is asked for seldom')
  })
}
