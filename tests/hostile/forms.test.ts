// Hostile forms to every address that takes one, and hostile queries to every page, by everybody: never a fault, and
// nothing changes.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { betterAuth } from 'better-auth'
import { libraryOptions } from '../../adapters/sign-in/better-auth.ts'
import { must } from '../../kernel/result.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { type Role, roles } from '../../services/vocabulary.ts'
import { routes } from '../../services/web/app.tsx'
import { type Running, startRunning } from '../support/application.ts'
import { sendRaw } from '../support/raw.ts'
import { freshDatabase, type TestDatabase } from '../support/server.ts'
import { as, schemas } from '../support/system.ts'
import { contents } from './untouched.ts'

type Who = Role | 'nobody'
const everyone: readonly Who[] = [...roles, 'nobody']

interface Form {
  readonly what: string
  readonly body: string | Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
}

const type = 'application/x-www-form-urlencoded'
const key = 'key=01234567-89ab-cdef-0123-456789abcdef'

/** What no browser sends: each must be refused, whatever the address does. */
const broken: readonly Form[] = [
  { what: 'an escape cut off', body: `${key}&description=%` },
  { what: 'an escape that is none', body: `${key}&description=%zz` },
  { what: 'escapes that are not UTF-8', body: `${key}&description=%ff%fe` },
  { what: 'an overlong escape', body: `${key}&description=%c0%80` },
  { what: 'an escaped surrogate', body: `${key}&description=%ed%a0%80` },
  { what: 'bytes that are not UTF-8', body: new Uint8Array([0x61, 0x3d, 0xff]) },
  { what: 'a thousand fields', body: `${key}&${'a=b&'.repeat(1_000)}` },
  { what: 'a hundred kilobytes', body: `${key}&description=${'x'.repeat(100_000)}` },
  { what: 'JSON', body: '{"description":"x"}', headers: { 'content-type': 'application/json' } },
  { what: 'a text', body: 'description=x', headers: { 'content-type': 'text/plain' } },
  { what: 'no type', body: new TextEncoder().encode('description=x'), headers: { 'content-type': '' } },
  { what: 'parts', body: '--x\r\n\r\n--x--', headers: { 'content-type': 'multipart/form-data; boundary=x' } },
  { what: 'a type that only begins right', body: 'a=b', headers: { 'content-type': `${type}x` } },
  { what: 'another origin', body: key, headers: { origin: 'https://evil.example' } },
  { what: 'no origin that can be named', body: key, headers: { origin: 'null' } },
  { what: 'a foreign site', body: key, headers: { origin: '', 'sec-fetch-site': 'cross-site' } },
]

const wrongFields = [
  'name',
  'email',
  'role',
  'description',
  'popugId',
  'token',
  'password',
  'active',
  'language',
  'theme',
  'next',
]
const everywhere = (value: string) => [key, ...wrongFields.map((name) => `${name}=${value}`)].join('&')

/** Sent by one only: it is refused before anybody is asked for. */
const huge: Form = { what: 'ten megabytes', body: new Uint8Array(10 * 1024 * 1024).fill(0x61) }

/** Addresses that browsers, or parsers of addresses, could take for another site's. */
const elsewhere = [
  '//evil.example',
  'https://evil.example',
  '/\\evil.example',
  '/.//evil.example',
  '/a/..//evil.example',
  '/%2e//evil.example',
  '/./\\evil.example',
  '/\t/evil.example',
  'javascript:alert(1)',
  '/\r\nSet-Cookie: b=c',
]

/** Whether an answer sends the browser to another site. */
const leadsAway = ({ headers }: Response): boolean => {
  const location = headers.get('location')
  return location !== null && new URL(location, 'http://here.test').host !== 'here.test'
}

/** Forms as browsers send them, with nothing right in them. */
const wrong: readonly Form[] = [
  { what: 'nothing', body: '' },
  { what: 'only a key', body: key },
  { what: 'separators', body: '&&&=&=&&' },
  { what: 'empty fields', body: everywhere('') },
  { what: 'NUL', body: everywhere('%00') },
  { what: 'blanks', body: everywhere('+%20%09%0a') },
  { what: 'very long fields', body: everywhere('x'.repeat(5_000)) },
  { what: 'markup', body: everywhere('%3Cscript%3Ealert(1)%3C%2Fscript%3E%00') },
  { what: 'SQL', body: everywhere('%27%3B+drop+table+task%3B--%00') },
  { what: 'new lines as in headers', body: everywhere('a%0d%0aSet-Cookie%3A+b%3Dc%00') },
  { what: 'numbers out of range', body: everywhere('99999999999999999999%00') },
  { what: 'each field twice', body: `${everywhere('%00')}&${everywhere('%00')}` },
  { what: 'names of prototypes', body: `${key}&__proto__=1&constructor=2&toString=3&hasOwnProperty=4` },
  { what: 'a key that is none', body: 'key=%00%0d%0a' },
  { what: 'a key too long', body: `key=${'x'.repeat(1_000)}` },
  ...elsewhere.map((next) => ({
    what: `${next} to go on to`,
    body: `${key}&language=en&next=${encodeURIComponent(next)}&back=${encodeURIComponent(next)}`,
  })),
]

/** These need nothing, so that any form of a browser is right for them. */
const needNothing = new Set(['/sign-out', '/reassign'])

const partsOf = [
  '2147483647',
  '0',
  '-1',
  '1.5',
  '1e3',
  'x',
  '%00',
  '%ff',
  '%2e%2e',
  '%2F',
  '99999999999999999999',
  '__proto__',
  "'",
]

const queries = [
  '?after=%21%21&limit=0',
  '?after=AAAA',
  '?after=W251bGxd',
  `?after=${'x'.repeat(5_000)}`,
  '?state=evil&assignee=x&text=%00',
  '?assignee=99999999999999999999',
  '?assignee=1.5&state=open&state=completed',
  '?text=%25_%5C',
  '?text=%ed%a0%80',
  '?text=%ff',
  '?%',
  '?=&&=',
  `?${'a=b&'.repeat(1_000)}`,
  `?text=${'x'.repeat(2_000)}`,
  '?token=%00',
  `?token=${'x'.repeat(500)}`,
  '?next=//evil.example',
  '?next=https://evil.example&next=/%0d%0aSet-Cookie:a=b',
  '?__proto__=1&constructor=1',
]

const cookies = [
  'ates_session=%',
  'ates_session=%00',
  'ates_flash=AAAA',
  'ates_flash=eyJpcyI6Il9fcHJvdG9fXyJ9',
  'ates_flash=bnVsbA',
  'ates_language=xx',
  'ates_theme=__proto__',
  `ates_flash=${'x'.repeat(7_000)}`,
  '=;;;=;a',
  'ates_language=ru; ates_language=en',
]

interface Endpoint {
  readonly verb: string
  readonly path: string
}

/** What the sign-in library would answer if it were asked by HTTP: all of it, on or off. */
const libraryEndpoints = async (database: TestDatabase): Promise<Endpoint[]> => {
  const { kysely } = database.open('identity')
  const secretKey = 'a secret for tests of more than 32 characters'
  const { api } = betterAuth(libraryOptions({ kysely, schema: 'identity', secret: secretKey, now: () => new Date() }))
  const known = Object.values(api) as { path?: string; options?: { method?: string | string[] } }[]
  return known.flatMap(({ path, options }) =>
    path ? [options?.method ?? 'GET'].flat().map((verb) => ({ verb, path: path.replaceAll(/:\w+/g, 'x') })) : [],
  )
}

describe('the web application', () => {
  let database: TestDatabase
  let running: Running
  let untouched: Record<string, string>
  before(async () => {
    database = await freshDatabase(schemas)
    running = await startRunning({ database })
    const { host } = running.application
    const { manager, popug } = running.members
    must(await host.call(taskTracker.createTask, { description: 'Here already', popugId: popug.id }, as(manager)))
    await host.settle()
    untouched = await contents(database)
  })
  after(async () => {
    await running[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  const cookieOf = (who: Who) => (who === 'nobody' ? '' : running.members[who].cookie)
  const send = async (who: Who, path: string, { body, headers = {} }: Omit<Form, 'what'>) => {
    const given = { origin: running.url, 'content-type': type, cookie: cookieOf(who), ...headers }
    const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
    const response = await fetch(`${running.url}${path}`, {
      method: 'POST',
      headers: present,
      body,
      redirect: 'manual',
    })
    await response.arrayBuffer()
    return response
  }
  const paths = (part: string) =>
    routes.filter(({ verb }) => verb === 'POST').map(({ path }) => path.replaceAll(/:\w+/g, part))

  /** Everything by an administrator, who gets furthest; by each of the others, in turn, every so many. */
  const shareOf = <T>(all: readonly T[], who: Who): readonly T[] =>
    who === 'admin' ? all : all.filter((_one, index) => index % 8 === everyone.indexOf(who))

  /** Sends them by everybody and gives what must not have come back. */
  const faults = async (
    forms: (who: Who) => readonly Form[],
    addresses: readonly string[],
    isFault: (response: Response) => boolean,
    senders = everyone,
  ) => {
    const found: string[] = []
    for (const path of addresses) {
      for (const who of senders) {
        const answers = await Promise.all(
          forms(who).map(async (form) => [form.what, await send(who, path, form)] as const),
        )
        for (const [what, response] of answers) {
          if (isFault(response)) found.push(`${who} sends ${path} ${what}: ${response.status}`)
        }
      }
    }
    return found
  }

  test('has forms to be attacked', () => assert.ok(paths('1').length >= 10, paths('1').join()))

  test('refuses what no browser sends', async () => {
    const isFault = ({ status, headers }: Response) => {
      const toSignIn = status === 303 && headers.get('location')?.startsWith('/sign-in')
      return (status < 400 && !toSignIn) || status >= 500
    }
    assert.deepEqual(await faults((who) => shareOf(broken, who), paths('2147483647'), isFault), [])
    assert.deepEqual(
      await faults(
        () => [huge],
        paths('2147483647'),
        ({ status }) => status !== 413,
        ['admin'],
      ),
      [],
    )
  })

  test('takes forms with nothing right in them for what they are', async () => {
    const addresses = paths('2147483647').filter((path) => !needNothing.has(path))
    const isFault = (response: Response) => response.status >= 500 || response.headers.has('b') || leadsAway(response)
    assert.deepEqual(await faults((who) => shareOf(wrong, who), addresses, isFault), [])
  })

  test('sends nobody to another site who is signed in already', async () => {
    for (const next of elsewhere) {
      const path = `/sign-in?next=${encodeURIComponent(next)}`
      const response = await fetch(`${running.url}${path}`, {
        headers: { cookie: cookieOf('popug') },
        redirect: 'manual',
      })
      assert.equal(response.status, 303)
      assert.ok(!leadsAway(response), `${next} leads to ${response.headers.get('location')}`)
    }
  })

  test('finds nothing at numbers that are none', async () => {
    const ofOne = routes.filter(({ verb, path }) => verb === 'POST' && path.includes(':'))
    const addresses = ofOne.flatMap(({ path }) => partsOf.map((part) => path.replaceAll(/:\w+/g, part)))
    const form = { what: 'a number that is none', body: `${key}&role=popug&active=true` }
    for (const who of everyone) {
      const found = await faults(
        () => [form],
        shareOf(addresses, who),
        ({ status }) => status >= 500,
        [who],
      )
      assert.deepEqual(found, [])
    }
  })

  test('shows pages for any query and any cookie', async () => {
    const pages = routes.filter(({ verb, path }) => verb === 'GET' && !path.includes(':')).map(({ path }) => path)
    assert.ok(pages.length >= 8)
    const found: string[] = []
    for (const path of [...pages, '/nowhere', '/assets/../main.ts', '/assets/%2e%2e%2fmain.ts', '/%ff', '//']) {
      for (const who of everyone) {
        const all = [
          ...queries.map((query) => ({ path: `${path}${query}`, headers: { cookie: cookieOf(who) } })),
          ...cookies.map((cookie) => ({ path, headers: { cookie: `${cookieOf(who)}; ${cookie}` } })),
        ]
        const asked = shareOf(all, who)
        const answers = await Promise.all(asked.map((one) => sendRaw(running.url, one.path, one)))
        answers.forEach(({ status, body }, index) => {
          if (status >= 500 || body.includes('startApplication'))
            found.push(`${who} ${asked[index]?.path.slice(0, 80)}: ${status}`)
        })
      }
    }
    assert.deepEqual(found, [])
  })

  test('has none of the addresses that its sign-in library would answer', async () => {
    const endpoints = await libraryEndpoints(database)
    assert.ok(endpoints.length >= 20, `${endpoints.length} endpoints`)
    const found: string[] = []
    for (const { verb, path } of endpoints) {
      for (const base of ['/api/auth', '/auth', '/api']) {
        const headers = { origin: running.url, cookie: cookieOf('popug'), 'content-type': 'application/json' }
        const { status } = await sendRaw(running.url, `${base}${path}`, {
          method: verb,
          headers,
          ...(verb === 'GET' ? {} : { body: '{}' }),
        })
        if (status !== 404) found.push(`${verb} ${base}${path}: ${status}`)
      }
    }
    assert.deepEqual(found, [])
  })

  test('counts guesses by the connection they come by, whatever address they claim', async () => {
    const guess = async (number: number) => {
      const body = `email=popug%40example.com&password=guess-${number}`
      const claims = [`203.0.113.${number}`, `203.0.113.${number}, 127.0.0.1`, `10.0.0.${number}, 203.0.113.${number}`]
      const headers = { 'x-forwarded-for': claims[number % 3] ?? '', 'x-real-ip': `203.0.113.${number}` }
      return (await send('nobody', '/sign-in', { body, headers })).status
    }
    const statuses: number[] = []
    for (let number = 1; number <= 7; number += 1) statuses.push(await guess(number))
    assert.deepEqual(statuses, [403, 403, 403, 403, 403, 429, 429])
  })

  test('has changed nothing by all that', async () => {
    await running.application.host.settle()
    assert.deepEqual(await contents(database), untouched)
  })

  test('still does what it is for', async () => {
    const fields = new URLSearchParams({ key: crypto.randomUUID(), description: 'After all that' })
    const created = await send('manager', '/tasks', { body: fields.toString() })
    assert.deepEqual([created.status, created.headers.get('location')], [303, '/tasks'])
    const { status, body } = await sendRaw(running.url, '/tasks', { headers: { cookie: cookieOf('popug') } })
    assert.equal(status, 200)
    assert.match(body, /After all that/)
    assert.deepEqual(await running.application.host.health(), { ready: true, troubles: {} })
  })
})
