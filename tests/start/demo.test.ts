// The demo as a newcomer meets it: one command makes a company with a past, and one press lets them in as anybody.
import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type Installation, install, limitMs } from './terminal.ts'

const run = (home: Installation, ...args: readonly string[]) =>
  home.npm(['run', '--silent', 'demo', '--', ...args], { ATES_DATA_DIR: dirname(home.dataDir) })

const small = ['--size', '8', '--days', '2', '--pace', '600', '--faults'] as const

const enterAs = async (url: string, role: string): Promise<string> => {
  const body = new URLSearchParams({ role, key: crypto.randomUUID() })
  const response = await fetch(`${url}/sign-in/as`, {
    method: 'POST',
    headers: { origin: url },
    body,
    redirect: 'manual',
  })
  assert.equal(response.status, 303, role)
  return response.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ')
}

test('a company with a past is at work, and anybody comes in as anybody', { timeout: 120_000 }, async () => {
  await using home = await install(undefined, 'demo')
  const demo = run(home, ...small)
  const [, url = ''] = await demo.saying(/The company is at work at (http:\S+):/)
  const page = await (await fetch(`${url}/sign-in`)).text()
  for (const role of ['popug', 'manager', 'accountant', 'admin']) {
    assert.match(page, new RegExp(`value="${role}"`))
    const cookie = await enterAs(url, role)
    const me = (await (await fetch(`${url}/api/v1/identity/me`, { headers: { cookie } })).json()) as { role: string }
    assert.equal(me.role, role)
  }
  const days = await home.query('select distinct day from accounting.posting')
  assert.ok(days.length >= 2, `${days.length} days`)
  const tasks = async () =>
    Number((await home.query<{ n: number }>('select count(*) as n from task_tracker.task'))[0]?.n)
  const before = await tasks()
  await eventually('another task', async () => (await tasks()) > before, limitMs)
  assert.equal(await demo.interrupt(), 0)

  const again = run(home, ...small)
  await again.saying(/The company is at work/)
  assert.doesNotMatch(again.out, /Hiring|Playing/, 'the company stays')
  assert.ok((await tasks()) > before)
  assert.equal(await again.interrupt(), 0)
})

test('what it is told is checked, and it listens on this machine only', async () => {
  await using home = await install(undefined, 'demo')
  for (const [args, said] of [
    [['--size', '2'], /--size must be a whole number from 6 to 1000/],
    [['--pace', 'x'], /--pace must be a whole number/],
    [['--nonsense'], /nonsense/],
  ] as const) {
    const refused = run(home, ...args)
    assert.equal(await refused.ended, 1)
    assert.match(refused.err, said)
  }
  const open = home.npm(['run', '--silent', 'demo'], { ATES_HOST: '0.0.0.0' })
  assert.equal(await open.ended, 1)
  assert.match(open.err, /listens on this machine only/)
})
