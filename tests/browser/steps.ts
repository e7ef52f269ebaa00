// What people do in their windows, step by step, and what they see after each.
import type { Locator } from 'playwright-core'
import type { Role } from '../../services/vocabulary.ts'
import { password } from '../support/application.ts'
import type { Visit } from './visit.ts'

/** The message that the last action left. */
export const message = ({ page }: Visit, text: string): Promise<void> =>
  page.getByRole('status').filter({ hasText: text }).waitFor()

const press = ({ page }: Visit, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()

type Place = 'myTasks' | 'allTasks' | 'reassign' | 'account' | 'accounts' | 'people'

/** Goes to a page by its link in the navigation, also from that page itself. */
export const turnTo = async ({ page, words }: Visit, to: Place): Promise<void> => {
  await page.locator('h1').evaluate((heading) => heading.setAttribute('data-left', ''))
  const menu = page.getByRole('button', { name: words.layout.menu, exact: true })
  if (await menu.isVisible()) await menu.click()
  const navigation = page.getByRole('navigation', { name: words.layout.navigation })
  await navigation.getByRole('link', { name: words.navigation[to] }).click()
  await page.locator('h1:not([data-left])').filter({ hasText: words[to].title }).waitFor()
}

export const becomeAdministrator = async (visit: Visit, link: string, name: string, email: string): Promise<void> => {
  const { page, words } = visit
  await page.goto(link)
  await page.getByLabel(words.forms.name).fill(name)
  await page.getByLabel(words.forms.email).fill(email)
  await page.getByLabel(words.forms.password).fill(password)
  await press(visit, words.firstRun.submit)
  await message(visit, words.flash.signedIn({ name }))
}

/** Gives the invitation link. */
export const invite = async (visit: Visit, name: string, email: string, role: Role): Promise<string> => {
  const { page, words } = visit
  await turnTo(visit, 'people')
  const form = page.getByRole('region', { name: words.people.add })
  await form.getByLabel(words.forms.name).fill(name)
  await form.getByLabel(words.forms.email).fill(email)
  await form.getByLabel(words.forms.role).selectOption(role)
  await press(visit, words.people.submit)
  await message(visit, words.flash.invited({ name, token: '' }))
  return page.getByLabel(words.people.link, { exact: true }).inputValue()
}

export const accept = async (visit: Visit, link: string, name: string): Promise<void> => {
  const { page, words } = visit
  await page.goto(link)
  await visit.sees(words.invitation.lead(name))
  await page.getByLabel(words.forms.password).fill(password)
  await press(visit, words.invitation.submit)
  await message(visit, words.flash.signedIn({ name }))
}

export const signIn = async (visit: Visit, email: string): Promise<void> => {
  const { page, words } = visit
  await page.goto('/sign-in')
  await page.getByLabel(words.forms.email).fill(email)
  await page.getByLabel(words.forms.password).fill(password)
  await press(visit, words.signIn.submit)
}

export const signOut = async (visit: Visit): Promise<void> => {
  await press(visit, visit.words.layout.signOut)
  await message(visit, visit.words.flash.signedOut({}))
}

/** Creates a task, for this person or whoever is drawn. Gives its number and who got it. */
export const createTask = async (visit: Visit, description: string, assignee?: string) => {
  const { page, words } = visit
  await turnTo(visit, 'allTasks')
  const form = page.getByRole('region', { name: words.allTasks.create })
  await form.getByLabel(words.allTasks.description).fill(description)
  if (assignee !== undefined) await form.getByLabel(words.allTasks.assignee).selectOption({ label: assignee })
  await press(visit, words.allTasks.submit)
  const said = page.getByRole('status').filter({ hasText: pattern(words.flash.taskCreated) })
  const [, taskId = '', name = ''] = pattern(words.flash.taskCreated).exec((await said.textContent()) ?? '') ?? []
  await rowOf(visit, description).waitFor()
  return { taskId: Number(taskId), name }
}

/** A text of the catalog about a task and a name, as a pattern that finds both. */
const pattern = (text: (values: { task: string; name: string }) => string): RegExp => {
  const literal = text({ task: '{task}', name: '{name}' }).replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&')
  return new RegExp(literal.replace('{task}', '(\\d+)').replace('{name}', '(.+)'))
}

export const rowOf = ({ page }: Visit, text: string): Locator => page.getByRole('row').filter({ hasText: text })

export const completeButton = ({ page, words }: Visit, taskId: number): Locator =>
  page.getByRole('button', { name: words.myTasks.completeTask(taskId), exact: true })

export const completeTask = async (visit: Visit, taskId: number): Promise<void> => {
  await turnTo(visit, 'myTasks')
  await completeButton(visit, taskId).click()
  await message(visit, visit.words.flash.taskCompleted({ task: String(taskId) }))
}

/** Starts a reassignment; the question before it is a page of its own. */
export const reassign = async (visit: Visit, id: number): Promise<void> => {
  const { page, words } = visit
  await turnTo(visit, 'reassign')
  await page.getByRole('link', { name: words.reassign.start }).click()
  await page.getByRole('heading', { level: 1, name: words.reassign.confirmTitle }).waitFor()
  await press(visit, words.reassign.confirm)
  await message(visit, words.flash.reassignmentStarted({ id: String(id) }))
}
