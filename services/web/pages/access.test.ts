// Who may see which page, and what the navigation shows to whom.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { roles, type Role } from '../../vocabulary.ts'
import { routes } from '../app.tsx'
import { anAct } from '../operations.test-support.ts'
import { company } from '../scene.test-support.ts'

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
  '/accounts/:popugId': ['accountant', 'admin'],
  '/operations': ['manager', 'accountant', 'admin'],
  '/operations/overview': ['manager', 'accountant', 'admin'],
  '/operations/acts': ['manager', 'accountant', 'admin'],
  '/operations/acts/:id': ['manager', 'accountant', 'admin'],
  '/operations/acts/:id/progress': ['manager', 'accountant', 'admin'],
  '/operations/parked': ['manager', 'accountant', 'admin'],
  '/operations/parked/:service/:consumer/:number': ['manager', 'accountant', 'admin'],
  '/operations/consumers/:service/:consumer': ['manager', 'accountant', 'admin'],
  '/operations/runbooks/:name': ['manager', 'accountant', 'admin'],
  '/operations/alerts': ['manager', 'accountant', 'admin'],
  '/operations/differences': ['manager', 'accountant', 'admin'],
  '/reassign': ['manager', 'admin'],
  '/reassign/progress': ['manager', 'admin'],
  '/reassign/confirm': ['manager', 'admin'],
  '/people': ['admin'],
  '/people/security': ['admin'],
}

/** Parts of pages, without a document around them. */
const parts = [
  '/mine',
  '/tasks/list',
  '/account/now',
  '/reassign/progress',
  '/tasks/:taskId/story',
  '/operations/overview',
  '/operations/acts/:id/progress',
]

const places: Readonly<Record<string, string>> = {
  ':service': 'accounting',
  ':consumer': 'ledger',
  ':number': '4001',
  ':name': 'EventsParked',
}

/** The address of a page of the scene's first task, person or act. */
const addressOf = (path: string): string =>
  path === '/operations/parked'
    ? '/operations/parked?service=accounting&consumer=ledger'
    : path.replaceAll(/:\w+/g, (name) => places[name] ?? '1')

describe('who may see a page', () => {
  test('is said here for every page that needs a sign-in', () => {
    const closed = routes.filter(({ verb, allow }) => verb === 'GET' && allow !== 'anybody').map(({ path }) => path)
    assert.deepEqual(closed.toSorted(), Object.keys(closedPages).toSorted())
  })

  for (const [path, allowed] of Object.entries(closedPages)) {
    for (const role of roles) {
      test(`${path} for ${role}: ${allowed.includes(role) ? 'open' : 'closed'}`, async () => {
        const { browser, people, world } = company()
        world.acts.push(anAct('reconcile'))
        browser.as(people[role])
        const response = await browser.get(addressOf(path))
        assert.equal(response.status, allowed.includes(role) ? 200 : 403)
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

  test('is checked for forms, too', async () => {
    for (const { path, allow } of routes.filter(({ verb, allow: who }) => verb === 'POST' && who !== 'anybody')) {
      for (const role of roles.filter((each) => !allow.includes(each))) {
        const { browser, people, world } = company()
        browser.as(people[role])
        assert.equal((await browser.post(path.replaceAll(/:\w+/g, '1'), {})).status, 403, `${path} as ${role}`)
        assert.ok(world.calls.every(({ method }) => method === 'GetSession'))
      }
    }
  })

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
