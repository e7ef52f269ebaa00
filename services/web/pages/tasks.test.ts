// My tasks and all tasks through their pages, also while other services are away.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ok, refuse } from '../../../kernel/result.ts'
import { company, fieldOf, messageOf, unavailable } from '../scene.test-support.ts'
import { addPerson, addTask, priceOf, reassign } from '../web.test-support.ts'

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
      replaced: { getPrices: unavailable, getAccountInfo: unavailable, getTakenTasks: unavailable },
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

  test('say what was given and what was taken away since the last visit', async () => {
    const { browser, people, world, task } = company()
    browser.as(people.popug)
    const look = async () => (await browser.get('/')).text()
    assert.doesNotMatch(await look(), /Since your last visit/, 'a first visit has nothing to compare with')
    world.now = new Date(world.now.getTime() + 3_600_000)
    assert.doesNotMatch(await look(), /Since your last visit/, 'nothing has changed')
    reassign(world, task, people.accountant, people.manager)
    addTask(world, 'Sweep the perch', people.popug)
    const html = await look()
    assert.match(html, /Since your last visit,[^]*12:00/)
    assert.match(html, /1 task was given to you; it is marked below as new\./)
    assert.match(html, /1 task was taken away from you:[^]*#1[^]*Water the plants[^]*given to Clara Lory/)
    assert.match(html, /Sweep the perch<\/span><span class="mark">new</)
    assert.match(await (await browser.get('/mine')).text(), /Since your last visit/, 'also when it follows live')
    browser.as(people.accountant)
    assert.doesNotMatch(await look(), /Since your last visit/, 'another one is here for the first time')
    for (let i = 0; i < 7; i++)
      reassign(world, addTask(world, `Chore ${i}`, people.popug), people.accountant, people.manager)
    browser.as(people.popug)
    assert.match(await look(), /8 tasks were taken away from you:[^]*and 3 others/)
  })

  test('count what was given and taken away beyond the page, and up to a bound', async () => {
    const { browser, people, world } = company()
    browser.as(people.popug)
    const look = async (path = '/') => (await browser.get(path)).text()
    await look()
    world.now = new Date(world.now.getTime() + 3_600_000)
    for (let i = 0; i < 70; i++) {
      addTask(world, `Chore ${i}`, people.popug)
      reassign(world, addTask(world, `Gone ${i}`, people.popug), people.accountant, people.manager)
    }
    for (const path of ['/', '/?after=50'])
      assert.match(await look(path), /70 tasks were given to you[^]*70 tasks were taken away[^]*and 65 others/, path)
    for (let i = 0; i < 131; i++) {
      addTask(world, `Chore ${i}`, people.popug)
      reassign(world, addTask(world, `Gone ${i}`, people.popug), people.accountant, people.manager)
    }
    assert.match(await look(), /More than 200 tasks were given[^]*More than 200 tasks were taken away[^]*and others/)
    browser.cookies.set('ates_language', 'ru')
    assert.match(await look(), /Больше 200 новых задач для вас[^]*У вас забрали больше 200 задач/)
  })

  test('say so when it is not known how many were taken away', async () => {
    const one = { taskId: 1, at: '2026-03-14T12:30:00Z', popugId: 2, popugName: 'Clara Lory' }
    for (const [tasks, said] of [
      [[one], /At least 1 task was taken away[^]*Clara Lory/],
      [[], /Tasks may have been taken away/],
    ] as const) {
      const { browser, people, world } = company({
        replaced: { getTakenTasks: () => ok({ tasks: [...tasks], more: 'unknown' }) },
      })
      browser.as(people.popug)
      await browser.get('/')
      world.now = new Date(world.now.getTime() + 3_600_000)
      assert.match(await (await browser.get('/')).text(), said)
    }
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

  test('are those of whoever can be given none any more, who is no choice for a new one', async () => {
    const { browser, people, world } = company()
    const cora = addPerson(world, 'Cora Conure', 'popug')
    addTask(world, 'Left behind', cora)
    world.people[cora.popugId - 1] = { ...cora, active: false }
    browser.as(people.manager)
    const html = await (await browser.get('/tasks')).text()
    const choices = (field: string) => new RegExp(`<select[^>]*name="${field}"[^]*?</select>`).exec(html)?.[0] ?? ''
    assert.match(choices('assignee'), /<optgroup label="Given no tasks">.*Mia Macaw.*>Cora Conure</)
    assert.match(choices('popugId'), /Clara Lory/)
    assert.doesNotMatch(choices('popugId'), /Cora Conure|optgroup/)
    assert.match(await (await browser.get('/tasks?assignee=cora')).text(), /Left behind/)
    const unknown = await (await browser.get('/tasks?assignee=nobody')).text()
    assert.match(unknown, /Nobody is called “nobody”/)
    const refused = await (await browser.post('/tasks', { description: 'x', popugId: 'cora' })).text()
    assert.match(refused, /Nobody who can be given tasks is called “cora”/)
  })

  test('come in the order of the address, which further pages keep', async () => {
    const { browser, people, world } = company()
    browser.as(people.popug)
    for (let i = 0; i < 60; i++) addTask(world, `Count feathers ${i}`, people.accountant)
    const at = '2026-01-02T03:04:00Z'
    world.tasks[9] = { ...world.tasks[9]!, state: 'completed', completedAt: at }
    const page = async (query: string) => (await browser.get(`/tasks?${query}`)).text()
    const first = (html: string) => /<a class="number plain" href="\/tasks\/(\d+)"/.exec(html)?.[1]
    assert.equal(first(await page('order=')), '61')
    const oldest = await page('order=oldest')
    assert.equal(first(oldest), '1')
    assert.match(oldest, /<option value="oldest" selected>/)
    assert.match(oldest, /href="\/tasks\?order=oldest&amp;after=50" rel="next">Newer</)
    assert.match(await page('order=oldest&after=50'), /href="\/tasks\?order=oldest">Back to the beginning</)
    const completed = await page('order=completed')
    assert.equal(first(completed), String(world.tasks[9].taskId))
    assert.match(completed, new RegExp(`<th[^>]*>Completed</th>[^]*<time datetime="${at}"`))
    assert.match(completed, /Clear filters/)
  })

  test('say what is wrong with a filter', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    for (const query of [
      'state=lost',
      'order=random',
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

  test('are marked while they are open and their assignee is given no more', async () => {
    const { browser, people, world } = company()
    const task = world.tasks[0]!
    browser.as(people.manager)
    for (const [changed, said] of [
      [{}, null],
      [{ assigneeActive: false, assigneeAssignable: false }, /disabled; waits for the next reassignment/],
      [{ assigneeAssignable: false }, /no longer given tasks; waits for the next reassignment/],
      [{ assigneeAssignable: false, state: 'completed' as const }, null],
      // What an older task tracker says.
      [{ assigneeAssignable: undefined }, null],
      [{ assigneeActive: false, assigneeAssignable: undefined }, /disabled; waits/],
    ] as const) {
      world.tasks[0] = { ...task, ...changed }
      for (const path of ['/tasks', `/tasks/${task.taskId}`]) {
        const html = await (await browser.get(path)).text()
        if (said) assert.match(html, said, `${path} ${JSON.stringify(changed)}`)
        else assert.doesNotMatch(html, /waits for the next/, `${path} ${JSON.stringify(changed)}`)
      }
    }
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
