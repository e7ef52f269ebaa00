// The story: from the one-time link to a line of the ledger and what management earned, through every form of every page,
// by somebody of each role; in one language with JavaScript, in the other without.
import assert from 'node:assert/strict'
import { must } from '../../kernel/result.ts'
import { accounting } from '../../services/accounting/contract.ts'
import { routes } from '../../services/web/app.tsx'
import { formatsOf } from '../../services/web/format.ts'
import type { Language } from '../../services/web/texts/index.ts'
import { eventually } from '../support/eventually.ts'
import { as } from '../support/system.ts'
import { gateBefore, type Gate } from './gate.ts'
import { openOffice, type Office } from './office.ts'
import {
  accept,
  becomeAdministrator,
  completeTask,
  createTask,
  invite,
  message,
  reassign,
  rowOf,
  signIn,
  signOut,
  turnTo,
} from './steps.ts'
import { play, type Visit, type Windows } from './visit.ts'

const limitMs = 30_000

interface Cast {
  readonly admin: Visit
  readonly manager: Visit
  /** Who is drawn for tasks, by their names: popugs, and the accountant. */
  readonly drawn: Readonly<Record<'Anna Kakadu' | 'Boris Ara' | 'Clara Lory', Visit>>
}

/** The first administrator comes in and invites everybody else. */
const gather = async (
  windows: Windows,
  office: Office,
  look: { language: Language; javaScript: boolean },
): Promise<Cast> => {
  const window = () => windows.open(office.url, null, look)
  const admin = await window()
  await becomeAdministrator(admin, office.link, 'Adam Amazon', 'adam@example.com')
  const join = async (name: string, email: string, role: 'popug' | 'manager' | 'accountant') => {
    const link = await invite(admin, name, email, role)
    const visit = await window()
    await accept(visit, link, name)
    return visit
  }
  const manager = await join('Mia Macaw', 'mia@example.com', 'manager')
  const anna = await join('Anna Kakadu', 'anna@example.com', 'popug')
  const boris = await join('Boris Ara', 'boris@example.com', 'popug')
  const clara = await join('Clara Lory', 'clara@example.com', 'accountant')
  return { admin, manager, drawn: { 'Anna Kakadu': anna, 'Boris Ara': boris, 'Clara Lory': clara } }
}

/** Waits for what comes by itself with JavaScript, and by looking again without. */
const comes = async (visit: Visit, again: () => Promise<unknown>, isThere: () => Promise<boolean>): Promise<void> => {
  await eventually(
    'it comes',
    async () => {
      if (!visit.javaScript) await again()
      return isThere()
    },
    limitMs,
  )
}

const stateOfJob = async (visit: Visit, id: number, state: 'queued' | 'done' | 'cancelled'): Promise<void> => {
  const { page, words } = visit
  const refresh = () =>
    page
      .getByRole('link', { name: words.reassign.refresh })
      .click({ timeout: 2_000 })
      .catch(() => page.reload())
  const shown = page
    .locator(`#job-${id}, tr:has(th:text-is("#${id}"))`)
    .filter({ hasText: words.reassign.states[state] })
  await comes(visit, refresh, async () => (await shown.count()) > 0)
}

/** One is cancelled while it waits for its turn, the next one goes through. */
const shuffle = async (manager: Visit, gate: Gate): Promise<void> => {
  const { page, words } = manager
  gate.shut()
  await reassign(manager, 1)
  await stateOfJob(manager, 1, 'queued')
  await page.getByRole('button', { name: words.reassign.cancelJob(1) }).click()
  await message(manager, words.flash.reassignmentCancelled({ id: '1' }))
  await stateOfJob(manager, 1, 'cancelled')
  await reassign(manager, 2)
  gate.open()
  await stateOfJob(manager, 2, 'done')
}

/** The line appears on the account page, and says which task, why and by which event. */
const isPaid = async (popug: Visit, taskId: number, description: string): Promise<void> => {
  const { page, words } = popug
  await turnTo(popug, 'account')
  const reward = rowOf(popug, words.account.reward).filter({ hasText: `#${taskId}` })
  await eventually(
    'the reward is booked',
    async () => (await reward.count()) === 1 || (await page.reload(), false),
    limitMs,
  )
  const line = (await reward.textContent()) ?? ''
  for (const part of [description, /task-tracker #\d+/, /[\d.,]{5}/])
    assert.match(line, part instanceof RegExp ? part : new RegExp(part))
  assert.ok((await rowOf(popug, words.account.fee(1)).count()) >= 1, 'the fee of the assignment is there too')
}

/** The accountant sees what each of them has, and that management earned exactly what all of them paid together. */
const keepsBooks = async (accountant: Visit, { host }: Office): Promise<void> => {
  await host.settle()
  const { accounts } = must(await host.call(accounting.listAccounts, {}, as({ id: 1, role: 'admin' })))
  const { money } = formatsOf(accountant.language, 'UTC', new Date())
  const { page, words } = accountant
  await turnTo(accountant, 'accounts')
  for (const { popugId, name, balanceCents } of accounts) {
    const row = page.getByRole('row').filter({ has: page.locator(`a[href="/accounts/${popugId}"]`) })
    await row
      .filter({ hasText: name ?? '' })
      .filter({ hasText: money(balanceCents) })
      .waitFor()
  }
  const earnedCents = -accounts.reduce((sum, { balanceCents }) => sum + balanceCents, 0)
  assert.notEqual(earnedCents, 0)
  const earned = page.getByRole('region', { name: words.accounts.earnings }).getByRole('term')
  const total = earned.filter({ hasText: words.accounts.balance }).locator('xpath=following-sibling::dd')
  assert.equal(await total.textContent(), money(earnedCents))
}

/** What an administrator may change about a person; each change is felt by that person. */
const changeBoris = async (admin: Visit, boris: Visit): Promise<void> => {
  const { page, words } = admin
  const name = 'Boris Ara'
  const change = async (act: string, said: string) => {
    await page.getByRole('button', { name: words.people.changePerson(name) }).click()
    await page
      .getByRole('dialog', { name: words.people.changePerson(name) })
      .getByRole('button', { name: act, exact: true })
      .click()
    await message(admin, said)
  }
  await turnTo(admin, 'people')
  await page.getByRole('searchbox').fill('boris')
  await page.getByRole('button', { name: words.people.apply, exact: true }).click()
  await page.getByRole('link', { name: words.people.clear }).waitFor()
  await change(words.people.disable, words.flash.personDisabled({ name }))
  await boris.go('/')
  await boris.page.getByRole('heading', { level: 1, name: words.signIn.title }).waitFor()
  await change(words.people.enable, words.flash.personEnabled({ name }))
  await change(words.people.newLink, words.flash.linkRenewed({ name, token: '' }))
  await accept(boris, await page.getByLabel(words.people.link, { exact: true }).inputValue(), name)
  await change(words.people.saveRole, words.flash.roleChanged({ name, role: words.roles.popug }))
}

/** Tasks are found by state, assignee and text, all at once. */
const findsTasks = async (visit: Visit, description: string, name: string): Promise<void> => {
  const { page, words } = visit
  await turnTo(visit, 'allTasks')
  const filter = page.getByRole('search')
  await filter.getByLabel(words.allTasks.text).fill(description.slice(0, 8))
  await filter.getByLabel(words.allTasks.state).selectOption('completed')
  await filter.getByLabel(words.allTasks.assignee).selectOption({ label: name })
  await filter.getByRole('button', { name: words.allTasks.apply }).click()
  await page.getByRole('link', { name: words.allTasks.clear }).first().waitFor()
  assert.equal(await page.getByRole('row').filter({ hasText: '#' }).count(), 1)
  await rowOf(visit, description).filter({ hasText: name }).waitFor()
}

const choosesColoursAndLanguage = async ({ page, words, language }: Visit): Promise<void> => {
  const other = language === 'en' ? 'Русский' : 'English'
  await page.getByRole('button', { name: words.layout.themes.dark }).click()
  await page.locator('html[data-theme=ates-dark]').waitFor()
  await page.getByRole('button', { name: other }).click()
  await page.locator(`html[lang=${language === 'en' ? 'ru' : 'en'}]`).waitFor()
}

/** Addresses of all forms but those of mending.test.ts, and the demo's. */
const forms = routes
  .filter(({ verb, path }) => verb === 'POST' && !/^\/(?:operations|me|sign-in)\//.test(path))
  .map(({ path }) => path)

/** Forms that were sent, by the addresses of their routes. */
const sentForms = (visits: readonly Visit[]): string[] => {
  const sent = new Set(visits.flatMap((visit) => visit.sent))
  return forms.filter((path) => [...sent].some((one) => new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`).test(one)))
}

for (const [language, javaScript] of [
  ['en', true],
  ['ru', false],
] as const) {
  play(`the story in ${language}, ${javaScript ? 'with' : 'without'} JavaScript`, async (windows) => {
    const gate = gateBefore('job.ReassignTasks')
    await using office = await openOffice(gate)
    const { admin, manager, drawn } = await gather(windows, office, { language, javaScript })
    await createTask(manager, 'Feed the parrots', 'Anna Kakadu')
    await createTask(drawn['Boris Ara'], 'Clean the cage — «везде» <b>now</b>')
    await shuffle(manager, gate)

    const { taskId, name } = await createTask(manager, 'Count the feathers')
    const popug = drawn[name as keyof typeof drawn]
    await completeTask(popug, taskId)
    await isPaid(popug, taskId, 'Count the feathers')
    await findsTasks(manager, 'Count the feathers', name)

    const { 'Boris Ara': boris, 'Anna Kakadu': anna, 'Clara Lory': clara } = drawn
    await keepsBooks(clara, office)
    await changeBoris(admin, boris)
    await signOut(boris)
    await signIn(boris, 'boris@example.com')
    await message(boris, boris.words.flash.signedIn({ name: 'Boris Ara' }))
    await choosesColoursAndLanguage(anna)

    const all = [admin, manager, ...Object.values(drawn)]
    assert.deepEqual(sentForms(all), forms)
    assert.deepEqual(office.errors, [])
  })
}
