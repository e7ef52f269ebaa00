// An administrator mends what did not go right, by the operations pages; and somebody looks after their own account.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Locator } from 'playwright-core'
import { eventually } from '../support/eventually.ts'
import { password } from '../support/application.ts'
import { barriersOf } from './axe.ts'
import { openOffice, type Office, type Person } from './office.ts'
import { message, signIn } from './steps.ts'
import { play, type Visit } from './visit.ts'

const limitMs = 60_000
const ledger = '/operations/consumers/accounting/ledger'

let office: Office
let admin: Person
let anna: Person

/** Two events that no consumer can apply, which the task tracker said nevertheless. */
before(async () => {
  office = await openOffice()
  admin = await office.hire('Adam Amazon', 'admin')
  anna = await office.hire('Anna Kakadu', 'popug')
  await office.host.settle()
  for (const taskId of [9_001, 9_002]) {
    await office.database.query(
      `insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id)
       values (gen_random_uuid(), 'TaskAssigned', 1, $1, $2, now(), 'a damaged event')`,
      [String(taskId), { taskId, popugId: 'nobody', assignment: 1 }],
    )
  }
  await office.host.settle()
})
after(() => office[Symbol.asyncDispose]())

const numbers = async (): Promise<number[]> =>
  (
    await office.database.query<{ number: number }>(
      `select number::int from accounting.parked where consumer = 'ledger' order by number`,
    )
  ).map(({ number }) => number)

/** Looks until the watcher has seen it. */
const untilSeen = (visit: Visit, path: string, what: Locator) =>
  eventually(
    `${String(what)} on ${path}`,
    async () => {
      const response = await visit.go(path)
      return response?.ok() === true && (await what.count()) > 0
    },
    limitMs,
  )

/** Presses what asks for an act, and follows the act on its page until it is done. */
const act = async (visit: Visit, press: () => Promise<void>): Promise<void> => {
  await press()
  await visit.page.waitForURL('**/operations/acts/*')
  const { states } = visit.words.operations.acts
  await visit.page.locator('#act').getByText(states.done, { exact: true }).waitFor({ timeout: limitMs })
}

play(
  'events set aside are discarded with a reason, restored, and tried again when they are mended',
  async (windows) => {
    const visit = await windows.open(office.url, admin)
    const { page, words } = visit
    const { parked: texts } = words.operations
    const button = (name: string) => page.getByRole('button', { name, exact: true })
    await untilSeen(visit, '/operations', page.getByText('TaskAssigned'))
    const [first = 0, second = 0] = await numbers()
    await page.getByRole('region', { name: texts.title }).getByRole('link').first().click()
    await page.getByLabel(texts.choose(first)).check()
    await page.getByLabel(texts.reason).fill('Sent by hand')
    assert.deepEqual(await barriersOf(page), [])
    await act(visit, () => button(texts.discardChosen).click())
    await visit.sees('Sent by hand')

    await visit.go(`/operations/parked/accounting/ledger/${first}`)
    await visit.sees('a damaged event')
    await act(visit, () => button(texts.restore).click())

    await office.database.query(
      `update accounting.parked set data = jsonb_set(data, '{popugId}', $1) where consumer = 'ledger'`,
      [String(anna.popugId)],
    )
    await visit.go('/operations/parked?service=accounting&consumer=ledger')
    await page.getByLabel(texts.choose(first)).check()
    await page.getByLabel(texts.choose(second)).check()
    await act(visit, () => button(texts.retryChosen).click())
    const left = await office.database.query(`select from accounting.parked where state <> 'applied'`)
    assert.equal(left.length, 0)
  },
)

play('a consumer is paused and resumed, and a range is delivered again after a dry run', async (windows) => {
  const visit = await windows.open(office.url, admin)
  const { page, words } = visit
  const { consumer: texts, reconciliation } = words.operations
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  await untilSeen(visit, ledger, button(texts.pause))
  await page.getByLabel(texts.reason, { exact: true }).fill('To look at it')
  await act(visit, () => button(texts.pause).click())
  await untilSeen(visit, ledger, button(texts.resume))
  await act(visit, () => button(texts.resume).click())
  await visit.go(`${ledger}?after=0&upTo=1`)
  await visit.sees(texts.planTitle)
  await act(visit, () => button(texts.refetch).click())
  await visit.go(`${ledger}?after=0&upTo=1`)
  await page.getByRole('link', { name: texts.redeliveryPlan }).click()
  await visit.sees(texts.planTitle)
  await act(visit, () => button(texts.redeliver).click())
  await visit.go('/operations')
  await act(visit, () => button(reconciliation.now).click())
})

play('a name and a password are changed, and a session elsewhere is ended', async (windows) => {
  const here = await windows.open(office.url, anna)
  const { page, words } = here
  await here.go('/me')
  await page.getByRole('textbox', { name: words.forms.name }).fill('Anna Ara')
  await page.getByRole('button', { name: words.me.saveName }).click()
  await message(here, words.flash.nameChanged({ name: 'Anna Ara' }))

  const elsewhere = await windows.open(office.url, null)
  await signIn(elsewhere, anna.email)
  await message(elsewhere, words.flash.signedIn({ name: 'Anna Ara' }))
  await here.go('/me')
  await page.getByRole('button', { name: words.me.endSession('Chrome, Linux') }).click()
  await message(here, words.flash.sessionEndedByMe({}))
  await elsewhere.go('/')
  await elsewhere.page.getByRole('heading', { level: 1, name: words.signIn.title }).waitFor()

  await page.getByLabel(words.me.current).fill(password)
  await page.getByLabel(words.me.next).fill('another parrot in the tree')
  await page.getByRole('button', { name: words.me.savePassword }).click()
  await message(here, words.flash.passwordChanged({}))
})
