// Every text that a page shows comes from the catalogs: with a catalog whose texts are marked, nothing else has letters.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventsOf, methodsOf } from '../../../kernel/contract.ts'
import { Fault, ok } from '../../../kernel/result.ts'
import { accounting } from '../../accounting/contract.ts'
import { identity } from '../../identity/contract.ts'
import { operations } from '../../operations/contract.ts'
import { taskTracker } from '../../task-tracker/contract.ts'
import { type Role, roles } from '../../vocabulary.ts'
import { routes } from '../app.tsx'
import { flashCookie, flashCookieName, type Flash } from '../cookies.ts'
import { addTask, reassign } from '../web.test-support.ts'
import { busy, companies, type Scene, scene, used, whole } from './companies.test-support.ts'
import { en } from './en.ts'
import { textPaths, unmarked } from './marked.test-support.ts'

/** The first word that a browser says of itself, services, their readers, methods, events and jobs. */
const programsWords = [
  'Parrot',
  'identity',
  'task-tracker',
  'accounting',
  'operations',
  'roster',
  'holders',
  'ledger',
  ...[identity, taskTracker, accounting, operations].flatMap((contract) => [
    ...methodsOf(contract).map(({ name }) => name),
    ...eventsOf(contract).map(({ name }) => name),
  ]),
  'ReassignTasks',
]

const exempt = {
  elements: new Set([
    // Made by Intl for the reader's language.
    'time',
    // What programs say and are called by.
    'code',
    'pre',
    'script',
    'style',
  ]),
  patterns: [
    // What programs say and are called by, also where people read it.
    new RegExp(`\\b(?:${programsWords.join('|')})\\b`, 'g'),
    // The people and tasks of this test have no letters but in their addresses.
    /[\d–]+@example\.com/g,
    // Days and durations are made by Intl; it is the 14th of March in this test.
    /\b\d+(?:\.\d+)? (?:secs?|mins?|hrs?|days?)\b/g,
    /(?:\bSaturday )?\b14 Mar(?:ch)?\b|\b\d+ (?:Feb|Mar)\b/g,
  ],
  foreign: new Set([
    // Languages by their own names.
    'English',
    'Русский',
    // A runbook, which is in English whoever reads.
    'Meaning',
    'Impact',
    'Diagnosis',
    'Mend',
    // Errors of programs.
    'deadlock detected',
    'Error ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:4001',
    'ZodError: popugId must be a number',
    'Error: boom, twice',
    'Error: boom &lt;- Fault: a &lt;- b',
    'Error: status 500',
    'Fault: connection refused',
    // What people wrote, in whatever language.
    'a deploy',
    'sent twice',
  ]),
}

const read = async (response: Promise<Response>): Promise<string[]> => unmarked(await (await response).text(), exempt)

/** Addresses of a route, each with what it may be asked for besides. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  '/tasks': [
    '?order=completed',
    '?text=nothing',
    '?state=lost&order=lost&assignee=7&text=%00',
    '?assignee=9–9',
    '?order=oldest&after=1',
  ],
  '/tasks/:taskId': ['/1', '/2', '/3', '/99'],
  '/tasks/:taskId/story': ['/1/story'],
  '/account': ['?after=1'],
  '/accounts': ['?text=nothing', '?text=%00'],
  '/accounts/:popugId': ['/1', '/2', '/99'],
  '/people': ['?text=nothing', '?text=%00'],
  '/people/security': ['?popugId=1'],
  '/first-run': ['?token=first-token'],
  '/invitation': ['?token=an-invitation'],
  '/operations/acts/:id': Array.from({ length: 9 }, (_, at) => `/${at + 1}`),
  '/operations/acts/:id/progress': ['/1/progress'],
  '/operations/parked': [
    ...['parked', 'discarded', 'applied'].map((state) => `?service=accounting&consumer=ledger&state=${state}`),
    '?service=accounting&consumer=ledger&fingerprint=abc123',
    '?service=accounting&consumer=ledger&fingerprint=abc123&state=discarded',
  ],
  '/operations/parked/:service/:consumer/:number': [
    '/accounting/ledger/4001',
    '/accounting/ledger/1',
    '/accounting/ledger/2',
  ],
  '/operations/consumers/:service/:consumer': [
    '/accounting/ledger',
    '/accounting/ledger?after=1&upTo=20',
    '/accounting/ledger?after=x&upTo=1',
    '/task-tracker/roster',
    '/accounting/holders',
    '/accounting/nobody',
  ],
  '/operations/streams/:stream': [
    '/task-tracker',
    '/task-tracker?after=1&upTo=20',
    '/identity?after=1&upTo=2',
    '/task-tracker?after=x',
    '/payroll',
  ],
  '/operations/differences': ['?state=all'],
  '/operations/runbooks/:name': ['/EventsParked', '/Nothing'],
}

const addressesOf = (path: string): string[] => {
  const more = parameters[path] ?? []
  const fixed = path.replace(/\/:.*/, '')
  return path.includes(':') ? more.map((one) => `${fixed}${one}`) : [path, ...more.map((one) => `${path}${one}`)]
}

const pages = routes.filter(({ verb }) => verb === 'GET').map(({ path }) => path)

/** What is found on all pages, by role and address. */
const readAll = async ({ browser, people }: Scene, who: readonly (Role | null)[]): Promise<string[]> => {
  const found: string[] = []
  for (const role of who) {
    if (role === null) browser.cookies.delete('ates_session')
    else browser.as(people[role])
    for (const address of pages.flatMap(addressesOf))
      found.push(...(await read(browser.get(address))).map((one) => `${role} ${address}: ${one}`))
  }
  return found
}

describe('every visible text comes from the catalogs', () => {
  test('on each page for each role in a company that is busy', async () => {
    assert.deepEqual(await readAll(busy(), [null, ...roles]), [])
  })

  for (const [what, make] of Object.entries(companies)) {
    test(`in a company ${what}`, async () => {
      assert.deepEqual(await readAll(make(), [null, 'popug', 'admin']), [])
    })
  }

  test('also what has changed since the last visit', async () => {
    const all = busy()
    const { browser, people, world } = all
    browser.as(people.popug)
    await browser.get('/')
    world.now = new Date(world.now.getTime() + 3_600_000)
    for (let number = 0; number < 7; number += 1)
      reassign(world, addTask(world, String(number), people.popug), people.accountant, people.manager)
    addTask(world, '1', people.popug)
    assert.deepEqual(await read(browser.get('/')), [])
  })

  test('also where more has changed than is counted', async () => {
    const taken = Array.from({ length: 6 }, () => ({
      taskId: 1,
      at: '2026-03-14T12:30:00Z',
      popugId: 2,
      popugName: '2',
    }))
    for (const more of ['some', 'unknown'] as const) {
      for (const tasks of [taken, []]) {
        const { browser, people, world } = scene({
          replaced: {
            countGivenTasks: () => ok({ tasks: 200, exact: false }),
            getTakenTasks: () => ok({ tasks, more }),
          },
        })
        browser.as(people.popug)
        await browser.get('/')
        world.now = new Date(world.now.getTime() + 3_600_000)
        assert.deepEqual(await read(browser.get('/')), [])
      }
    }
  })

  test('also the message after an act, and each refusal', async () => {
    const { browser, people } = busy()
    const values = { name: '1', task: '1', id: '1', role: '1', token: '1', retryAfterSeconds: '60', assigneeName: '1' }
    const done = Object.keys(en.flash).map((is) => ({ ...values, is }) as Flash)
    const refused = Object.keys(en.refusals).map((code): Flash => ({ ...values, is: 'refused', refused: code }))
    for (const flash of [...done, ...refused]) {
      browser.as(people.admin)
      browser.cookies.set(flashCookieName, /=([^;]*)/.exec(flashCookie(flash, false))?.[1] ?? '')
      assert.deepEqual(await read(browser.get('/people')), [], JSON.stringify(flash))
    }
  })

  test('also what is wrong with a form', async () => {
    const { browser, people } = busy()
    const forms: readonly (readonly [Role | null, string, Record<string, string>])[] = [
      [null, '/sign-in', { email: '1' }],
      [null, '/sign-in', { email: '1@example.com', password: '1' }],
      [null, '/first-run', { token: '1' }],
      [null, '/invitation', { token: 'an-invitation' }],
      ['popug', '/tasks', {}],
      ['manager', '/tasks', { description: '1', popugId: '7–7' }],
      ['manager', '/tasks', { description: '1', popugId: '–' }],
      ['popug', '/me/name', {}],
      ['popug', '/me/password', { current: '1', password: '1' }],
      ['popug', '/me/password', { password: '12345678' }],
      ['popug', '/me/password', { current: '1', password: '12345678' }],
      ['admin', '/people', {}],
      ['admin', '/people', { name: '1', email: '11–1@example.com', role: 'popug' }],
      ['admin', '/operations/parked', { service: 'accounting', consumer: 'ledger', do: 'discard' }],
      ['admin', '/operations/parked', { service: 'accounting', consumer: 'ledger', do: 'discard', number: '1' }],
      ['admin', '/operations/consumers/accounting/ledger/pause', {}],
      ['admin', '/operations/consumers/accounting/ledger/deliver', {}],
      ['admin', '/operations/consumers/task-tracker/roster/accept', {}],
    ]
    for (const [role, path, fields] of forms) {
      if (role === null) browser.cookies.delete('ates_session')
      else browser.as(people[role])
      assert.deepEqual(await read(browser.post(path, fields)), [], `${path} ${JSON.stringify(fields)}`)
    }
    assert.deepEqual(await read(browser.post('/tasks', {}, { origin: 'http://elsewhere.test' })), [])
    assert.deepEqual(await read(browser.post('/tasks', { description: '1'.repeat(70_000) })), [])
    assert.deepEqual(await read(browser.post('/tasks', {}, { 'content-type': 'text/plain' })), [])
  })

  test('also what went wrong, and the form that may be sent again', async () => {
    for (const fault of [
      new Fault('outcome_unknown', '-'),
      new Fault('internal', '-'),
      new Fault('unavailable', '-'),
    ]) {
      const { browser, people } = scene({
        replaced: {
          createTask: () => Promise.reject(fault),
          changePassword: () => Promise.reject(fault),
          getRoster: () => ok({ popugs: [7, 8].map((popugId) => ({ popugId, name: '9–9' })) }),
        },
      })
      browser.as(people.manager)
      assert.deepEqual(await read(browser.post('/tasks', { description: '1' })), [])
      assert.deepEqual(await read(browser.post('/tasks', { description: '1', popugId: '9–9' })), [])
      assert.deepEqual(await read(browser.post('/me/password', { current: '1', password: '12345678' })), [])
    }
  })

  test('and no text of the catalogs is for nothing', () => {
    // The name of a language stands in its own, whatever the language of the page.
    assert.deepEqual(
      textPaths(whole).filter((path) => path !== 'self' && !used.has(path)),
      [],
    )
  })
})

test('a text beside the marks is found, in an element and in an attribute, and what is exempt is not', () => {
  const mark = (html: string) => unmarked(`<html lang="en"><body><main>${html}</main></body></html>`, exempt)
  assert.deepEqual(mark('<p class="x">⟦Said⟧ 12 – $3 <b>⟦with ⟦inner⟧ text⟧</b></p>'), [])
  assert.deepEqual(mark('<p>⟦Said⟧ by hand</p>'), ['main p: ⟦Said⟧ by hand'])
  assert.deepEqual(mark('<input placeholder="Name"/><p>⟦Said⟧</p>'), ['input placeholder: Name'])
  assert.deepEqual(mark('<p>по-русски</p>'), ['main p: по-русски'])
  assert.deepEqual(mark('<time title="noon">noon</time><p lang="">a deploy, <b>sent twice</b></p>'), [
    'main p: a deploy,',
  ])
  assert.deepEqual(mark('<span lang="en">a deploy</span> later'), ['body main: later'])
  assert.deepEqual(mark('<span>a deploy</span><b lang="en">Said</b>'), ['main span: a deploy', 'main b: Said'])
  assert.deepEqual(mark('<p>CreateTask of task-tracker</p>'), ['main p: CreateTask of task-tracker'])
})
