// For tests only: companies in every state that a page can show, with marked texts, and with people and tasks without letters.
import { type AnyContract, methodsOf } from '../../../kernel/contract.ts'
import { ok } from '../../../kernel/result.ts'
import { accounting } from '../../accounting/contract.ts'
import { identity } from '../../identity/contract.ts'
import { operations } from '../../operations/contract.ts'
import { actResult } from '../../operations/vocabulary.ts'
import { taskTracker } from '../../task-tracker/contract.ts'
import { type Role, roles } from '../../vocabulary.ts'
import { aDifference, anAct, anAlert, parkedEvent, troubledOverview } from '../operations.test-support.ts'
import { company, unavailable } from '../scene.test-support.ts'
import { addTask } from '../web.test-support.ts'
import { en, type Texts } from './en.ts'
import { markedCatalog } from './marked.test-support.ts'
import { ru } from './ru.ts'
import { differences, failures, parts, stops } from './troubles.test-support.ts'

/** The paths of the texts that pages have said. */
export const used = new Set<string>()
/** In English, but for what English leaves to the contracts themselves. */
export const whole: Texts = { ...en, contracts: ru.contracts }
const marked = markedCatalog(whole, used)
const catalogs = { en: marked, ru: marked }

const names: Readonly<Record<Role, string>> = { popug: '11–1', accountant: '12–2', manager: '13–3', admin: '14–4' }
export type Scene = ReturnType<typeof company>

export const scene = (options: Parameters<typeof company>[0] = {}): Scene => {
  const visitors = () => roles.map((role) => ({ role, name: names[role], email: '1@example.com', password: '-' }))
  const all = company({ catalogs, names, visitors, ...options })
  all.world.tasks[0] = { ...all.world.tasks[0]!, description: '1 2 3' }
  return all
}

type Task = Scene['world']['tasks'][number]
type Job = Scene['world']['jobs'][number]

const at = '2026-03-14T12:00:00.000Z'
const today = '2026-03-14'
const job = (state: Job['state'], more: Partial<Job> = {}): Job => ({
  id: 1,
  state,
  reason: null,
  total: 100,
  done: 50,
  moved: 40,
  skipped: 10,
  requestedBy: 3,
  requestedByName: '13–3',
  requestedAt: at,
  startedAt: '2026-03-14T11:59:00.000Z',
  finishedAt: null,
  ...more,
})
const jobs = [
  job('running'),
  job('queued', { startedAt: null, done: 0 }),
  job('waiting', { reason: 'nobody_assignable' }),
  job('waiting', { reason: 'other' }),
  job('done', { finishedAt: at }),
  job('cancelled', { finishedAt: at, requestedByName: null, requestedBy: 77 }),
]
const actKinds = operations.listActs.output.shape.acts.element.shape.kind.options
const results = actResult.options.map((what) => ({ what, count: 7, example: null }))
const nobody = { requestedBy: null, requestedByName: null }
const acts: readonly Parameters<typeof anAct>[1][] = [
  { state: 'running', done: 3, total: 7, failed: 1, service: 'accounting', consumer: 'ledger', input: { a: 1 } },
  { state: 'running', done: 3, note: 'comparing: ledger, accounting does not answer' },
  { state: 'done', finishedAt: at, done: 7, total: 7, results },
  { state: 'failed', finishedAt: at, failed: 7, ...nobody, note: 'Refused: not_forked {"state":"running"}' },
  { state: 'cancelled', finishedAt: at, requestedBy: null, reason: '-' },
  { state: 'running', note: 'the rounds begin' },
]
const decided = { reason: '-', decidedBy: 3, decidedAt: at }

/** Work in every state, and something of everything wrong. */
export const busy = (): Scene => {
  const all = scene({
    replaced: {
      listParked: ({ state }) =>
        ok({
          parked: [
            { ...parkedEvent(1), state },
            { ...parkedEvent(2), state, ...decided },
          ],
          next: '1',
        }),
      getParkedEvent: ({ number }) => {
        const event = parkedEvent(number)
        if (number === 1) return ok({ ...event, state: 'discarded', ...decided })
        return ok(number === 2 ? { ...event, state: 'applied' } : event)
      },
    },
  })
  const { world, people } = all
  world.invitations.set('an-invitation', people.popug.popugId)
  for (let length = 1; length < 120; length += 40)
    addTask(world, '12 34 56 '.repeat(length), people.popug, people.manager)
  const [first, second, third] = world.tasks as [Task, Task, Task]
  world.tasks[0] = { ...first, state: 'completed', completedAt: at }
  world.tasks[1] = { ...second, assigneeActive: false, assigneeAssignable: false }
  world.tasks[2] = { ...third, assigneeAssignable: false }
  world.jobs.push(...jobs.map((one, index) => ({ ...one, id: index + 1 })))
  world.people[1] = { ...world.people[1]!, active: false }
  const troubled = troubledOverview()
  world.overview = { ...troubled, jobs: jobs.map(({ state }) => ({ ...troubled.jobs[0]!, state })) }
  world.acts.push(
    ...actKinds.map((kind, index) => anAct(kind, { requestedByName: '14–4', ...acts[index], id: index + 1 })),
  )
  return all
}

const alertNames = Object.keys(en.operations.alerts.names)
const outcomeNames = Object.keys(en.operations.consumer.outcomes) as (keyof typeof en.operations.consumer.outcomes)[]
const securityKinds = Object.keys(en.securityLog.kinds) as (keyof typeof en.securityLog.kinds)[]
const anEvent = { at, popugId: 1, email: '1@example.com', actor: 4, actorName: '7–7', address: '', userAgent: '' }
const aSession = { createdAt: at, usedAt: at, expiresAt: at, address: '', userAgent: '' }
const anAccount = { popugId: 77, name: null, role: null, active: true, balanceCents: 0, todayCents: 0 }

const waiting = (what: 'assigned' | 'completed') => ({
  what,
  taskId: 1,
  description: '1',
  assignment: null,
  at,
  number: null,
  eventId: crypto.randomUUID(),
})

/** What is seldom: other kinds of what `busy` has, long lists, a task with a long story. */
const strange = (): Scene => {
  const overview = troubledOverview()
  const [service] = overview.services
  const breakers = (['closed', 'half-open'] as const).map((state) => ({ service: 'identity', state }))
  const instance = { instance: '1', startedAt: at, seenAt: at, troubles: [], breakers }
  const troubles = [
    ...parts.map(([part]) => ({ part, what: 'a pass has been running for 20 s' })),
    ...failures.map(([what]) => ({ part: 'acts', what })),
    ...['no round for 20 s', 'it is about to stop'].map((what) => ({ part: 'acts', what })),
  ]
  const all = scene({
    breakers: () => ({ identity: 'closed' }),
    replaced: {
      getOverview: () =>
        ok({
          ...overview,
          services: [
            { ...service!, silentSince: null, seenAt: null, instances: [{ ...instance, troubles }] },
            {
              ...service!,
              name: 'accounting',
              silentSince: null,
              instances: [{ ...instance, breakers: [] }],
              stream: { ...service!.stream!, oldestSnapshotMs: 9e6 },
            },
          ],
          consumers: [
            ...overview.consumers.map((one) => ({ ...one, state: 'running' as const, behind: 0, head: null })),
            ...stops.map(([reason]) => ({ ...overview.consumers[0]!, state: 'forked' as const, reason })),
          ],
          undelivered: ['producer does not answer: -', 'waiting for a version that knows TaskCompleted 2'].map(
            (reason, id) => ({ ...overview.undelivered[0]!, id, reason }),
          ),
          reconciliations: ['tasks-log', 'ledger'].map((name) => ({
            ...overview.reconciliations[0]!,
            name,
            lastRound: null,
            waiting: name === 'ledger' ? 'ledger is forked' : 'accounting does not answer',
          })),
        }),
      listAlerts: () =>
        ok({
          alerts: alertNames.map((name, id) => ({ ...anAlert, id, name, clearedAt: id % 2 === 0 ? at : null })),
          next: '1',
        }),
      listDifferences: () =>
        ok({
          differences: differences.map(([about], id) => {
            const what = id % 2 === 0 ? 'extra' : 'different'
            return { ...aDifference, id, about: about.replace(/\d{4}-\d\d-\d\d/, today), what, goneAt: at }
          }),
          next: '1',
        }),
      planRedelivery: ({ stream, after, upTo }) => ok({ stream, head: 1, after, upTo, consumers: [], unasked: [] }),
      planDelivery: ({ after, upTo }) => {
        const outcomes = outcomeNames.map((outcome) => ({ outcome, count: 1, numbers: [1] }))
        return ok({ stream: 'task-tracker', head: 9, position: 1, after, upTo, outcomes })
      },
      getSecurityEvents: () => ok({ events: securityKinds.map((kind, id) => ({ ...anEvent, id, kind })), next: '1' }),
      getPrices: () => ok({ prices: [] }),
      getHappenings: () => ok({ head: 9, complete: false, happenings: [waiting('assigned'), waiting('completed')] }),
      getRoster: ({ limit }) =>
        ok({ popugs: Array.from({ length: limit }, (_, index) => ({ popugId: index + 1, name: '9–9' })) }),
      getTaskPostings: () => ok({ upTo: 4, price: null, all: true, postings: [] }),
      previewReassignment: () => ok({ openTasks: 100, exact: false, assignable: 0, waiting: 2 }),
      listSessions: () =>
        ok({ sessions: [false, true].map((current, id) => ({ ...aSession, id: String(id), current })) }),
      listAccounts: () => ok({ today, accounts: [anAccount], next: '1' }),
    },
  })
  const { world, people } = all
  for (let index = 0; index < 60; index += 1) addTask(world, '1', people.popug, people.manager)
  for (const [index, one] of world.tasks.entries())
    if (index > 0) world.tasks[index] = { ...one, state: 'completed', completedAt: at }
  const happening = world.stories.get(1)![0]!
  const told = { ...happening, assignment: 2, eventId: crypto.randomUUID() }
  world.stories.set(1, [
    { ...told, number: 1 },
    { ...told, number: 9 },
    { ...told, number: null },
    { ...told, what: 'completed', assignment: null, number: 9 },
  ])
  return all
}

/** Nothing has happened, nobody is asked for anything, and nothing can be done. */
const empty = (): Scene => {
  const all = scene({
    visitors: () => [],
    replaced: {
      listAccounts: () => ok({ today, accounts: [], next: null }),
      getSecurityEvents: () => ok({ events: [], next: null }),
    },
  })
  all.world.tasks.length = 0
  all.world.lines.clear()
  all.world.overview = { ...all.world.overview, observedAt: null, services: [], consumers: [], reconciliations: [] }
  return all
}

const methodNames = (contract: AnyContract): string[] =>
  methodsOf(contract).map(({ name }) => name.charAt(0).toLowerCase() + name.slice(1))

/** Services that do not answer, as long as one may come in. */
const without = (...contracts: readonly AnyContract[]): Scene => {
  const names = contracts.flatMap(methodNames).filter((name) => name !== 'getSession')
  const all = scene({ replaced: Object.fromEntries(names.map((name) => [name, unavailable])) })
  all.world.overview = { ...all.world.overview, observedAt: '2026-03-14T11:00:00Z' }
  return all
}

const calm = (): Scene =>
  scene({
    replaced: {
      planDelivery: ({ after, upTo }) =>
        ok({ stream: 'task-tracker', head: 0, position: 0, after, upTo, outcomes: [] }),
    },
  })

export const companies: Readonly<Record<string, () => Scene>> = {
  'in which all is well': calm,
  'with much that is seldom': strange,
  'in which nothing has happened': empty,
  'without accounting': () => without(accounting),
  'without its task tracker': () => without(taskTracker),
  'without any service': () => without(identity, taskTracker, accounting, operations),
}
