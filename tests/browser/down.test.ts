// Accounting is killed, as a process of its own: the pages go on, say what is missing, and are whole again afterwards.
import assert from 'node:assert/strict'
import { eventually } from '../support/eventually.ts'
import { freshDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'
import { Apart } from '../processes/apart.ts'
import { barriersOf } from './axe.ts'
import { accept, becomeAdministrator, completeTask, createTask, invite, rowOf, turnTo } from './steps.ts'
import { play, type Visit } from './visit.ts'

const limitMs = 30_000

/** Looks again until a text is there. */
const untilSeen = async ({ page }: Visit, path: string, text: string): Promise<void> => {
  const seen = async () => {
    const response = await page.goto(path)
    return response?.ok() && (await page.getByText(text).count()) > 0
  }
  await eventually(`${text} on ${path}`, seen, limitMs)
}

play('without accounting tasks are created and completed, and nothing is lost when it is back', async (windows) => {
  await using database = await freshDatabase(schemas)
  await using apart = await Apart.start(database)
  const { url } = apart.get('web')
  const admin = await windows.open(url, null)
  const [link = ''] = /\/first-run\?token=\w+/.exec(apart.get('identity').said) ?? []
  await becomeAdministrator(admin, link, 'Adam Amazon', 'adam@example.com')
  const anna = await windows.open(url, null)
  await accept(anna, await invite(admin, 'Anna Kakadu', 'anna@example.com', 'popug'), 'Anna Kakadu')
  const { words } = anna
  await untilSeen(admin, '/tasks', 'Anna Kakadu')
  const before = await createTask(anna, 'Feed the parrots')
  await untilSeen(anna, '/account', words.account.fee(1))

  await apart.get('accounting').end('SIGKILL')
  await anna.go('/')
  await anna.sees(words.myTasks.accountingDown)
  assert.deepEqual(await barriersOf(anna.page), [])
  const during = await createTask(anna, 'Count the feathers')
  await completeTask(anna, during.taskId)
  await anna.sees(words.myTasks.accountingDown)
  await rowOf(anna, 'Feed the parrots').getByText(words.money.unknown).first().waitFor()
  await anna.page.getByRole('link', { name: words.navigation.account }).click()
  await anna.sees(words.account.accountingDown)
  assert.deepEqual(await barriersOf(anna.page), [])
  await completeTask(anna, before.taskId)
  for (const trouble of anna.troubles.splice(0)) assert.match(trouble, /503/)

  await apart.start('accounting')
  await untilSeen(anna, '/account', words.account.reward)
  await eventually(
    'both tasks are paid',
    async () => (await rowOf(anna, words.account.reward).count()) === 2 || (await anna.page.reload(), false),
    limitMs,
  )
  await turnTo(anna, 'myTasks')
  assert.equal(await anna.page.getByText(words.myTasks.accountingDown).count(), 0)
  for (const trouble of anna.troubles.splice(0)) assert.match(trouble, /503/)
  // Nobody listens to web any more when it is ended.
  for (const { page } of [admin, anna]) await page.goto('about:blank')
})
