// Somebody who uses a running aTES over HTTP: comes in by the pages' forms, and then calls the public API.
import assert from 'node:assert/strict'
import { eventually } from '../support/eventually.ts'
import { limitMs } from './terminal.ts'

export interface Answer<Body> {
  readonly status: number
  readonly body: Body
}

export class Visitor {
  readonly popugId: number
  /** Changes when aTES is started again. */
  url: string
  private readonly cookie: string

  constructor(url: string, cookie: string, popugId: number) {
    this.url = url
    this.cookie = cookie
    this.popugId = popugId
  }

  async call<Body>(route: string, input?: object): Promise<Answer<Body>> {
    const [method = '', path = ''] = route.split(' ')
    const response = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: { ...this.headers, 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
      ...(input ? { body: JSON.stringify(input) } : {}),
    })
    return { status: response.status, body: (await response.json()) as Body }
  }

  get headers(): Record<string, string> {
    return { cookie: this.cookie }
  }

  /** As `call`, for what must work. */
  async get<Body>(route: string, input?: object): Promise<Body> {
    const { status, body } = await this.call<Body>(route, input)
    assert.equal(status, 200, `${route}: ${JSON.stringify(body)}`)
    return body
  }
}

/** Sends a form as its page would, and comes in. */
const enter = async (url: string, path: string, fields: Record<string, string>): Promise<Visitor> => {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { origin: url },
    body: new URLSearchParams({ ...fields, password: 'correct horse battery', key: crypto.randomUUID() }),
    redirect: 'manual',
  })
  if (response.status !== 303) throw new Error(`${path} answered ${response.status}`)
  const cookie = response.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ')
  const me = await fetch(`${url}/api/v1/identity/me`, { headers: { cookie } })
  return new Visitor(url, cookie, ((await me.json()) as { popugId: number }).popugId)
}

/** Follows the link of the first start. */
export const firstAdministrator = (link: string): Promise<Visitor> => {
  const { origin, searchParams } = new URL(link)
  const token = searchParams.get('token') ?? ''
  return enter(origin, '/first-run', { token, name: 'Adam Amazon', email: 'adam@example.com' })
}

/** Comes in by the sign-in page. */
export const signedIn = (url: string, email: string): Promise<Visitor> => enter(url, '/sign-in', { email })

export const invited = async (admin: Visitor, name: string, role: string): Promise<Visitor> => {
  const person = { name, email: `${name}@example.com`, role }
  const { token } = await admin.get<{ token: string }>('POST identity/people', person)
  return enter(admin.url, '/invitation', { token })
}

export interface Company {
  readonly admin: Visitor
  readonly manager: Visitor
  readonly popug: Visitor
}

interface Account {
  readonly balanceCents: number
  readonly lines: readonly object[]
}

export const accountOf = ({ popugId }: Visitor, asker: Visitor): Promise<Account> =>
  asker.get<Account>(`GET accounting/accounts/${popugId}`)

/** Waits until somebody's account has so many lines. */
export const untilBooked = (visitor: Visitor, lines: number): Promise<Account> =>
  eventually(
    `${lines} lines of the account`,
    async () => {
      const account = await accountOf(visitor, visitor)
      return account.lines.length === lines && account
    },
    limitMs,
  )

/** People at work, three tasks, one of them completed, and everything of it in the ledger. */
export const foundCompany = async (link: string): Promise<Company> => {
  const admin = await firstAdministrator(link)
  const manager = await invited(admin, 'Mia', 'manager')
  const popug = await invited(admin, 'Anna', 'popug')
  const roster = () => manager.get<{ popugs: readonly object[] }>('GET task-tracker/roster')
  await eventually('the popug may be drawn', async () => (await roster()).popugs.length === 1, limitMs)
  for (const description of ['Feed the parrots', 'Clean the cage', 'Count the feathers'])
    await manager.get('POST task-tracker/tasks', { description })
  await popug.get('POST task-tracker/tasks/1/complete', {})
  await untilBooked(popug, 4)
  return { admin, manager, popug }
}

/** Everything that people can see of the company's work. */
export const seenOf = async ({ admin, popug }: Company): Promise<object> => ({
  people: await admin.get('GET identity/people'),
  tasks: await admin.get('GET task-tracker/tasks'),
  account: await accountOf(popug, admin),
  ledger: await admin.get('GET accounting/ledger/verification'),
})
