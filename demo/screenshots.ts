// `npm run screenshots`: every page of a demo's company as people see it, at a desk and on a phone, in both themes and
// languages, and on paper, into docs/screenshots, which is not kept; and the pictures of the README into docs/images.
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { readConfig } from '../config.ts'
import { must } from '../kernel/result.ts'
import { identity } from '../services/identity/contract.ts'
import { operations } from '../services/operations/contract.ts'
import { taskTracker } from '../services/task-tracker/contract.ts'
import type { Role } from '../services/vocabulary.ts'
import { openBrowser } from '../tests/browser/browser.ts'
import { eventually } from '../tests/support/eventually.ts'
import { chores } from './company.ts'
import { type Demo, openDemo } from './open.ts'
import { actorOf, doSomething } from './work.ts'

const folder = new URL('../docs/screenshots/', import.meta.url)
const kept = new URL('../docs/images/', import.meta.url)

interface Look {
  readonly name: string
  readonly language: 'en' | 'ru'
  readonly theme: 'light' | 'dark'
  readonly phone: boolean
  readonly paper?: boolean
}

const desk: Look = { name: 'desk-light', language: 'en', theme: 'light', phone: false }
const deskDark: Look = { name: 'desk-dark', language: 'ru', theme: 'dark', phone: false }
const looks: readonly Look[] = [
  desk,
  deskDark,
  { name: 'phone-light', language: 'ru', theme: 'light', phone: true },
  { name: 'phone-dark', language: 'en', theme: 'dark', phone: true },
]
const paper: Look = { name: 'paper', language: 'en', theme: 'dark', phone: false, paper: true }

interface Shot {
  readonly name: string
  readonly role: Role | null
  readonly path: string
  /** What is done on the page before the picture. */
  readonly act?: (page: Page) => Promise<unknown>
  /** Pages with money are printed, too. */
  readonly printed?: boolean
}

const press =
  (selector: string) =>
  (page: Page): Promise<unknown> =>
    page.locator(selector).first().click()

/** Where the first link that fits leads. */
const follow =
  (selector: string) =>
  async (page: Page): Promise<unknown> =>
    page.goto((await page.locator(selector).first().getAttribute('href')) ?? '/')

const shotsOf = (token: string, taskId: number): readonly Shot[] => [
  { name: 'sign-in', role: null, path: '/sign-in' },
  { name: 'sign-in-with-password', role: null, path: '/sign-in', act: press('.with-password summary') },
  { name: 'first-run', role: null, path: '/first-run?token=once' },
  { name: 'invitation', role: null, path: `/invitation?token=${token}` },
  { name: 'my-tasks', role: 'popug', path: '/' },
  { name: 'my-tasks-of-a-manager', role: 'manager', path: '/' },
  { name: 'all-tasks', role: 'popug', path: '/tasks' },
  { name: 'all-tasks-of-a-manager', role: 'manager', path: '/tasks?state=open&order=oldest' },
  { name: 'all-tasks-completed', role: 'manager', path: '/tasks?order=completed' },
  { name: 'all-tasks-wrong', role: 'manager', path: '/tasks?state=lost&assignee=nobody' },
  { name: 'all-tasks-none', role: 'manager', path: '/tasks?text=nothing+like+it' },
  { name: 'task', role: 'accountant', path: `/tasks/${taskId}` },
  { name: 'my-account', role: 'popug', path: '/account', printed: true },
  { name: 'my-account-of-a-manager', role: 'manager', path: '/account' },
  { name: 'reassign', role: 'manager', path: '/reassign' },
  { name: 'reassign-confirm', role: 'manager', path: '/reassign/confirm' },
  { name: 'accounts', role: 'accountant', path: '/accounts', printed: true },
  { name: 'accounts-table', role: 'accountant', path: '/accounts', act: press('.as-table summary') },
  { name: 'account', role: 'accountant', path: '/accounts/8', printed: true },
  { name: 'people', role: 'admin', path: '/people' },
  { name: 'people-change', role: 'admin', path: '/people', act: press('.person-change > .btn >> nth=5') },
  { name: 'security-log', role: 'admin', path: '/people/security' },
  { name: 'me', role: 'popug', path: '/me' },
  { name: 'permissions', role: 'popug', path: '/permissions' },
  { name: 'api', role: 'popug', path: '/api', act: press('.method summary') },
  { name: 'operations', role: 'admin', path: '/operations' },
  { name: 'operations-of-an-accountant', role: 'accountant', path: '/operations' },
  { name: 'operations-consumer', role: 'admin', path: '/operations/consumers/accounting/ledger?after=1&upTo=40' },
  { name: 'operations-stream', role: 'admin', path: '/operations/streams/task-tracker?after=1&upTo=40' },
  { name: 'operations-parked', role: 'admin', path: '/operations', act: follow('a[href^="/operations/parked?"]') },
  {
    name: 'operations-event',
    role: 'admin',
    path: '/operations',
    act: async (page) => {
      await follow('a[href^="/operations/parked?"]')(page)
      await follow('a[href^="/operations/parked/"]')(page)
    },
  },
  { name: 'operations-acts', role: 'admin', path: '/operations/acts' },
  { name: 'operations-act', role: 'admin', path: '/operations/acts/1' },
  { name: 'operations-alerts', role: 'admin', path: '/operations/alerts' },
  { name: 'operations-differences', role: 'admin', path: '/operations/differences?state=all' },
  { name: 'operations-runbook', role: 'admin', path: '/operations/runbooks/EventsParked' },
  { name: 'menu', role: 'admin', path: '/', act: (page) => openMenu(page) },
  { name: 'forbidden', role: 'popug', path: '/people' },
  { name: 'not-found', role: 'popug', path: '/nowhere' },
]

const openMenu = async (page: Page): Promise<void> => {
  const button = page.locator('.menu-button')
  if (await button.isVisible()) await button.click()
}

/** What the README shows: a window's height of each. */
const pictures: readonly (readonly [name: string, look: Look])[] = [
  ['sign-in', desk],
  ['my-tasks', desk],
  ['my-account', deskDark],
  ['reassign-confirm', desk],
  ['accounts', desk],
  ['operations', desk],
]
const mostBytes = 150 * 1024

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const enter = async (page: Page, role: Role | null): Promise<void> => {
  if (role === null) return
  await page.context().clearCookies({ name: 'ates_session' })
  await page.goto('/sign-in')
  await page.locator(`form:has(input[name="role"][value="${role}"]) button`).click()
  await page.locator('.member').waitFor()
}

/** A window for each role and look, in which somebody has been before. */
const windowsOf = (browser: Browser, baseURL: string) => {
  const pages = new Map<string, Promise<Page>>()
  const open = async (role: Role | null, { language, theme, phone }: Look): Promise<Page> => {
    const viewport = phone ? { width: 390, height: 844 } : { width: 1280, height: 800 }
    const context = await browser.newContext({
      baseURL,
      locale: language,
      colorScheme: theme,
      viewport,
      hasTouch: phone,
    })
    const page = await context.newPage()
    await enter(page, role)
    return page
  }
  return (role: Role | null, look: Look): Promise<Page> => {
    const key = `${role} ${look.language} ${look.theme} ${look.phone}`
    const page = pages.get(key) ?? open(role, look)
    pages.set(key, page)
    return page
  }
}

/** So much happens, and goes wrong, that there is something to see everywhere. */
const makeHistory = async ({ stage, mishaps }: Demo): Promise<void> => {
  for (let round = 0; round < 12; round += 1) {
    for (let number = 0; number < 4; number += 1) await doSomething(stage)
    await mishaps?.next()
  }
  await mishaps?.heal()
  await stage.host.settle()
}

/** What the operator log has to tell. */
const makeActs = async (demo: Demo): Promise<void> => {
  const { call } = demo.stage.host
  const admin = () => behalfOf(demo, 'admin')
  const place = { service: 'accounting', consumer: 'ledger' }
  must(await call(operations.pauseConsumer, { ...place, reason: 'the auditors look at the books' }, admin()))
  must(await call(operations.resumeConsumer, place, admin()))
  const { id } = must(await call(operations.reconcile, {}, admin()))
  await eventually(
    'the end of the acts',
    async () => must(await call(operations.getAct, { id }, admin())).state === 'done',
  )
}

const workerOf = ({ stage }: Demo, role: Role) => {
  const worker = stage.workers.find((one) => one.role === role)
  if (!worker) throw new Error(`the demo has no ${role}`)
  return worker
}

/** By somebody of this role. */
const behalfOf = (demo: Demo, role: Role) => ({
  actor: actorOf(workerOf(demo, role)),
  requestId: crypto.randomUUID(),
  idempotencyKey: crypto.randomUUID(),
})

/** A link for somebody new, and the open task that was given away most often. */
const prepare = async (demo: Demo): Promise<readonly Shot[]> => {
  const { call } = demo.stage.host
  const guest = { name: 'Инна Какаду', email: 'inna@uberpopug.example', role: 'popug' as const }
  const { token } = must(await call(identity.invitePerson, guest, behalfOf(demo, 'admin')))
  const oldest = { order: 'oldest', state: 'open', limit: 50 } as const
  const { tasks } = must(await call(taskTracker.getTasks, oldest, behalfOf(demo, 'manager')))
  const task = tasks.toSorted((a, b) => b.assignment - a.assignment)[0]
  return shotsOf(token, task?.taskId ?? 1)
}

/** What the popug finds new when they come back. */
const changeTasks = async (demo: Demo): Promise<void> => {
  const { host } = demo.stage
  const { popugId } = workerOf(demo, 'popug')
  must(await host.call(taskTracker.assignTasks, {}, behalfOf(demo, 'manager')))
  await host.settle()
  for (const description of chores.slice(0, 2))
    must(await host.call(taskTracker.createTask, { description, popugId }, behalfOf(demo, 'manager')))
  await host.settle()
}

const take = async (page: Page, { path, act }: Shot, { paper: onPaper = false }: Look): Promise<void> => {
  await page.emulateMedia({ media: onPaper ? 'print' : 'screen' })
  await page.goto(path)
  await act?.(page)
}

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } })
  const dataDir = await mkdtemp(join(tmpdir(), 'ates-screenshots-'))
  await using cleaning = new AsyncDisposableStack()
  cleaning.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 10 }))
  const config = { ...readConfig([], { ATES_DATA_DIR: dataDir, ATES_PORT: '0' }), logLevel: 'fatal' as const }
  const wanted = { size: 30, days: 14, seed: 7, faults: true }
  const demo = await openDemo(config, wanted, say, new AbortController().signal)
  if (!demo) throw new Error('the demo was not opened')
  cleaning.use(demo)
  const { browser } = cleaning.use(await openBrowser())
  const windowOf = windowsOf(browser, demo.url)
  const shots = (await prepare(demo)).filter(({ name }) => name.includes(values.only))
  // Who has left the page hears of changes when they come back.
  for (const look of looks) await (await windowOf('popug', look)).goto('about:blank')
  await makeHistory(demo)
  await makeActs(demo)
  await changeTasks(demo)
  for (const look of looks) await enter(await windowOf('popug', look), 'popug')
  await mkdir(folder, { recursive: true })
  await mkdir(kept, { recursive: true })
  for (const shot of shots) {
    for (const look of shot.printed ? [...looks, paper] : looks) {
      const page = await windowOf(shot.role, look)
      await take(page, shot, look)
      await page.screenshot({ path: new URL(`${shot.name}.${look.name}.png`, folder).pathname, fullPage: true })
      const isPicture = pictures.some(([name, of]) => name === shot.name && of === look)
      if (isPicture) await page.screenshot({ path: new URL(`${shot.name}.png`, kept).pathname })
    }
    say(shot.name)
  }
  for (const [name] of pictures) {
    const { size } = await stat(new URL(`${name}.png`, kept))
    if (size > mostBytes) throw new Error(`docs/images/${name}.png has ${size} bytes, more than ${mostBytes}`)
  }
}

await main()
