// Every page in its states: nothing that the rules of accessibility forbid, in both themes and languages, at a desk and
// on a phone; nothing that the policy for content forbids, and no complaint of the browser. The markup is the same in every
// look, so that the second one is asked only about what colours and sizes make of it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Locator } from 'playwright-core'
import { must } from '../../kernel/result.ts'
import { identity } from '../../services/identity/contract.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { routes } from '../../services/web/app.tsx'
import { password } from '../support/application.ts'
import { parkedNumber, plantAct, plantParked } from '../support/planted.ts'
import { as, asService } from '../support/system.ts'
import { barriersOf } from './axe.ts'
import { gateBefore } from './gate.ts'
import { openOffice, type Office, type Person } from './office.ts'
import { play, type Visit, Windows } from './visit.ts'

const steps = gateBefore('job.ReassignTasks')
const ledger = gateBefore('apply.ledger')

let office: Office
let staff: Readonly<Record<'admin' | 'manager' | 'popug', Person>>
let invitation = ''

/** Work in every state: completed, open, on its way to the ledger, being reassigned, set aside, asked for by an admin. */
before(async () => {
  office = await openOffice({ database: (one) => steps.database(ledger.database(one)) })
  const { call, settle } = office.host
  const admin = await office.hire('Adam Amazon', 'admin')
  const manager = await office.hire('Mia Macaw', 'manager')
  const popug = await office.hire('Anna Kakadu', 'popug')
  staff = { admin, manager, popug }
  await settle()
  const asManager = as({ id: manager.popugId, role: 'manager' })
  const create = async (description: string) =>
    must(await call(taskTracker.createTask, { description, popugId: popug.popugId }, asManager))
  const done = await create('Feed the parrots')
  await create('Очень длинное описание, '.repeat(60).slice(0, 1_900))
  must(await call(taskTracker.completeTask, { taskId: done.taskId }, as({ id: popug.popugId, role: 'popug' })))
  must(await call(taskTracker.assignTasks, {}, asManager))
  await settle()
  await plantAct(office.database, admin.popugId)
  await plantParked(office.database)
  ledger.shut()
  steps.shut()
  await create('Longwordwithoutanyblanks'.repeat(20))
  must(await call(taskTracker.assignTasks, {}, asManager))
  must(await call(identity.signIn, { email: manager.email, password }, asService))
  const guest = { name: 'Clara Lory', email: 'clara@example.com', role: 'accountant' as const }
  invitation = must(await call(identity.invitePerson, guest, as({ id: admin.popugId, role: 'admin' }))).token
})

after(async () => {
  steps.open()
  ledger.open()
  await office[Symbol.asyncDispose]()
})

interface State {
  readonly who: keyof typeof staff | null
  readonly path: string
  readonly status?: number
  /** What is done on the page before it is looked at. */
  readonly act?: (visit: Visit) => Promise<unknown>
}

const openPanel = ({ page, words }: Visit) =>
  page.getByRole('button', { name: words.people.changePerson('Anna Kakadu') }).click()

const openMenu = async ({ page, words }: Visit) => {
  const menu = page.getByRole('button', { name: words.layout.menu, exact: true })
  if (await menu.isVisible()) await menu.click()
}

const unfold = ({ page, words }: Visit) => page.getByText(words.layout.more, { exact: true }).first().click()

const showTable = ({ page, words }: Visit) => page.getByText(words.accounts.asTable).click()

const openMethod = ({ page }: Visit) => page.getByText('CreateTask').click()

const sendBlank = async ({ page, words }: Visit) => {
  await page.getByLabel(words.allTasks.description).fill('   ')
  await page.getByRole('button', { name: words.allTasks.submit }).click()
  await page.getByText(words.forms.rules.description).waitFor()
}

const sendTaken = async ({ page, words }: Visit) => {
  const form = page.getByRole('region', { name: words.people.add })
  await form.getByLabel(words.forms.name).fill('Another Anna')
  await form.getByLabel(words.forms.email).fill('anna-kakadu@example.com')
  await form.getByRole('button').click()
  await page
    .getByRole('alert')
    .filter({ hasText: words.refusals.email_taken as string })
    .waitFor()
}

const renewLink = async (visit: Visit) => {
  const { page, words } = visit
  await openPanel(visit)
  await page.getByRole('dialog').getByRole('button', { name: words.people.newLink }).click()
  await page.getByRole('status').waitFor()
}

const sendWrongPassword = async ({ page, words }: Visit) => {
  await page.getByLabel(words.forms.email).fill('anna-kakadu@example.com')
  await page.getByLabel(words.forms.password).fill('not the password')
  await page.getByRole('button', { name: words.signIn.submit }).click()
  await page
    .getByRole('alert')
    .filter({ hasText: words.refusals.wrong_credentials as string })
    .waitFor()
}

const states: readonly State[] = [
  { who: null, path: '/sign-in' },
  { who: null, path: '/sign-in', act: sendWrongPassword },
  { who: null, path: '/first-run', status: 404 },
  { who: null, path: '/first-run?token=anything' },
  { who: null, path: '/invitation?token=anything', status: 404 },
  { who: null, path: '/invitation?token=:invitation' },
  { who: 'popug', path: '/', act: openMenu },
  { who: 'popug', path: '/tasks' },
  { who: 'popug', path: '/tasks?order=completed' },
  { who: 'popug', path: '/tasks/1' },
  { who: 'popug', path: '/tasks/3' },
  { who: 'popug', path: '/account', act: unfold },
  { who: 'popug', path: '/people', status: 403 },
  { who: 'popug', path: '/nowhere', status: 404 },
  { who: 'manager', path: '/' },
  { who: 'manager', path: '/tasks', act: sendBlank },
  { who: 'manager', path: '/tasks?text=nothing+like+it' },
  { who: 'manager', path: '/tasks?state=lost&assignee=nobody', status: 422 },
  { who: 'manager', path: '/account' },
  { who: 'manager', path: '/reassign' },
  { who: 'manager', path: '/reassign/confirm' },
  { who: 'manager', path: '/me' },
  { who: 'manager', path: '/permissions' },
  { who: 'manager', path: '/api', act: openMethod },
  { who: 'admin', path: '/accounts', act: showTable },
  { who: 'admin', path: '/accounts?text=nobody+like+it' },
  { who: 'admin', path: '/accounts/3' },
  { who: 'manager', path: '/operations' },
  { who: 'manager', path: '/operations/runbooks/EventsUndelivered' },
  { who: 'manager', path: '/operations/runbooks/NothingLikeIt', status: 404 },
  { who: 'admin', path: '/operations/acts' },
  { who: 'admin', path: '/operations/acts/1' },
  { who: 'admin', path: '/operations/parked?service=accounting&consumer=ledger' },
  { who: 'admin', path: `/operations/parked/accounting/ledger/${parkedNumber}` },
  { who: 'admin', path: '/operations/consumers/accounting/ledger' },
  { who: 'admin', path: '/operations/streams/task-tracker' },
  { who: 'admin', path: '/operations/alerts' },
  { who: 'admin', path: '/operations/differences' },
  { who: 'admin', path: '/people/security' },
  { who: 'admin', path: '/people', act: openPanel },
  { who: 'admin', path: '/people', act: sendTaken },
  { who: 'admin', path: '/people', act: renewLink },
  { who: 'admin', path: '/people?text=nobody+like+it' },
]

const looks = [
  { language: 'en', theme: 'light', phone: false, scope: 'everything' },
  { language: 'ru', theme: 'dark', phone: true, scope: 'appearance' },
] as const

for (const look of looks) {
  const where = look.phone ? 'on a phone' : 'at a desk'
  play(`every page is open to everybody ${where}, in ${look.language}, ${look.theme}`, async (windows) => {
    const visits = new Map<State['who'], Visit>()
    for (const { who, path, status = 200, act } of states) {
      const visit = visits.get(who) ?? (await windows.open(office.url, who && staff[who], look))
      visits.set(who, visit)
      const response = await visit.go(path.replace(':invitation', invitation))
      assert.equal(response?.status(), status, path)
      await act?.(visit)
      assert.deepEqual(await barriersOf(visit.page, look.scope), [], `${path} for ${who ?? 'a guest'}`)
    }
    assert.deepEqual(office.errors, [])
  })
}

/** Pages on which money is shown, and how many folded texts there are on each at least. */
const printed = [
  { who: 'popug', path: '/', folded: 2 },
  { who: 'popug', path: '/account', folded: 2 },
  { who: 'popug', path: '/tasks', folded: 2 },
  { who: 'popug', path: '/tasks/2', folded: 0 },
  { who: 'admin', path: '/accounts', folded: 1 },
  { who: 'admin', path: '/accounts/3', folded: 2 },
] as const

/** How high what is folded is on paper, and how high it is when it is opened. */
const heightsOf = (folded: Locator) =>
  folded.evaluate((details: HTMLDetailsElement) => {
    const heights = [details.offsetHeight]
    details.open = true
    return [...heights, details.offsetHeight]
  })

play(
  'where money is shown pages are printed in ink, with all that is folded and without what only works on a screen',
  async (windows) => {
    const visits = {
      popug: await windows.open(office.url, staff.popug, { theme: 'dark' }),
      admin: await windows.open(office.url, staff.admin, { theme: 'dark' }),
    }
    for (const { page } of Object.values(visits)) await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    for (const { who, path, folded } of printed) {
      const { page, go } = visits[who]
      assert.equal((await go(path))?.status(), 200)
      assert.deepEqual(await barriersOf(page, 'appearance'), [], path)
      for (const part of ['.bar', '.foot', 'main form', 'main summary']) {
        for (const one of await page.locator(part).all())
          assert.equal(await one.isVisible(), false, `${part} of ${path}`)
      }
      const ink = await page
        .locator('main table td')
        .first()
        .evaluate((cell) => getComputedStyle(cell).color)
      assert.equal(ink, 'rgb(0, 0, 0)', path)
      const all = await page.locator('main details').all()
      assert.ok(all.length >= folded, `${all.length} of ${folded} on ${path}`)
      for (const one of all) {
        const [onPaper, opened] = await heightsOf(one)
        assert.equal(onPaper, opened, `${await one.textContent()} on ${path}`)
        assert.ok((onPaper ?? 0) > 20, path)
      }
    }
  },
)

test('no page was forgotten', () => {
  const parts = [
    '/mine',
    '/tasks/list',
    '/account/now',
    '/accounts/list',
    '/accounts/earned',
    '/accounts/:popugId/now',
    '/people/list',
    '/reassign/progress',
    '/tasks/:taskId/story',
    '/operations/overview',
    '/operations/acts/:id/progress',
  ]
  // A page that says what is wrong is another page.
  const shown = states.filter(({ status = 200 }) => status === 200)
  const looked = shown.map(({ path }) => path.replace(/\?.*/, ''))
  const pages = routes.filter(({ verb, path }) => verb === 'GET' && !parts.includes(path)).map(({ path }) => path)
  const isLookedAt = (page: string) =>
    looked.some((path) => new RegExp(`^${page.replaceAll(/:\w+/g, '[\\w-]+')}$`).test(path))
  assert.deepEqual(
    pages.filter((page) => !isLookedAt(page)),
    [],
  )
})

/** Breaks the answer of a page on its way to the browser. */
const broken = async (windows: Windows, breakIt: (html: string) => string): Promise<Visit> => {
  const visit = await windows.open(office.url, staff.popug)
  await visit.page.route('**/tasks', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, body: breakIt(await response.text()) })
  })
  await visit.go('/tasks')
  return visit
}

test('an inline script, an inline style and a missing file are noticed', async () => {
  for (const [added, complaint] of [
    ['<script>document.title = ""</script>', /inline script/],
    ['<p style="color: red">', /inline style/],
    ['<img alt="" src="/assets/none.png">', /^404 /],
    ['<img alt="" src="https://example.com/far.png">', /img-src/],
  ] as const) {
    await using windows = new Windows()
    const { troubles } = await broken(windows, (html) => html.replace('</main>', `${added}</main>`))
    assert.equal(troubles.length, 1, `${added}: ${troubles.join('\n')}`)
    assert.match(troubles[0] ?? '', complaint)
  }
})

test('a missing label, a pale text and a page that is too wide are noticed, the latter two in either scope', async () => {
  await using windows = new Windows()
  const visit = await broken(windows, (html) => html.replace(/<label for="field-description">.*?<\/label>/, ''))
  await visit.page.evaluate('document.querySelector("h1").style.color = "#ddd"')
  await visit.page.evaluate('document.querySelector("h1").style.width = "2000px"')
  const barriers = await barriersOf(visit.page)
  for (const expected of [/^label: /, /^color-contrast: /, /wider than its window$/])
    assert.ok(
      barriers.some((barrier) => expected.test(barrier)),
      `${expected}: ${barriers.join('\n')}`,
    )
  const appearance = await barriersOf(visit.page, 'appearance')
  assert.deepEqual(
    appearance.map((barrier) => barrier.split(' ')[0]),
    ['color-contrast:', 'the'],
    appearance.join('\n'),
  )
})
