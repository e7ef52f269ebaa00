// Real people with sessions of their own, who reach aTES through its pages and its public API.
import type { CommandName, Learned } from './audit.ts'
import type { Person } from './clients.ts'
import type { Order } from './journal.ts'

const password = 'a password of real people'

/** Sends a form as a browser does and gives the cookies that come back. */
const sendForm = async (url: string, path: string, fields: Readonly<Record<string, string>>): Promise<string> => {
  const body = new URLSearchParams({ ...fields, key: crypto.randomUUID() })
  const response = await fetch(`${url}${path}`, { method: 'POST', headers: { origin: url }, body, redirect: 'manual' })
  if (response.status !== 303) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0])
  return cookies.join('; ')
}

const answerLimitMs = 8_000

/** Of identity, the task tracker, accounting and operations. */
const adminsPages = ['/people', '/tasks', '/api/v1/accounting/ledger/verification', '/operations']

const ask = async (url: string, cookie: string, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${url}/api/v1/${path}`, {
    ...init,
    headers: { cookie, 'content-type': 'application/json', ...(init.headers as Record<string, string>) },
    signal: AbortSignal.timeout(answerLimitMs),
  })

type Body = Record<string, unknown>

/** How a command is said in HTTP. */
const requests: Readonly<Partial<Record<CommandName, (input: Order['input']) => { path: string; body: object }>>> = {
  CreateTask: (input) => ({ path: 'task-tracker/tasks', body: input }),
  CompleteTask: ({ taskId }) => ({ path: `task-tracker/tasks/${String(taskId)}/complete`, body: {} }),
  AssignTasks: () => ({ path: 'task-tracker/reassignments', body: {} }),
}

export class CrowdPeople {
  readonly people: Person[] = []
  private readonly cookies = new Map<number, string>()
  private readonly urlNow: () => string
  private admin = ''

  constructor(urlNow: () => string) {
    this.urlNow = urlNow
  }

  /** Uses the one-time link. */
  async beginWith(firstRun: string): Promise<void> {
    const token = new URL(firstRun).searchParams.get('token') ?? ''
    const who = { name: 'Admin', email: 'admin@example.com', password }
    this.admin = await sendForm(this.urlNow(), '/first-run', { token, ...who })
  }

  async invite(role: string): Promise<void> {
    const name = `${role} ${this.people.length + 1}`
    const email = `${name.replaceAll(' ', '-')}@example.com`
    const body = JSON.stringify({ name, email, role })
    const response = await ask(this.urlNow(), this.admin, 'identity/people', { method: 'POST', body })
    const { person, token } = (await response.json()) as { person: { popugId: number }; token: string }
    this.cookies.set(person.popugId, await sendForm(this.urlNow(), '/invitation', { token, password }))
    this.people.push({ id: person.popugId, role })
  }

  /** Sends a command with its key, as the person who gives it. */
  async send({ request, command, actor, input }: Order): Promise<Learned> {
    const { path, body } = requests[command]?.(input) ?? { path: '', body: {} }
    const headers = { 'idempotency-key': request, 'x-request-id': request }
    try {
      const init = { method: 'POST', headers, body: JSON.stringify(body) }
      const response = await ask(this.urlNow(), this.cookies.get(actor) ?? '', path, init)
      return learnedFrom(response.status, (await response.json()) as Body)
    } catch (error) {
      return { unknown: String(error) }
    }
  }

  /** The pages that an administrator sees, each made of what other services answer: whether all of them do. */
  async look(): Promise<boolean> {
    const sees = async (path: string) => {
      const init = { headers: { cookie: this.admin }, signal: AbortSignal.timeout(answerLimitMs) }
      const response = await fetch(`${this.urlNow()}${path}`, init)
      await response.text()
      return response.status === 200
    }
    const seen = await Promise.all(adminsPages.map((path) => sees(path).catch(() => false)))
    return seen.every(Boolean)
  }

  /** What the ledger finds wrong with itself. */
  async verifyLedger(): Promise<{ readonly postings: number; readonly differences: readonly unknown[] }> {
    const response = await ask(this.urlNow(), this.admin, 'accounting/ledger/verification')
    return (await response.json()) as { postings: number; differences: unknown[] }
  }
}

const learnedFrom = (status: number, body: Body): Learned => {
  if (status === 200) return { acknowledged: body }
  const { code, ...detail } = body
  if (status >= 500 || code === 'key_in_progress') return { unknown: `${status} ${String(code)}` }
  return { refused: String(code), detail }
}
