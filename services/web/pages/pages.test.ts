import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault, refuse } from '../../../kernel/result.ts'
import { roles, type Role } from '../../vocabulary.ts'
import { routes } from '../app.tsx'
import { company, fieldOf, messageOf } from '../scene.test-support.ts'
import { addTask, priceOf } from '../web.test-support.ts'

const unavailable = () => {
  throw new Fault('unavailable', 'down in this test')
}

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

describe('sign-in', () => {
  test('begins a session and goes where one wanted to', async () => {
    const { browser } = company()
    const form = await (await browser.get('/sign-in?next=%2Ftasks%3Fstate%3Dopen')).text()
    const response = await browser.post('/sign-in', {
      email: 'anna@example.com',
      password: 'correct horse',
      next: fieldOf(form, 'next'),
    })
    assert.equal(response.status, 303)
    assert.equal(response.headers.get('location'), '/tasks?state=open')
    assert.match(
      response.headers.getSetCookie().join('\n'),
      /ates_session=session-1; Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax/,
    )
    assert.equal(messageOf(await (await browser.get('/tasks')).text()), 'Welcome, Anna Kakadu.')
    assert.equal(messageOf(await (await browser.get('/tasks')).text()), '', 'the message is shown once')
  })

  test('never leads to another site', async () => {
    const { browser } = company()
    const response = await browser.post('/sign-in', {
      email: 'anna@example.com',
      password: 'correct horse',
      next: '//evil.test',
    })
    assert.equal(response.headers.get('location'), '/')
  })

  test('says what is wrong and keeps the address, never the password', async () => {
    const { browser } = company()
    const response = await browser.post('/sign-in', { email: 'anna@example.com', password: 'secret-guess' })
    assert.equal(response.status, 403)
    const html = await response.text()
    assert.match(html, /E-mail or password is wrong/)
    assert.match(html, /value="anna@example.com"/)
    assert.doesNotMatch(html, /secret-guess/)
    assert.equal((await browser.post('/sign-in', { email: 'nonsense', password: 'x' })).status, 422)
  })

  test('ends: here at once, at identity if it can be reached', async () => {
    for (const replaced of [{}, { signOut: unavailable }]) {
      const { browser, people } = company({ replaced })
      browser.as(people.popug)
      const response = await browser.post('/sign-out', {})
      assert.equal(response.headers.get('location'), '/sign-in')
      assert.equal(browser.cookies.has('ates_session'), false)
    }
  })
})

describe('the links of identity', () => {
  test('the first one makes an administrator, once', async () => {
    const { browser } = company()
    assert.equal((await browser.get('/first-run')).status, 404)
    const form = await (await browser.get('/first-run?token=first-token')).text()
    const fields = {
      token: fieldOf(form, 'token'),
      key: fieldOf(form, 'key'),
      name: 'Ada',
      email: 'ada@example.com',
      password: 'long enough',
    }
    const wrong = await browser.post('/first-run', { ...fields, password: 'short' })
    assert.equal(wrong.status, 422)
    assert.match(await wrong.text(), /value="ada@example.com"[\s\S]*Give 8 to 128 characters/)
    assert.equal((await browser.post('/first-run', fields)).headers.get('location'), '/')
    browser.cookies.clear()
    const again = await browser.post('/first-run', fields)
    assert.equal(again.status, 404)
    assert.match(await again.text(), /This link is not valid/)
  })

  test('an invitation shows whom it is for and signs in', async () => {
    const { browser, world, people } = company()
    world.invitations.set('token-1', people.popug.popugId)
    const html = await (await browser.get('/invitation?token=token-1')).text()
    assert.match(html, /Hello, Anna Kakadu\./)
    assert.match(html, /value="anna@example.com"/)
    assert.equal((await browser.post('/invitation', { token: 'token-1', password: 'short' })).status, 422)
    assert.equal((await browser.post('/invitation', { token: 'token-1', password: 'long enough' })).status, 303)
    for (const token of ['token-1', '', '%00', 'x'.repeat(500)])
      assert.equal((await browser.get(`/invitation?token=${token}`)).status, 404)
  })
})

describe('my tasks', () => {
  test('show fee and reward, and one press completes', async () => {
    const { browser, people, task, callsOf } = company()
    browser.as(people.popug)
    const html = await (await browser.get('/')).text()
    const { feeCents, rewardCents } = priceOf(task.taskId)
    assert.match(html, new RegExp(`−\\$${(feeCents / 100).toFixed(2)}[\\s\\S]*\\+\\$${(rewardCents / 100).toFixed(2)}`))
    const key = fieldOf(html, 'key')
    const response = await browser.post(`/tasks/${task.taskId}/complete`, { key })
    assert.equal(response.headers.get('location'), '/')
    assert.equal(callsOf('CompleteTask')[0]?.behalf.idempotencyKey, key)
    assert.equal(messageOf(await (await browser.get('/')).text()), 'Task #1 is completed. The reward is on its way.')
  })

  test('say pending where accounting has not heard of a task', async () => {
    const { browser, people } = company({ replaced: { getPrices: () => ({ ok: { prices: [] } }) } })
    browser.as(people.popug)
    assert.match(await (await browser.get('/')).text(), /pending/)
  })

  test('work without accounting and say what is missing', async () => {
    const { browser, people, task, logged } = company({
      replaced: { getPrices: unavailable, getAccountInfo: unavailable },
    })
    browser.as(people.popug)
    const response = await browser.get('/')
    assert.equal(response.status, 200)
    const html = await response.text()
    assert.match(html, /Accounting does not answer/)
    assert.match(html, /Water the plants/)
    assert.equal((await browser.post(`/tasks/${task.taskId}/complete`, {})).status, 303)
    assert.equal(
      logged.every(({ level }) => level === 'warn'),
      true,
    )
  })

  test('say who has the task now, when it was given away meanwhile', async () => {
    const { browser, people, task } = company({
      replaced: { completeTask: () => refuse('not_assignee', { assigneeName: 'Boris Ara' }) },
    })
    browser.as(people.popug)
    assert.equal((await browser.post(`/tasks/${task.taskId}/complete`, {})).status, 303)
    assert.match(messageOf(await (await browser.get('/')).text()), /Boris Ara has it/)
  })

  test('answer unknown and impossible tasks with 404', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    for (const id of ['77', '0', '-1', '2147483648', 'x', '%00', '1e3']) {
      assert.equal((await browser.post(`/tasks/${id}/complete`, {})).status, 404, id)
    }
  })
})

describe('all tasks', () => {
  test('are created, and the message says for whom', async () => {
    const { browser, people, callsOf } = company()
    browser.as(people.popug)
    const html = await (await browser.get('/tasks')).text()
    assert.doesNotMatch(html, /name="popugId"/, 'a popug does not choose the assignee')
    const key = fieldOf(html, 'key')
    const response = await browser.post('/tasks', { key, description: 'Feed\r\nthem' })
    assert.equal(response.headers.get('location'), '/tasks')
    assert.deepEqual(callsOf('CreateTask')[0]?.input, { description: 'Feed\nthem', popugId: undefined })
    assert.equal(callsOf('CreateTask')[0]?.behalf.idempotencyKey, key)
    const [after] = [await (await browser.get('/tasks')).text()]
    assert.match(messageOf(after), /^Task #2 is created\. Assigned to \w+ \w+\.$/)
    assert.notEqual(fieldOf(after, 'key'), key, 'the next form is another one')
  })

  test('are given to somebody by a manager: by number or by name', async () => {
    for (const wanted of ['2', '#2', 'clara', 'Clara Lory', 'Clara Lory #2']) {
      const { browser, people, world } = company()
      browser.as(people.manager)
      await browser.post('/tasks', { description: 'Count', popugId: wanted })
      assert.equal(world.tasks[0]?.assigneeName, 'Clara Lory', wanted)
    }
  })

  test('show the form again with what was wrong', async () => {
    const { browser, people, callsOf } = company()
    browser.as(people.manager)
    const cases: [Record<string, string>, number, RegExp][] = [
      [{ description: '   ' }, 422, /aria-invalid="true"[\s\S]*Write 1 to 2,000 characters/],
      [{ description: 'a\0b' }, 422, /Write 1 to 2,000 characters/],
      [{ description: 'x', popugId: 'nobody' }, 422, /Nobody who can be given tasks is called “nobody”/],
      [{ description: 'Kept', popugId: '#77' }, 409, />Kept<\/textarea>/],
    ]
    for (const [fields, status, shown] of cases) {
      const response = await browser.post('/tasks', { key: 'the-first-key', ...fields })
      assert.equal(response.status, status)
      const html = await response.text()
      assert.match(html, shown)
      assert.equal(fieldOf(html, 'key'), 'the-first-key', 'nothing has happened, so it still is the same form')
    }
    assert.equal(callsOf('CreateTask').length, 1)
  })

  test('take a form that was sent before with other content for a new one', async () => {
    const { browser, people } = company({ replaced: { createTask: () => refuse('key_reused') } })
    browser.as(people.popug)
    const html = await (await browser.post('/tasks', { key: 'the-first-key', description: 'Other' })).text()
    assert.match(html, />Other<\/textarea>/)
    assert.notEqual(fieldOf(html, 'key'), 'the-first-key')
  })

  test('are filtered by the address, and the next page keeps the filter', async () => {
    const { browser, people, world } = company()
    browser.as(people.popug)
    for (let i = 0; i < 60; i++) addTask(world, `Count feathers ${i}`, people.accountant)
    const html = await (await browser.get('/tasks?state=open&assignee=2&text=feathers')).text()
    assert.doesNotMatch(html, /Water the plants/)
    assert.match(html, /href="\/tasks\?state=open&amp;assignee=2&amp;text=feathers&amp;after=50" rel="next"/)
    const next = await (await browser.get('/tasks?state=open&assignee=2&text=feathers&after=50')).text()
    assert.match(next, /href="\/tasks\?state=open&amp;assignee=2&amp;text=feathers">Back to the newest/)
  })

  test('say what is wrong with a filter', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    for (const query of [
      'state=lost',
      'assignee=nobody',
      'assignee=%00',
      `text=${'x'.repeat(201)}`,
      'text=%00',
      'after=*',
    ]) {
      assert.equal((await browser.get(`/tasks?${query}`)).status, 422, query)
    }
    assert.equal((await browser.get('/tasks?text=%ff')).status, 400)
  })

  test('show markup as text', async () => {
    const { browser, people, world } = company()
    addTask(world, '<script>alert(1)</script> & "quoted"', people.popug)
    browser.as(people.popug)
    const html = await (await browser.get('/tasks?text=%3Cscript%3E')).text()
    assert.doesNotMatch(html, /<script>alert/)
    assert.match(html, /&lt;script>alert\(1\)&lt;\/script> &amp; &quot;quoted/)
  })
})

describe('my account', () => {
  test('explains each line: task, reason, event, balance', async () => {
    const { browser, people, task } = company()
    browser.as(people.popug)
    await browser.post(`/tasks/${task.taskId}/complete`, {})
    const text = (await (await browser.get('/account')).text()).replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')
    const { feeCents, rewardCents } = priceOf(task.taskId)
    const money = (cents: number) => `\\$${(cents / 100).toFixed(2)}`
    assert.match(text, /Today, Saturday 14 March/)
    assert.match(
      text,
      new RegExp(
        `Reward for completion #1 Water the plants task-tracker #\\d+ paid into your account \\+${money(rewardCents)}`,
      ),
    )
    assert.match(
      text,
      new RegExp(
        `Fee for assignment 1 #1 Water the plants task-tracker #\\d+ paid out of your account −${money(feeCents)}`,
      ),
    )
  })

  test('shows numbers where the task tracker does not answer', async () => {
    const { browser, people } = company({ replaced: { describeTasks: unavailable, getTasks: unavailable } })
    browser.as(people.popug)
    const response = await browser.get('/account')
    assert.equal(response.status, 200)
    assert.match(await response.text(), /shown by number only[\s\S]*#1/)
  })

  test('says what is still on the way', async () => {
    const { browser, people, world } = company()
    browser.as(people.popug)
    world.lines.clear()
    assert.match(
      await (await browser.get('/account')).text(),
      /On the way[\s\S]*1 entry is still on the way[\s\S]*Water the plants/,
    )
  })

  test('is an error page that can be tried again, when accounting does not answer', async () => {
    const { browser, people, logged } = company({ replaced: { getAccountInfo: unavailable } })
    browser.as(people.popug)
    const response = await browser.get('/account', { 'x-request-id': 'reference-77' })
    assert.equal(response.status, 503)
    assert.match(await response.text(), /reference-77/)
    assert.equal(logged.at(-1)?.level, 'warn')
  })
})

describe('reassign', () => {
  test('asks first, starts with a key, and shows progress that asks for itself', async () => {
    const { browser, people, callsOf } = company()
    browser.as(people.manager)
    assert.match(await (await browser.get('/reassign')).text(), /href="\/reassign\/confirm"/)
    const key = fieldOf(await (await browser.get('/reassign/confirm')).text(), 'key')
    assert.equal((await browser.post('/reassign', { key })).headers.get('location'), '/reassign')
    assert.equal(callsOf('AssignTasks')[0]?.behalf.idempotencyKey, key)
    const html = await (await browser.get('/reassign')).text()
    assert.match(html, /<progress[^>]*max="1"[^>]*value="0"/)
    assert.match(html, /hx-get="\/reassign\/progress"/)
    const part = await (await browser.get('/reassign/progress', { 'hx-request': 'true' })).text()
    assert.match(part, /^<div id="progress"/)
  })

  test('is cancelled, and then asks for itself no more', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    await browser.post('/reassign', {})
    await browser.post('/reassign/1/cancel', {})
    assert.match(messageOf(await (await browser.get('/reassign')).text()), /being stopped/)
    assert.doesNotMatch(await (await browser.get('/reassign')).text(), /hx-get/)
    await browser.post('/reassign/1/cancel', {})
    assert.match(messageOf(await (await browser.get('/reassign')).text()), /already ended/)
    assert.equal((await browser.post('/reassign/77/cancel', {})).status, 404)
  })
})

describe('people', () => {
  test('are added, and the link is shown once', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    await browser.post('/people', { name: 'Olga', email: 'olga@example.com', role: 'popug' })
    const html = await (await browser.get('/people')).text()
    assert.match(html, /value="http:\/\/ates\.test\/invitation\?token=invitation-5-0"/)
    assert.doesNotMatch(await (await browser.get('/people')).text(), /invitation-5/)
  })

  test('are not added with mistakes', async () => {
    const { browser, people, callsOf } = company()
    browser.as(people.admin)
    const right = { name: 'Olga', email: 'olga@example.com', role: 'popug' }
    for (const wrong of [{ name: ' ' }, { email: 'olga' }, { role: 'king' }]) {
      const response = await browser.post('/people', { ...right, ...wrong })
      assert.equal(response.status, 422)
      assert.match(await response.text(), /aria-invalid="true"/)
    }
    assert.equal(callsOf('InvitePerson').length, 0)
    const taken = await browser.post('/people', { ...right, email: 'ANNA@example.com' })
    assert.equal(taken.status, 409)
    assert.match(await taken.text(), /already here/)
  })

  test('get another role, and the next request of theirs knows it', async () => {
    const { browser, people, app } = company()
    browser.as(people.popug)
    assert.equal((await browser.get('/reassign')).status, 403)
    browser.as(people.admin)
    await browser.post(`/people/${people.popug.popugId}/role`, { role: 'manager' })
    assert.equal(messageOf(await (await browser.get('/people')).text()), 'Anna Kakadu is now manager.')
    browser.as(people.popug)
    assert.equal((await browser.get('/reassign')).status, 200)
    assert.ok(app)
  })

  test('are disabled at once, and enabled again', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    await browser.get('/')
    browser.as(people.admin)
    await browser.post(`/people/${people.popug.popugId}/active?text=anna`, { active: 'false' })
    browser.as(people.popug)
    assert.equal((await browser.get('/')).headers.get('location'), '/sign-in')
    browser.as(people.admin)
    const response = await browser.post(`/people/${people.popug.popugId}/active?text=anna`, { active: 'true' })
    assert.equal(response.headers.get('location'), '/people?text=anna')
    browser.as(people.popug)
    assert.equal((await browser.get('/')).status, 200)
  })

  test('keep their last administrator', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    await browser.post(`/people/${people.admin.popugId}/role`, { role: 'popug' })
    assert.match(messageOf(await (await browser.get('/people')).text()), /last active administrator/)
  })

  test('get a new link', async () => {
    const { browser, people } = company()
    browser.as(people.admin)
    await browser.post(`/people/${people.popug.popugId}/invitation`, {})
    assert.match(
      await (await browser.get('/people')).text(),
      /Invitation link for Anna Kakadu[\s\S]*token=invitation-1-0/,
    )
  })
})

describe('when a service fails', () => {
  test('the form is kept, with its key, and can be sent again', async () => {
    for (const kind of ['unavailable', 'deadline', 'outcome_unknown'] as const) {
      const { browser, people } = company({
        replaced: {
          createTask: () => {
            throw new Fault(kind, 'down in this test')
          },
        },
      })
      browser.as(people.popug)
      const response = await browser.post('/tasks', { key: 'the-first-key', description: 'Line <b>one</b>' })
      assert.equal(response.status, 503)
      const html = await response.text()
      assert.match(html, /action="\/tasks"/)
      assert.equal(fieldOf(html, 'key'), 'the-first-key')
      assert.match(html, /name="description" value="Line &lt;b>one&lt;\/b>"/)
    }
  })

  test('a password is not written into the page', async () => {
    const { browser } = company({ replaced: { signIn: unavailable } })
    const html = await (await browser.post('/sign-in', { email: 'anna@example.com', password: 'very-secret' })).text()
    assert.doesNotMatch(html, /very-secret/)
    assert.match(html, /type="password"/)
    assert.match(html, /value="anna@example.com"/)
  })

  test('a bug is a page with a number, and the log has the cause', async () => {
    const { browser, people, logged } = company({
      replaced: {
        getTasks: () => {
          throw new TypeError('a bug in this test')
        },
      },
    })
    browser.as(people.popug)
    const response = await browser.get('/tasks')
    assert.equal(response.status, 500)
    const id = response.headers.get('x-request-id')
    const html = await response.text()
    assert.ok(id && html.includes(id))
    assert.doesNotMatch(html, /a bug in this test/)
    assert.match(
      JSON.stringify(logged.map(({ level, fields }) => ({ level, ...fields }))),
      new RegExp(`"error".*${id}`),
    )
  })

  test('identity being away is a page, too', async () => {
    const { browser, people } = company({ replaced: { getSession: unavailable } })
    browser.as(people.popug)
    const response = await browser.get('/')
    assert.equal(response.status, 503)
    assert.match(await response.text(), /does not answer/)
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
