// Every page of a small company and of a big one, side by side in one process, asked for over HTTP in turn: how much
// longer the big one's takes. `node --import ./runtime.js bench/pages.ts [--tasks N] [--people N] [--rounds N]
// [--data DIR] [--only TEXT]`; with --data the companies are kept there, and used again by the next run.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { jsonLog } from '../adapters/log.ts'
import { startApplication } from '../application.ts'
import { readConfig } from '../config.ts'
import { pageMarkOf } from '../kernel/page.ts'
import { signedIn, type Visitor } from '../tests/start/visitor.ts'
import { adminEmail, busyEmail, busyId, type Company, companyClock, fill, type Size } from './company.ts'
import { machine, percentile, say } from './measure.ts'

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '1000000' },
    people: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '200' },
    data: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})
const rounds = Number(values.rounds)
const warmUp = 10
const goal = 1.3

const small: Size = { tasks: 20_000, people: 2_000, records: 100 }
const big: Size = { tasks: Number(values.tasks), people: Number(values.people), records: 20_000 }

interface Side {
  readonly company: Company
  readonly size: Size
  readonly admin: Visitor
  readonly busy: Visitor
}

interface Page {
  readonly name: string
  readonly path: (size: Size) => string
  /** Seen by the popug with the most tasks instead of by an administrator. */
  readonly own?: true
  /** Not the page itself, but the one after it. */
  readonly next?: true
}

const middle = ({ tasks }: Size): number => Math.floor(tasks / 2)
const at = (path: string) => () => path
const list = (query: string) => at(`/tasks?${query}`)

const pages: readonly Page[] = [
  { name: 'my tasks', path: at('/'), own: true },
  { name: 'my tasks, next page', path: at('/'), own: true, next: true },
  { name: 'all tasks', path: at('/tasks') },
  { name: 'all tasks, from the middle', path: (size) => `/tasks?after=${pageMarkOf(middle(size))}` },
  { name: 'all tasks, oldest first', path: list('order=oldest') },
  {
    name: 'all tasks, oldest first, from the middle',
    path: (size) => `/tasks?order=oldest&after=${pageMarkOf(middle(size))}`,
  },
  { name: 'all tasks, by completion', path: list('order=completed') },
  { name: 'all tasks, by completion, next page', path: list('order=completed'), next: true },
  { name: 'open tasks', path: list('state=open') },
  { name: 'open tasks, from the middle', path: (size) => `/tasks?state=open&after=${pageMarkOf(middle(size))}` },
  { name: 'open tasks, oldest first', path: list('state=open&order=oldest') },
  { name: 'completed tasks', path: list('state=completed') },
  { name: 'completed tasks, oldest first', path: list('state=completed&order=oldest') },
  { name: 'tasks of one popug', path: list(`assignee=${busyId}`) },
  { name: 'tasks of one popug, oldest first', path: list(`assignee=${busyId}&order=oldest`) },
  { name: 'tasks of one popug, by completion', path: list(`assignee=${busyId}&order=completed`) },
  { name: 'open tasks of one popug', path: list(`assignee=${busyId}&state=open`) },
  { name: 'completed tasks of one popug', path: list(`assignee=${busyId}&state=completed`) },
  { name: 'tasks of somebody by name', path: list('assignee=Anna') },
  { name: 'tasks with a text of 1 in 40', path: list('text=left+wing') },
  { name: 'tasks with a text of 1 in 40, oldest first', path: list('text=left+wing&order=oldest') },
  { name: 'tasks with a text of 1 in 40, by completion', path: list('text=left+wing&order=completed') },
  { name: 'open tasks with a text of 1 in 40', path: list('text=left+wing&state=open') },
  { name: 'completed tasks with a text of 1 in 40', path: list('text=left+wing&state=completed') },
  {
    name: 'tasks with a text of 1 in 40, from the middle',
    path: (size) => `/tasks?text=left+wing&after=${pageMarkOf(middle(size))}`,
  },
  { name: 'tasks with a text of 1 in 100', path: list('text=flight+77%2C') },
  { name: 'tasks with a text of the first 60', path: list('text=founding') },
  { name: 'tasks with a text of one', path: ({ tasks }) => `/tasks?text=order+${tasks - 7}` },
  { name: 'tasks with a text of none', path: list('text=xylophone+quartet') },
  { name: 'tasks of one popug with a text', path: list(`assignee=${busyId}&text=left+wing`) },
  { name: 'a task', path: (size) => `/tasks/${middle(size)}` },
  { name: 'reassign, with its history', path: at('/reassign') },
  { name: 'reassign, history, next page', path: at('/reassign'), next: true },
  { name: 'reassign, preview', path: at('/reassign/confirm') },
  { name: 'my account, long', path: at('/account'), own: true },
  { name: 'my account, next page', path: at('/account'), own: true, next: true },
  { name: 'my account, at a line in its middle', path: ({ tasks }) => `/account?line=${tasks}`, own: true },
  { name: 'accounts', path: at('/accounts') },
  { name: 'accounts, next page', path: at('/accounts'), next: true },
  { name: 'accounts, a frequent name', path: at('/accounts?text=cockatoo') },
  {
    name: 'accounts, a name of one',
    path: ({ people }) => `/accounts?text=quentin+ringneck+${Math.floor(people / 30)}`,
  },
  { name: 'accounts, a name of none', path: at('/accounts?text=xylophone') },
  { name: 'accounts, by number', path: at('/accounts?text=%2377') },
  { name: 'an account', path: at(`/accounts/${busyId}`) },
  { name: 'people', path: at('/people') },
  { name: 'people, next page', path: at('/people'), next: true },
  { name: 'people, a frequent name', path: at('/people?text=cockatoo') },
  { name: 'people, one address', path: ({ people }) => `/people?text=popug-${people - 3}%40` },
  { name: 'people, a name of none', path: at('/people?text=xylophone') },
  { name: 'security log', path: at('/people/security') },
  { name: 'security log, next page', path: at('/people/security'), next: true },
  { name: 'security log of one person', path: at('/people/security?popugId=77') },
  { name: 'operations', path: at('/operations') },
  { name: 'operations, a consumer', path: at('/operations/consumers/accounting/ledger') },
  { name: 'operations, acts', path: at('/operations/acts') },
  { name: 'operations, alerts', path: at('/operations/alerts') },
  { name: 'operations, differences', path: at('/operations/differences?state=all') },
  { name: 'me', path: at('/me') },
  { name: 'permissions', path: at('/permissions') },
]

const request = async (side: Side, path: string, own: boolean): Promise<string> => {
  const { headers } = own ? side.busy : side.admin
  const response = await fetch(side.company.application.url + path, {
    headers: { ...headers, 'accept-encoding': 'gzip' },
  })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 300)}`)
  return text
}

/** Where a page really is: the one after the one named, if that is asked for. */
const pathOf = async (side: Side, { name, path, own, next }: Page): Promise<string> => {
  const first = path(side.size)
  if (!next) return first
  const [after] = /after=[\w-]+/.exec(await request(side, first, own === true)) ?? []
  if (!after) throw new Error(`no page after: ${name}`)
  return `${first}${first.includes('?') ? '&' : '?'}${after}`
}

const timed = async (side: Side, path: string, own: boolean): Promise<number> => {
  const begun = performance.now()
  await request(side, path, own)
  return performance.now() - begun
}

const ms = (value: number): string => value.toFixed(1).padStart(8)

/** Gives how many times as long as the small company's the big one's page takes, in its slow cases. */
const measure = async (page: Page, sides: readonly [Side, Side]): Promise<number> => {
  const paths = [await pathOf(sides[0], page), await pathOf(sides[1], page)] as const
  const times: [number[], number[]] = [[], []]
  for (let round = -warmUp; round < rounds; round += 1) {
    // In turn first, so that neither profits from the other.
    for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const time = await timed(sides[which], paths[which], page.own === true)
      if (round >= 0) times[which].push(time)
    }
  }
  const at = (share: number) => times.map((some) => percentile(some, share))
  const [p50, p95] = [at(0.5), at(0.95)]
  const ratio = (p95[1] ?? 0) / (p95[0] ?? 1)
  say(
    `${page.name.padEnd(46)} ${[...p50, ...p95].map(ms).join('')} ${ratio.toFixed(2).padStart(7)}${ratio > goal ? ' over' : ''}`,
  )
  return ratio
}

const open = async (dataDir: string, size: Size, ends: AsyncDisposableStack): Promise<Side> => {
  const config = readConfig([], { ATES_DATA_DIR: dataDir, ATES_PORT: '0' })
  const clock = companyClock()
  const application = ends.use(await startApplication({ config, log: jsonLog('error'), decorations: { clock } }))
  const company = { application, dataDir, clock }
  const link = await application.firstAdministratorLink()
  if (link) await fill(company, link, size)
  const url = application.url ?? ''
  return { company, size, admin: await signedIn(url, adminEmail), busy: await signedIn(url, busyEmail) }
}

say(machine())
await using ends = new AsyncDisposableStack()
const dir = values.data ?? (await mkdtemp(join(tmpdir(), 'ates-bench-')))
if (!values.data) ends.defer(() => rm(dir, { recursive: true, force: true }))
const dirs = [join(dir, 'small'), join(dir, 'big')] as const
for (const one of dirs) await mkdir(one, { recursive: true })
const sides = [await open(dirs[0], small, ends), await open(dirs[1], big, ends)] as const
say(
  `${''.padEnd(46)} ${['p50 small', 'big', 'p95 small', 'big'].map((head) => head.padStart(8)).join(' ')}  ratio of p95`,
)
let over = 0
for (const page of pages.filter(({ name }) => name.includes(values.only)))
  if ((await measure(page, [sides[0], sides[1]])) > goal) over += 1
say(`${over} over ${goal}`)
