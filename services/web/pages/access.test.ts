// Who may see which page, and what the navigation shows to whom.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { roles, type Role } from '../../vocabulary.ts'
import { routes } from '../app.tsx'
import { company } from '../scene.test-support.ts'

const closedPages: Record<string, readonly Role[]> = {
  '/': roles,
  '/tasks': roles,
  '/account': roles,
  '/reassign': ['manager', 'admin'],
  '/reassign/progress': ['manager', 'admin'],
  '/reassign/confirm': ['manager', 'admin'],
  '/people': ['admin'],
}

describe('who may see a page', () => {
  test('is said here for every page that needs a sign-in', () => {
    const closed = routes.filter(({ verb, allow }) => verb === 'GET' && allow !== 'anybody').map(({ path }) => path)
    assert.deepEqual(closed.toSorted(), Object.keys(closedPages).toSorted())
  })

  for (const [path, allowed] of Object.entries(closedPages)) {
    for (const role of roles) {
      test(`${path} for ${role}: ${allowed.includes(role) ? 'open' : 'closed'}`, async () => {
        const { browser, people } = company()
        browser.as(people[role])
        const response = await browser.get(path)
        assert.equal(response.status, allowed.includes(role) ? 200 : 403)
        const html = await response.text()
        if (path !== '/reassign/progress' || response.status === 403)
          assert.match(html, /^<!doctype html><html lang="en">/)
      })
    }

    test(`${path} leads to the sign-in and back without a session`, async () => {
      const response = await company().browser.get(path)
      assert.equal(response.status, 303)
      assert.equal(
        response.headers.get('location'),
        path === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(path)}`,
      )
    })
  }

  test('is checked for forms, too', async () => {
    for (const { path, allow } of routes.filter(({ verb, allow: who }) => verb === 'POST' && who !== 'anybody')) {
      for (const role of roles.filter((each) => !allow.includes(each))) {
        const { browser, people, world } = company()
        browser.as(people[role])
        assert.equal((await browser.post(path.replace(/:\w+/, '1'), {})).status, 403, `${path} as ${role}`)
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
    assert.deepEqual(await shown('popug'), ['/', '/tasks', '/account'])
    assert.deepEqual(await shown('manager'), ['/', '/tasks', '/reassign', '/account'])
    assert.deepEqual(await shown('admin'), ['/', '/tasks', '/reassign', '/account', '/people'])
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
    const { browser, people } = company()
    browser.as(people.admin)
    browser.cookies.set('ates_language', 'ru')
    for (const path of Object.keys(closedPages)) {
      assert.match(await (await browser.get(path)).text(), /[а-я]{4}/, path)
    }
  })
})
