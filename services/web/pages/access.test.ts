// Who may see which page and send which form, and what the navigation shows to whom.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { roles, type Role } from '../../vocabulary.ts'
import { routes } from '../app.tsx'
import { besidePages } from '../doors.ts'
import { anAct } from '../operations.test-support.ts'
import type { Route } from '../route.ts'
import { company } from '../scene.test-support.ts'
import type { World } from '../web.test-support.ts'

const closedPages: Record<string, readonly Role[]> = {
  '/': roles,
  '/tasks': roles,
  '/tasks/:taskId': roles,
  '/tasks/:taskId/story': roles,
  '/account': roles,
  '/mine': roles,
  '/tasks/list': roles,
  '/account/now': roles,
  '/me': roles,
  '/permissions': roles,
  '/api': roles,
  '/accounts': ['accountant', 'admin'],
  '/accounts/earned': ['accountant', 'admin'],
  '/accounts/list': ['accountant', 'admin'],
  '/accounts/:popugId/now': ['accountant', 'admin'],
  '/accounts/:popugId': ['accountant', 'admin'],
  '/operations': ['manager', 'accountant', 'admin'],
  '/operations/overview': ['manager', 'accountant', 'admin'],
  '/operations/acts': ['manager', 'accountant', 'admin'],
  '/operations/acts/:id': ['manager', 'accountant', 'admin'],
  '/operations/acts/:id/progress': ['manager', 'accountant', 'admin'],
  '/operations/parked': ['manager', 'accountant', 'admin'],
  '/operations/parked/:service/:consumer/:number': ['manager', 'accountant', 'admin'],
  '/operations/consumers/:service/:consumer': ['manager', 'accountant', 'admin'],
  '/operations/streams/:stream': ['manager', 'accountant', 'admin'],
  '/operations/runbooks/:name': ['manager', 'accountant', 'admin'],
  '/operations/alerts': ['manager', 'accountant', 'admin'],
  '/operations/differences': ['manager', 'accountant', 'admin'],
  '/reassign': ['manager', 'admin'],
  '/reassign/progress': ['manager', 'admin'],
  '/reassign/confirm': ['manager', 'admin'],
  '/people': ['admin'],
  '/people/list': ['admin'],
  '/people/security': ['admin'],
}

const closedForms: Record<string, readonly Role[]> = {
  '/tasks': roles,
  '/tasks/:taskId/complete': roles,
  '/me/name': roles,
  '/me/password': roles,
  '/me/sessions/:id/end': roles,
  '/reassign': ['manager', 'admin'],
  '/reassign/:id/cancel': ['manager', 'admin'],
  '/people': ['admin'],
  '/people/:popugId/role': ['admin'],
  '/people/:popugId/active': ['admin'],
  '/people/:popugId/invitation': ['admin'],
  '/operations/acts/:id/cancel': ['admin'],
  '/operations/reconcile': ['admin'],
  '/operations/parked': ['admin'],
  '/operations/consumers/:service/:consumer/pause': ['admin'],
  '/operations/consumers/:service/:consumer/resume': ['admin'],
  '/operations/consumers/:service/:consumer/accept': ['admin'],
  '/operations/consumers/:service/:consumer/deliver': ['admin'],
  '/operations/streams/:stream/redeliver': ['admin'],
}

/** What somebody without a session needs, and no more. */
const open = [
  'GET /first-run',
  'GET /invitation',
  'GET /sign-in',
  'POST /first-run',
  'POST /invitation',
  'POST /preferences',
  'POST /sign-in',
  'POST /sign-in/as',
  'POST /sign-out',
]

const closed = (wanted: Route['verb']): string[] =>
  routes.filter(({ verb, allow }) => verb === wanted && allow !== 'anybody').map(({ path }) => path)

/** Parts of pages, without a document around them. */
const parts = [
  '/mine',
  '/tasks/list',
  '/account/now',
  '/reassign/progress',
  '/accounts/earned',
  '/accounts/list',
  '/accounts/:popugId/now',
  '/people/list',
  '/tasks/:taskId/story',
  '/operations/overview',
  '/operations/acts/:id/progress',
]

const places: Readonly<Record<string, string>> = {
  ':service': 'accounting',
  ':consumer': 'ledger',
  ':stream': 'task-tracker',
  ':number': '4001',
  ':name': 'EventsParked',
}

/** The address of a page of the scene's first task, person or act. */
const addressOf = (path: string): string =>
  path === '/operations/parked'
    ? '/operations/parked?service=accounting&consumer=ledger'
    : path.replaceAll(/:\w+/g, (name) => places[name] ?? '1')

/** What was asked of the services, beside who it is and what an administrator should hear. */
const callsBeside = ({ calls }: World): string[] =>
  calls.map(({ method }) => method).filter((method) => !['GetSession', 'GetAlarm'].includes(method))

describe('who may see a page', () => {
  test('is said here for every page and every form', () => {
    const opened = routes.filter(({ allow }) => allow === 'anybody').map(({ verb, path }) => `${verb} ${path}`)
    assert.deepEqual(closed('GET').toSorted(), Object.keys(closedPages).toSorted())
    assert.deepEqual(closed('POST').toSorted(), Object.keys(closedForms).toSorted())
    assert.deepEqual(opened.toSorted(), open)
  })

  test('and nothing else is answered among the pages but what is listed', () => {
    // What is done for every request has no address of its own.
    const answered = new Set(
      company()
        .app.routes.map(({ path }) => path)
        .filter((path) => path !== '/*'),
    )
    const known = new Set([...routes.map(({ path }) => path), ...besidePages])
    assert.deepEqual([...answered].toSorted(), [...known].toSorted())
  })

  for (const [path, allowed] of Object.entries(closedPages)) {
    for (const role of roles) {
      test(`${path} for ${role}: ${allowed.includes(role) ? 'open' : 'closed'}`, async () => {
        const { browser, people, world } = company()
        world.acts.push(anAct('reconcile'))
        browser.as(people[role])
        const response = await browser.get(addressOf(path))
        assert.equal(response.status, allowed.includes(role) ? 200 : 403)
        if (response.status === 403) assert.deepEqual(callsBeside(world), [])
        const html = await response.text()
        if (!parts.includes(path) || response.status === 403) assert.match(html, /^<!doctype html><html lang="en">/)
      })
    }

    test(`${path} leads to the sign-in and back without a session`, async () => {
      const response = await company().browser.get(addressOf(path))
      assert.equal(response.status, 303)
      assert.equal(
        response.headers.get('location'),
        path === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(addressOf(path))}`,
      )
    })
  }

  for (const [path, allowed] of Object.entries(closedForms)) {
    test(`a form sent to ${path} is taken from ${allowed.join(', ')}, and from nobody else`, async () => {
      for (const role of roles) {
        const { browser, people, world } = company()
        world.acts.push(anAct('reconcile'))
        browser.as(people[role])
        const { status, headers } = await browser.post(addressOf(path), {})
        const isTaken = status !== 403 && !headers.get('location')?.startsWith('/sign-in')
        assert.equal(isTaken, allowed.includes(role), `${role}: ${status}`)
        if (!isTaken) assert.deepEqual(callsBeside(world), [])
      }
      const { browser, world } = company()
      const { status, headers } = await browser.post(addressOf(path), {})
      assert.deepEqual([status, headers.get('location')], [303, '/sign-in'])
      assert.deepEqual(world.calls, [])
    })
  }

  test('decides what the navigation shows', async () => {
    const shown = async (role: Role) => {
      const { browser, people } = company()
      browser.as(people[role])
      const html = await (await browser.get('/')).text()
      return [...html.matchAll(/<li><a href="([^"]+)"/g)].map(([, href]) => href)
    }
    const everyones = ['/permissions', '/api']
    assert.deepEqual(await shown('popug'), ['/', '/tasks', '/account', ...everyones])
    assert.deepEqual(await shown('manager'), ['/', '/tasks', '/reassign', '/account', '/operations', ...everyones])
    assert.deepEqual(await shown('admin'), [
      '/',
      '/tasks',
      '/reassign',
      '/account',
      '/accounts',
      '/people',
      '/operations',
      ...everyones,
    ])
    assert.deepEqual(await shown('accountant'), ['/', '/tasks', '/account', '/accounts', '/operations', ...everyones])
  })
})

describe('language and colours', () => {
  test('follow the browser, then the choice', async () => {
    const { browser } = company()
    const russian = { 'accept-language': 'ru-RU,ru;q=0.9' }
    assert.match(await (await browser.get('/sign-in', russian)).text(), /<html lang="ru">[\s\S]*Вход/)
    const response = await browser.post('/preferences', { language: 'en', back: '/sign-in' })
    assert.equal(response.headers.get('location'), '/sign-in')
    assert.match(await (await browser.get('/sign-in', russian)).text(), /<html lang="en">/)
    await browser.post('/preferences', { theme: 'dark', back: '//evil.test' })
    assert.match(await (await browser.get('/sign-in')).text(), /data-theme="ates-dark"/)
    await browser.post('/preferences', { theme: 'system' })
    assert.doesNotMatch(await (await browser.get('/sign-in')).text(), /data-theme/)
    assert.equal((await browser.post('/preferences', { theme: 'pink' })).status, 400)
  })

  test('every page exists in Russian', async () => {
    const { browser, people, world } = company()
    world.acts.push(anAct('reconcile'))
    browser.as(people.admin)
    browser.cookies.set('ates_language', 'ru')
    for (const path of Object.keys(closedPages)) {
      assert.match(await (await browser.get(addressOf(path))).text(), /[а-я]{4}/, path)
    }
  })
})
