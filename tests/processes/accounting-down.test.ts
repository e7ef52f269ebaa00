// Four processes, one for each service and one for web. Accounting is killed: what needs it says so, the rest goes on,
// and when it is back it catches up with every cent.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { freshDatabase, type TestDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'
import { Apart } from './apart.ts'
import { Visitor } from './visitor.ts'

const password = 'a parrot is not a password'

interface Account {
  readonly balanceCents: number
  readonly lines: readonly { readonly kind: string; readonly taskId: number }[]
}

describe('services in processes of their own', () => {
  let database: TestDatabase
  let apart: Apart
  let admin: Visitor
  let popug: Visitor
  let popugId: number
  before(async () => {
    database = await freshDatabase(schemas)
    apart = await Apart.start(database)
    admin = new Visitor(apart.get('web').url)
    popug = new Visitor(apart.get('web').url)
  })
  after(async () => {
    await apart[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  const account = async (): Promise<Account> => {
    const { status, body } = await popug.api('GET', `/accounting/accounts/${popugId}`)
    assert.equal(status, 200)
    return body as unknown as Account
  }
  const kinds = async () => (await account()).lines.map(({ kind, taskId }) => `${kind} ${taskId}`).toSorted()
  const accountBecomes = (wanted: readonly string[]) =>
    eventually(
      `an account with ${wanted.join(', ')}`,
      async () => (await kinds()).join() === wanted.toSorted().join(),
      15_000,
    )
  const createTask = (description: string) =>
    admin.submit('/tasks', '/tasks', { description, popugId: String(popugId) })
  const healthOfWeb = async () => (await fetch(`${apart.get('web').url}/health/ready`)).json()

  test('make the first administrator by the link that identity prints, at the address of web', async () => {
    const link = /at the address of web: (\/first-run\?token=\w+)/.exec(apart.get('identity').said)?.[1] ?? ''
    const page = await admin.submit(link, '/first-run', { name: 'Ada', email: 'ada@example.com', password })
    assert.deepEqual([page.status, page.path], [200, '/'])
    for (const name of ['task-tracker', 'accounting', 'web'] as const)
      assert.doesNotMatch(apart.get(name).said, /token/)
  })

  test('let a person join, and assign tasks to them as soon as the task tracker has heard of them', async () => {
    const invited = await admin.api('POST', '/identity/people', {
      name: 'Polly',
      email: 'polly@example.com',
      role: 'popug',
    })
    const { token, person } = invited.body as { token: string; person: { popugId: number } }
    popugId = person.popugId
    const joined = await popug.submit(`/invitation?token=${token}`, '/invitation', { password })
    assert.equal(joined.status, 200)
    await eventually('Polly on the roster', async () => {
      const { body } = await admin.api('GET', '/task-tracker/roster')
      return (body['popugs'] as unknown[]).length > 0
    })
  })

  test('charge and pay what was done elsewhere', async () => {
    assert.match((await createTask('Feed the parrots')).text, /Feed the parrots/)
    assert.match((await createTask('Clean the cage')).text, /Clean the cage/)
    assert.equal((await popug.submit('/', '/tasks/1/complete', {})).status, 200)
    await accountBecomes(['fee 1', 'fee 2', 'reward 1'])
    assert.match((await popug.page('/account')).text, /Feed the parrots/)
    assert.match((await popug.page('/')).text, /Clean the cage/)
  })

  describe('while accounting is dead', () => {
    before(() => apart.get('accounting').end('SIGKILL'))

    test('show tasks, and say what is missing', async () => {
      const mine = await popug.page('/')
      assert.equal(mine.status, 200)
      assert.match(mine.text, /Clean the cage/)
      assert.match(mine.text, /[Aa]ccounting does not answer/)
      assert.equal((await admin.page('/tasks')).status, 200)
      assert.equal((await admin.page('/people')).status, 200)
    })

    test('create, complete and reassign tasks', async () => {
      assert.match((await createTask('While accounting was away')).text, /While accounting was away/)
      assert.equal((await popug.submit('/', '/tasks/2/complete', {})).path, '/')
      assert.equal((await popug.api('POST', '/task-tracker/tasks', { description: 'By the API' })).status, 200)
      const job = await admin.api('POST', '/task-tracker/reassignments', {})
      assert.equal(job.status, 200)
      await eventually('the end of the reassignment', async () => {
        const { body } = await admin.api('GET', `/task-tracker/reassignments/${String(job.body['id'])}`)
        return body['state'] === 'done' && body['moved'] === 2
      })
    })

    test('say on the page of the account, and to its API, that nothing is lost', async () => {
      const page = await popug.page('/account')
      assert.equal(page.status, 503)
      assert.match(page.text, /Accounting does not answer, so balance, today and log are missing here/)
      assert.match(page.text, /Nothing is lost/)
      for (const [method, path] of [
        ['GET', `/accounting/accounts/${popugId}`],
        ['POST', '/accounting/prices'],
      ] as const) {
        const { status, body } = await popug.api(method, path, method === 'POST' ? { taskIds: [1] } : undefined)
        assert.deepEqual([status, body['code'], body['title']], [503, 'unavailable', 'Unavailable'])
      }
    })

    test('stay ready, and show the open breaker', async () => {
      await eventually('an open breaker', async () => {
        await popug.api('GET', `/accounting/accounts/${popugId}`)
        const { ready, troubles } = (await healthOfWeb()) as { ready: boolean; troubles: string[] }
        assert.equal(ready, true)
        return troubles.includes('calls to accounting')
      })
      const begun = performance.now()
      const pages = await Promise.all(Array.from({ length: 10 }, () => popug.page('/')))
      assert.ok(pages.every(({ status }) => status === 200))
      assert.ok(performance.now() - begun < 5_000)
    })
  })

  describe('when accounting is back', () => {
    before(() => apart.start('accounting'))

    test('catch up with everything, once', async () => {
      await eventually(
        'an answer',
        async () => (await popug.api('GET', `/accounting/accounts/${popugId}`)).status === 200,
      )
      const fees = ['fee 1', 'fee 2', 'fee 3', 'fee 3', 'fee 4', 'fee 4']
      await accountBecomes([...fees, 'reward 1', 'reward 2'])
      assert.match((await popug.page('/account')).text, /While accounting was away/)
      assert.doesNotMatch((await popug.page('/')).text, /[Aa]ccounting does not answer/)
      const { ready, troubles } = (await healthOfWeb()) as { ready: boolean; troubles: string[] }
      assert.deepEqual([ready, troubles], [true, []])
    })

    test('find no difference in the ledger', async () => {
      const { status, body } = await admin.api('GET', '/accounting/ledger/verification')
      assert.deepEqual([status, body], [200, { postings: 8, accounts: 2, upTo: 8, differences: [], differing: 0 }])
    })
  })

  test('stop in order when they are told to', async () => {
    const ends = await Promise.all([...apart.running.values()].map((one) => one.end('SIGTERM')))
    assert.deepEqual(new Set(ends), new Set([0]))
    for (const { logged, name } of apart.running.values()) assert.doesNotMatch(logged, /"level":"error"/, name)
  })
})
