// What others do is seen in an open window by itself, also after its connection was broken or refused; a task is sent by
// Enter, and the field is ready for the next one.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Route } from 'playwright-core'
import { must } from '../../kernel/result.ts'
import { accounting } from '../../services/accounting/contract.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { formatsOf } from '../../services/web/format.ts'
import { openProxy } from '../nats/proxy.ts'
import { eventually } from '../support/eventually.ts'
import { as } from '../support/system.ts'
import { openOffice, type Office, type Person } from './office.ts'
import { completeButton, rowOf } from './steps.ts'
import { play, type Visit } from './visit.ts'

let office: Office
let anna: Person
let manager: Person

before(async () => {
  office = await openOffice()
  anna = await office.hire('Anna Kakadu', 'popug')
  manager = await office.hire('Mia Macaw', 'manager')
  await office.host.settle()
})
after(() => office[Symbol.asyncDispose]())

const create = async (description: string): Promise<number> => {
  const input = { description, popugId: anna.popugId }
  const { call } = office.host
  return must(await call(taskTracker.createTask, input, as({ id: manager.popugId, role: 'manager' }))).taskId
}

play(
  'a task that is given to somebody appears in their window with its fee, and the balance follows',
  async (windows) => {
    const visit = await windows.open(office.url, anna)
    const { page, words } = visit
    await visit.go('/')
    await visit.sees(words.myTasks.empty)
    const connected = page.waitForRequest('**/live')
    await page.reload()
    await connected
    const taskId = await create('Sing in the morning')
    await rowOf(visit, 'Sing in the morning').waitFor()
    await completeButton(visit, taskId).waitFor()
    await office.host.settle()
    const who = as({ id: anna.popugId, role: 'popug' })
    const { balanceCents } = must(await office.host.call(accounting.getAccountInfo, { popugId: anna.popugId }, who))
    await page.getByRole('link', { name: formatsOf('en', 'UTC', new Date()).money(balanceCents) }).waitFor()
    assert.equal(new URL(page.url()).pathname, '/')
  },
)

const complete = async (taskId: number): Promise<void> =>
  void must(await office.host.call(taskTracker.completeTask, { taskId }, as({ id: anna.popugId, role: 'popug' })))

play('a task completed elsewhere changes its page and the list of all tasks while one looks', async (windows) => {
  const taskId = await create('Sing in the evening')
  await office.host.settle()
  const [list, task] = [await windows.open(office.url, manager), await windows.open(office.url, manager)]
  const connected = Promise.all([list, task].map(({ page }) => page.waitForResponse('**/live')))
  await list.go('/tasks')
  await task.go(`/tasks/${taskId}`)
  await connected
  await complete(taskId)
  await task.sees(task.words.task.completed)
  await rowOf(list, 'Sing in the evening').getByText(list.words.allTasks.states.completed).waitFor()
})

play('what happens between the page and its connection is seen', async (windows) => {
  const taskId = await create('Sing before noon')
  await office.host.settle()
  const visit = await windows.open(office.url, manager)
  const [asked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  await visit.page.route('**/live', async (route) => {
    asked.resolve()
    await released.promise
    await route.continue()
  })
  await visit.go(`/tasks/${taskId}`)
  await asked.promise
  await complete(taskId)
  await office.host.settle()
  released.resolve()
  await visit.sees(visit.words.task.completed)
})

/** The next answer from this address is written, and then waits. Gives how to wait for that, and how to let it go on. */
const answerLate = async ({ page }: Visit, address: string) => {
  const [written, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const wait = async (route: Route) => {
    const response = await route.fetch()
    written.resolve()
    await released.promise
    await route.fulfill({ response })
  }
  await page.route(address, wait, { times: 1 })
  return { written: written.promise, release: released.resolve }
}

/** Listens from now on for a change that the page is told of. Gives how to wait for it. */
const listenForHint = async ({ page }: Visit) => {
  const listening = await page.evaluateHandle(() => ({
    hinted: new Promise((resolve) => {
      document.addEventListener('hint', () => resolve(null), { capture: true, once: true })
    }),
  }))
  return () => listening.evaluate(({ hinted }) => hinted)
}

play('what happens while the answer to a part is on its way is seen', async (windows) => {
  const taskId = await create('Sing at noon')
  await office.host.settle()
  const visit = await windows.open(office.url, manager)
  const answer = await answerLate(visit, '**/tasks/list*')
  await visit.go('/tasks')
  await answer.written
  const hinted = await listenForHint(visit)
  await complete(taskId)
  await hinted()
  answer.release()
  await rowOf(visit, 'Sing at noon').getByText(visit.words.allTasks.states.completed).waitFor()
})

play('what happens while the next page is on its way is seen', async (windows) => {
  const taskId = await create('Sing after noon')
  await office.host.settle()
  const visit = await windows.open(office.url, manager)
  const [connected, asked] = ['**/live', '**/mine*'].map((address) => visit.page.waitForResponse(address))
  await visit.go('/')
  await connected
  await asked
  const answer = await answerLate(visit, '**/tasks')
  await visit.page.getByRole('link', { name: visit.words.navigation.allTasks }).first().click()
  await answer.written
  const hinted = await listenForHint(visit)
  await complete(taskId)
  await hinted()
  answer.release()
  await rowOf(visit, 'Sing after noon').getByText(visit.words.allTasks.states.completed).waitFor()
})

/** What the page was answered each time that it asked for a connection. */
const connectionsOf = ({ page }: Visit): readonly number[] => {
  const answers: number[] = []
  page.on('response', (response) => {
    if (response.url().endsWith('/live')) answers.push(response.status())
  })
  return answers
}

const isCompleted = (visit: Visit, description: string) =>
  rowOf(visit, description).getByText(visit.words.allTasks.states.completed)

/** Nothing tells the page of it now. */
const completeUnheard = async (visit: Visit, taskId: number, description: string): Promise<void> => {
  await complete(taskId)
  await office.host.settle()
  assert.equal(await isCompleted(visit, description).count(), 0)
}

play('what happens while the connection is broken is seen when it is there again', async (windows) => {
  const taskId = await create('Sing through a storm')
  await office.host.settle()
  await using proxy = await openProxy(Number(new URL(office.url).port))
  const visit = await windows.open(`http://127.0.0.1:${proxy.port}`, manager)
  const answers = connectionsOf(visit)
  const listed = visit.page.waitForResponse('**/tasks/list*')
  await visit.go('/tasks')
  await listed
  await proxy.away()
  await completeUnheard(visit, taskId, 'Sing through a storm')
  await proxy.back()
  await isCompleted(visit, 'Sing through a storm').waitFor()
  assert.deepEqual(answers, [200, 200])
  for (const trouble of visit.troubles.splice(0))
    assert.match(trouble, /ERR_(?:INCOMPLETE_CHUNKED_ENCODING|CONNECTION_\w+)/)
})

play('a page that was refused a connection asks again, and then shows what has happened', async (windows) => {
  const taskId = await create('Sing to a full house')
  await office.host.settle()
  const visit = await windows.open(office.url, manager)
  const { page, troubles } = visit
  const answers = connectionsOf(visit)
  await page.clock.install()
  await page.route('**/live', (route) => route.fulfill({ status: 503, headers: { 'retry-after': '30' } }), { times: 2 })
  await visit.go('/tasks')
  await eventually('the first is refused', () => answers.length === 1)
  await completeUnheard(visit, taskId, 'Sing to a full house')
  // By the clock of the page, as long as it may wait each time.
  await eventually('it asks until it is let in', async () => {
    if (answers.length < 3) await page.clock.fastForward(10_000)
    return answers.length === 3
  })
  await isCompleted(visit, 'Sing to a full house').waitFor()
  assert.deepEqual(answers, [503, 503, 200])
  for (const trouble of troubles.splice(0)) assert.match(trouble, /503/)
})

play('Enter sends a new task, says who got it, and leaves the focus where the next one is written', async (windows) => {
  const visit = await windows.open(office.url, manager)
  const { page, words, sent } = visit
  await visit.go('/tasks')
  const field = page.getByLabel(words.allTasks.description)
  for (const description of ['First by Enter', 'Second by Enter']) {
    await field.focus()
    await page.keyboard.type(description)
    await page.keyboard.press('Enter')
    await rowOf(visit, description).waitFor()
    // The list may hear of the task before the form has its answer.
    await page.waitForFunction(
      'document.activeElement.id === "field-description" && document.activeElement.value === ""',
    )
    const said = page.getByRole('status').filter({ hasText: /Assigned to (?:Anna Kakadu|Clara)/ })
    await said.waitFor()
    await rowOf(visit, description)
      .getByText(/\$\d\d\.\d\d/)
      .waitFor()
  }
  await page.keyboard.type('Two')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('lines')
  assert.equal(await field.inputValue(), 'Two\nlines')
  assert.equal(sent.length, 2)
})

/** Opens a page, and waits until it is told of changes and has asked for this part of itself. */
const follow = async (visit: Visit, path: string, part: string): Promise<void> => {
  const asked = visit.page.waitForResponse(`**${part}`)
  await visit.go(path)
  await asked
}

const reassign = () => office.host.call(taskTracker.assignTasks, {}, as({ id: manager.popugId, role: 'manager' }))

play('a reassignment that somebody else starts appears in the open window of a manager', async (windows) => {
  await create('Sing elsewhere')
  await office.host.settle()
  const visit = await windows.open(office.url, await office.hire('Mona Macaw', 'manager'))
  await follow(visit, '/reassign', '/reassign/progress')
  await visit.sees(visit.words.reassign.empty)
  const hinted = await listenForHint(visit)
  const { id } = must(await reassign())
  await hinted()
  await visit.page.getByRole('row', { name: `#${id} ${visit.words.reassign.states.done}` }).waitFor()
})

play('balances and what was earned follow in an open window, and what was unfolded stays so', async (windows) => {
  const who = as({ id: 1, role: 'admin' })
  const visit = await windows.open(office.url, await office.hire('Clara Lory', 'accountant'))
  await follow(visit, '/accounts', '/accounts/list')
  await visit.page.getByText(visit.words.accounts.asTable).click()
  const taskId = await create('Sing for money')
  await complete(taskId)
  await office.host.settle()
  const { money } = formatsOf('en', 'UTC', new Date())
  const { accounts } = must(await office.host.call(accounting.listAccounts, { text: 'Anna' }, who))
  const { balanceCents } = must(await office.host.call(accounting.getEarnings, {}, who))
  const balance = rowOf(visit, 'Anna Kakadu').locator('td').last()
  await balance.getByText(money(accounts[0]?.balanceCents ?? 0)).waitFor()
  await visit.page.locator('#earned dd').last().getByText(money(balanceCents)).waitFor()
  assert.equal(await visit.page.locator('#earned details').getAttribute('open'), '')

  await follow(visit, `/accounts/${anna.popugId}`, '/now')
  await complete(await create('Sing once more'))
  await visit.page.locator('#account').getByText('Sing once more').first().waitFor()
})

play('somebody who is invited appears in the open list of people', async (windows) => {
  const visit = await windows.open(office.url, await office.hire('Adam Amazon', 'admin'))
  await follow(visit, '/people', '/people/list')
  await office.hire('Nina New', 'manager')
  await visit.page.getByText('Nina New', { exact: true }).waitFor()
})
