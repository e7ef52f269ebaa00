// For tests only: the three services in memory, answering their contracts well enough for pages.
import { z } from 'zod'
import type { Behalf, Caller, StandardRefusal } from '../../kernel/caller.ts'
import type { AnyContract, Input, Method, Output, RefusalCode } from '../../kernel/contract.ts'
import { ok, refuse, type Outcome } from '../../kernel/result.ts'
import type { Log } from '../../kernel/ports.ts'
import { accounting } from '../accounting/contract.ts'
import { identity } from '../identity/contract.ts'
import type { operations } from '../operations/contract.ts'
import { taskTracker } from '../task-tracker/contract.ts'
import { managers, type Role } from '../vocabulary.ts'
import {
  type Act,
  aDifference,
  anExplainedDifference,
  anAct,
  anAlert,
  calmOverview,
  parkedEvent,
} from './operations.test-support.ts'
import type { Person } from './session.ts'

type Answer<M extends Method> = (
  input: Input<M>,
  behalf: Behalf,
) =>
  | Outcome<Output<M>, RefusalCode<M> | StandardRefusal>
  | Promise<Outcome<Output<M>, RefusalCode<M> | StandardRefusal>>

type Answers<C extends AnyContract> = {
  [Key in keyof C as C[Key] extends Method ? Key : never]: C[Key] extends Method ? Answer<C[Key]> : never
}

type Services = Answers<typeof identity> &
  Answers<typeof taskTracker> &
  Answers<typeof accounting> &
  Answers<typeof operations>
type Task = Output<typeof taskTracker.getTask>
type Job = Output<typeof taskTracker.getReassignment>
type Happening = Output<typeof taskTracker.getTaskHistory>['happenings'][number]
type Line = Output<typeof accounting.getAccountInfo>['lines'][number]

/** What the services know; tests read and change it. */
export interface World {
  now: Date
  readonly people: Person[]
  readonly tasks: Task[]
  readonly jobs: Job[]
  /** What has happened to each task. */
  readonly stories: Map<number, Happening[]>
  overview: Output<typeof operations.getOverview>
  /** The operator log, newest first. */
  readonly acts: Act[]
  readonly lines: Map<number, Line[]>
  /** The event that the ledger has come to; null: the last one. */
  upTo: number | null
  readonly invitations: Map<string, number>
  readonly sessions: Map<string, number>
  firstAdministratorToken: string | null
  /** How often each method was called. */
  readonly calls: { method: string; input: unknown; behalf: Behalf }[]
}

export const emptyWorld = (): World => ({
  now: new Date('2026-03-14T12:00:00Z'),
  people: [],
  tasks: [],
  jobs: [],
  stories: new Map(),
  overview: calmOverview(),
  acts: [],
  lines: new Map(),
  upTo: null,
  invitations: new Map(),
  sessions: new Map(),
  firstAdministratorToken: 'first-token',
  calls: [],
})

export const addPerson = (world: World, name: string, role: Role): Person => {
  const popugId = world.people.length + 1
  const email = `${name.toLowerCase().split(' ')[0]}@example.com`
  const person = { popugId, name, email, role, active: true, createdAt: world.now.toISOString() }
  world.people.push(person)
  world.sessions.set(`session-${popugId}`, popugId)
  return person
}

const isAssignable = ({ active, role }: Person): boolean => active && !managers.includes(role)

export const addTask = (world: World, description: string, assignee: Person, createdBy: Person = assignee): Task => {
  const at = world.now.toISOString()
  const task: Task = {
    taskId: world.tasks.length + 1,
    description,
    state: 'open',
    assigneeId: assignee.popugId,
    assigneeName: assignee.name,
    assigneeActive: assignee.active,
    assigneeAssignable: isAssignable(assignee),
    assignment: 1,
    createdBy: createdBy.popugId,
    createdAt: at,
    assignedAt: at,
    completedAt: null,
  }
  world.tasks.unshift(task)
  charge(world, task)
  tell(world, task, 'assigned', createdBy)
  return task
}

/** Gives a task to somebody else, or to the same person once more. */
export const reassign = (world: World, { taskId }: Task, to: Person, by: Person): void => {
  const at = world.tasks.findIndex((each) => each.taskId === taskId)
  const task = world.tasks[at]!
  const assignment = task.assignment + 1
  const now = world.now.toISOString()
  const moved = { ...task, assigneeId: to.popugId, assigneeName: to.name, assignment, assignedAt: now }
  world.tasks[at] = moved
  charge(world, moved)
  tell(world, moved, 'assigned', by)
}

/** Adds to a task's story what was just posted. */
const tell = (world: World, task: Task, what: Happening['what'], by: Person): void => {
  const { cause } = world.lines.get(task.assigneeId)![0]!
  const happening: Happening = {
    what,
    assignment: what === 'assigned' ? task.assignment : null,
    popugId: task.assigneeId,
    popugName: task.assigneeName,
    byId: by.popugId,
    byName: by.name,
    at: world.now.toISOString(),
    number: cause.number,
    eventId: cause.eventId,
    requestId: `request-${cause.number}`,
  }
  world.stories.set(task.taskId, [...(world.stories.get(task.taskId) ?? []), happening])
}

export const priceOf = (taskId: number) => ({
  taskId,
  feeCents: 1_000 + ((taskId * 137) % 1_001),
  rewardCents: 2_000 + ((taskId * 271) % 2_001),
})

let events = 0
const ledgerUpTo = ({ upTo }: World): number => upTo ?? events

const post = (
  world: World,
  popugId: number,
  line: Pick<Line, 'kind' | 'taskId' | 'assignment' | 'amountCents'>,
): void => {
  const lines = world.lines.get(popugId) ?? []
  const at = world.now.toISOString()
  const cause = { stream: 'task-tracker', epoch: 1, number: ++events, eventId: crypto.randomUUID() }
  lines.unshift({
    ...line,
    balanceCents: (lines[0]?.balanceCents ?? 0) + line.amountCents,
    at,
    day: at.slice(0, 10),
    cause,
  })
  world.lines.set(popugId, lines)
}

const charge = (world: World, { taskId, assigneeId, assignment }: Task): void =>
  post(world, assigneeId, { kind: 'fee', taskId, assignment, amountCents: -priceOf(taskId).feeCents })

const inOrder = (tasks: readonly Task[], order: Input<typeof taskTracker.getTasks>['order']): readonly Task[] => {
  if (order === 'newest') return tasks
  if (order === 'oldest') return tasks.toReversed()
  const completed = tasks.filter(({ state }) => state === 'completed')
  return completed.toSorted((a, b) => (b.completedAt ?? '').localeCompare(a.completedAt ?? ''))
}

const paged = <T>(all: readonly T[], after: string | undefined, limit: number): { page: T[]; next: string | null } => {
  const from = Number(after ?? 0)
  return { page: all.slice(from, from + limit), next: from + limit < all.length ? String(from + limit) : null }
}

/** Answers of the services over this world. Any of them can be replaced. */
export const fakeServices = (world: World): Services => {
  const person = (popugId: number | null) => world.people.find((each) => each.popugId === popugId)
  const roster = () => world.people.filter(isAssignable)
  const described = (taskId: number) => world.tasks.find((task) => task.taskId === taskId)?.description ?? ''
  const invite = (to: Person) => {
    const token = `invitation-${to.popugId}-${world.invitations.size}`
    world.invitations.set(token, to.popugId)
    return ok({ person: to, token })
  }
  const begin = (who: Person) => {
    world.sessions.set(`session-${who.popugId}`, who.popugId)
    return ok({
      token: `session-${who.popugId}`,
      expiresAt: new Date(world.now.getTime() + 86_400_000).toISOString(),
      person: who,
    })
  }
  const change = (popugId: number, to: Partial<Person>): Person => {
    const at = world.people.findIndex((each) => each.popugId === popugId)
    return (world.people[at] = { ...world.people[at]!, ...to })
  }
  return {
    invitePerson: ({ name, email, role }) => {
      if (world.people.some((each) => each.email === email)) return refuse('email_taken')
      return invite(change(addPerson(world, name, role).popugId, { email }))
    },
    changePerson: ({ popugId, ...to }) => {
      if (!person(popugId)) return refuse('person_not_found')
      const isLast =
        world.people.filter(({ role, active }) => role === 'admin' && active).length === 1 &&
        person(popugId)?.role === 'admin'
      if (isLast && (to.active === false || (to.role && to.role !== 'admin'))) return refuse('last_administrator')
      return ok(change(popugId, Object.fromEntries(Object.entries(to).filter(([, value]) => value !== undefined))))
    },
    renewInvitation: ({ popugId }) => {
      const to = person(popugId)
      if (!to) return refuse('person_not_found')
      return to.active ? invite(to) : refuse('person_disabled')
    },
    getPeople: ({ text = '', order, after, limit }) => {
      const all = order === 'newest' ? world.people.toReversed() : world.people
      const found = all.filter(({ name, email }) => `${name} ${email}`.toLowerCase().includes(text.toLowerCase()))
      const { page, next } = paged(found, after, limit)
      return ok({ people: page, next })
    },
    getMe: (_, { actor }) => {
      const me = person(actor.id)
      return me ? ok(me) : refuse('person_not_found')
    },
    issueFirstAdministratorLink: () => ok({ token: world.firstAdministratorToken }),
    createFirstAdministrator: ({ token, name, email }) => {
      if (token !== world.firstAdministratorToken) return refuse('link_not_valid')
      world.firstAdministratorToken = null
      return begin(change(addPerson(world, name, 'admin').popugId, { email }))
    },
    getInvitation: ({ token }) => {
      const to = person(world.invitations.get(token) ?? null)
      return to ? ok({ name: to.name, email: to.email }) : refuse('link_not_valid')
    },
    acceptInvitation: ({ token }) => {
      const to = person(world.invitations.get(token) ?? null)
      if (!to) return refuse('link_not_valid')
      world.invitations.delete(token)
      return begin(to)
    },
    signIn: ({ email, password }) => {
      const who = world.people.find((each) => each.email === email && each.active)
      return who && password === 'correct horse' ? begin(who) : refuse('wrong_credentials')
    },
    getSession: ({ token }) => {
      const who = person(world.sessions.get(token) ?? null)
      return who ? ok({ person: who }) : refuse('no_session')
    },
    signOut: ({ token }) => {
      world.sessions.delete(token)
      return ok({})
    },
    changeMe: ({ name }, { actor }) => {
      const me = person(actor.id)
      return me ? ok(change(me.popugId, { name })) : refuse('person_not_found')
    },
    changePassword: ({ token, current }) => {
      const who = person(world.sessions.get(token) ?? null)
      if (!who) return refuse('no_session')
      return current === 'correct horse' ? begin(who) : refuse('wrong_credentials')
    },
    listSessions: ({ token }) => {
      const own = world.sessions.get(token)
      if (own === undefined) return refuse('no_session')
      const at = world.now.toISOString()
      const times = { createdAt: at, usedAt: at, expiresAt: at }
      const held = [...world.sessions].filter(([, popugId]) => popugId === own)
      return ok({
        sessions: held.map(([id]) => ({
          id,
          ...times,
          address: '127.0.0.1',
          userAgent: 'Parrot/1',
          current: id === token,
        })),
      })
    },
    endSession: ({ token, id }) => {
      if (!world.sessions.has(token)) return refuse('no_session')
      return world.sessions.delete(id) ? ok({}) : refuse('session_not_found')
    },
    getSecurityEvents: ({ popugId }) => {
      const at = world.now.toISOString()
      const from = { at, address: '10.0.0.7', userAgent: 'Parrot/1', actor: null, actorName: null }
      const byAdmin = { actor: 4, actorName: person(4)?.name ?? null }
      const events = world.people.flatMap((one, index) => [
        { id: 2 * index + 2, kind: 'sign_in_failed' as const, popugId: one.popugId, email: one.email, ...from },
        { id: 2 * index + 1, kind: 'invited' as const, popugId: one.popugId, email: one.email, ...from, ...byAdmin },
      ])
      return ok({ events: events.filter((one) => popugId === undefined || one.popugId === popugId), next: null })
    },

    createTask: ({ description, popugId }, { actor }) => {
      if (popugId !== undefined && !managers.includes(actor.role as Role)) return refuse('may_not_choose')
      const candidates = roster()
      if (candidates.length === 0) return refuse('nobody_assignable')
      const assignee =
        popugId === undefined
          ? candidates[world.tasks.length % candidates.length]
          : candidates.find((each) => each.popugId === popugId)
      return assignee ? ok(addTask(world, description, assignee, person(actor.id))) : refuse('popug_not_assignable')
    },
    completeTask: ({ taskId }, { actor }) => {
      const at = world.tasks.findIndex((each) => each.taskId === taskId)
      const task = world.tasks[at]
      if (!task) return refuse('task_not_found')
      if (task.assigneeId !== actor.id) return refuse('not_assignee')
      if (task.state === 'completed') return ok(task)
      post(world, task.assigneeId, {
        kind: 'reward',
        taskId,
        assignment: null,
        amountCents: priceOf(taskId).rewardCents,
      })
      tell(world, task, 'completed', person(actor.id)!)
      return ok((world.tasks[at] = { ...task, state: 'completed', completedAt: world.now.toISOString() }))
    },
    assignTasks: (_, { actor }) => {
      const at = world.now.toISOString()
      const isBusy = world.jobs.some(({ state }) => state === 'running')
      const total = world.tasks.filter(({ state }) => state === 'open').length
      const job: Job = {
        id: world.jobs.length + 1,
        state: isBusy ? 'queued' : 'running',
        reason: null,
        total,
        done: 0,
        moved: 0,
        skipped: 0,
        requestedBy: actor.id ?? 0,
        requestedByName: null,
        requestedAt: at,
        startedAt: isBusy ? null : at,
        finishedAt: null,
      }
      world.jobs.unshift(job)
      return ok(job)
    },
    previewReassignment: () => {
      const open = world.tasks.filter(({ state }) => state === 'open')
      const waiting = open.filter(({ assigneeAssignable }) => assigneeAssignable === false).length
      return ok({ openTasks: open.length, exact: true, assignable: roster().length, waiting })
    },
    cancelReassignment: ({ id }) => {
      const at = world.jobs.findIndex((job) => job.id === id)
      const job = world.jobs[at]
      if (!job) return refuse('reassignment_not_found')
      if (job.finishedAt !== null) return refuse('reassignment_finished')
      return ok((world.jobs[at] = { ...job, state: 'cancelled', finishedAt: world.now.toISOString() }))
    },
    getReassignment: ({ id }) => {
      const job = world.jobs.find((each) => each.id === id)
      return job ? ok(job) : refuse('reassignment_not_found')
    },
    listReassignments: ({ after, limit }) => {
      const { page, next } = paged(world.jobs, after, limit)
      return ok({ reassignments: page, next })
    },
    getTasks: ({ popugId, state, text = '', order, after, limit }) => {
      const found = inOrder(world.tasks, order).filter(
        (task) =>
          (popugId === undefined || task.assigneeId === popugId) &&
          (state === undefined || task.state === state) &&
          task.description.toLowerCase().includes(text.toLowerCase()),
      )
      const { page, next } = paged(found, after, limit)
      return ok({ tasks: page, next })
    },
    getTask: ({ taskId }) => {
      const task = world.tasks.find((each) => each.taskId === taskId)
      return task ? ok(task) : refuse('task_not_found')
    },
    getTaskHistory: ({ taskId }) => {
      const task = world.tasks.find((each) => each.taskId === taskId)
      if (!task) return refuse('task_not_found')
      const createdByName = person(task.createdBy)?.name ?? null
      return ok({ task, createdByName, happenings: world.stories.get(taskId) ?? [], next: null })
    },
    getHappenings: ({ popugId, fromNumber, limit }) => {
      const found = [...world.stories]
        .flatMap(([taskId, story]) => story.map((one) => ({ ...one, taskId, description: described(taskId) })))
        .filter((one) => one.popugId === popugId && (one.number ?? Infinity) >= fromNumber)
        .toSorted((a, b) => (b.number ?? Infinity) - (a.number ?? Infinity))
      return ok({ head: events, complete: found.length <= limit, happenings: found.slice(0, limit) })
    },
    countGivenTasks: ({ popugId, since, most }) => {
      const given = world.tasks.filter(
        (task) => task.assigneeId === popugId && task.state === 'open' && task.assignedAt > since,
      )
      return ok({ tasks: Math.min(given.length, most), exact: given.length <= most })
    },
    describeTasks: ({ taskIds }) =>
      ok({
        tasks: world.tasks
          .filter(({ taskId }) => taskIds.includes(taskId))
          .map(({ taskId, description }) => ({ taskId, description })),
      }),
    verifyTasks: () => ok({ upTo: 0, tasks: 0, events: 0, differences: [], next: null }),
    getRoster: ({ who, text = '', limit }) =>
      ok({
        popugs: world.people
          .filter((one) => who === 'everybody' || isAssignable(one))
          .filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()))
          .slice(0, limit)
          .map((one) => ({ popugId: one.popugId, name: one.name, assignable: isAssignable(one) })),
      }),

    getAccountInfo: ({ popugId, after, limit }, { actor }) => {
      if (popugId !== actor.id && !['accountant', 'admin'].includes(actor.role)) return refuse('not_own_account')
      const upTo = ledgerUpTo(world)
      const lines = (world.lines.get(popugId) ?? []).filter(({ cause }) => cause.number <= upTo)
      const today = world.now.toISOString().slice(0, 10)
      const { page, next } = paged(lines, after, limit)
      const todayCents = lines.filter(({ day }) => day === today).reduce((sum, { amountCents }) => sum + amountCents, 0)
      return ok({
        popugId,
        name: person(popugId)?.name ?? null,
        balanceCents: lines[0]?.balanceCents ?? 0,
        todayCents,
        today,
        upTo,
        upToEpoch: 1,
        lines: page,
        next,
      })
    },
    getTaskPostings: ({ taskId }, { actor }) => {
      const all = actor.role !== 'popug'
      const postings = [...world.lines].flatMap(([popugId, lines]) =>
        lines
          .filter((line) => line.taskId === taskId && (all || popugId === actor.id))
          .map((line) => ({ ...line, popugId, popugName: person(popugId)?.name ?? null })),
      )
      return ok({ upTo: events, price: priceOf(taskId), all, postings })
    },
    getTakenTasks: ({ popugId, since, limit }) => {
      const moved = [...world.stories].flatMap(([taskId, happenings]) =>
        happenings
          .filter(
            ({ what, at }, index) => what === 'assigned' && happenings[index - 1]?.popugId === popugId && at >= since,
          )
          .map((one) => ({ taskId, at: one.at, popugId: one.popugId, popugName: one.popugName })),
      )
      return ok({ tasks: moved.slice(0, limit), more: moved.length > limit ? 'some' : 'none' })
    },
    listAccounts: ({ text = '', after, limit }) => {
      const found = world.people.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()))
      const { page, next } = paged(found, after, limit)
      const accounts = page.map(({ popugId, name, role, active }) => {
        const balanceCents = world.lines.get(popugId)?.[0]?.balanceCents ?? 0
        return { popugId, name, role, active, balanceCents, todayCents: balanceCents }
      })
      return ok({ today: world.now.toISOString().slice(0, 10), accounts, next })
    },
    getEarnings: () => {
      const today = world.now.toISOString().slice(0, 10)
      const amounts = [...world.lines.values()].flat().map(({ amountCents }) => -amountCents)
      const earnedCents = amounts.reduce((sum, cents) => sum + cents, 0)
      const feesCents = amounts.filter((cents) => cents > 0).reduce((sum, cents) => sum + cents, 0)
      const days = [{ day: today, feesCents, rewardsCents: feesCents - earnedCents, earnedCents }]
      return ok({ today, balanceCents: earnedCents, days })
    },
    ...fakeOperations(world),
    getPrices: ({ taskIds }) => ok({ prices: taskIds.map(priceOf) }),
    verifyLedger: () => ok({ postings: 0, accounts: 0, upTo: 0, differences: [] }),
  }
}

const fakeOperations = (world: World): Answers<typeof operations> => {
  const request =
    (kind: Act['kind']) =>
    (input: object, { actor }: Behalf) => {
      const { service, consumer, reason, ...rest } = input as Partial<Act>
      const about = { service: service ?? null, consumer: consumer ?? null, reason: reason ?? null }
      const act = anAct(kind, { ...about, id: world.acts.length + 1, input: rest, requestedBy: actor.id })
      world.acts.unshift(act)
      return ok(act)
    }
  return {
    getOverview: () => ok(world.overview),
    listParked: ({ state }) =>
      ok({ parked: state === 'parked' ? [parkedEvent(4_001), parkedEvent(4_100)] : [], next: null }),
    getParkedEvent: ({ number }) => (number === 4_001 ? ok(parkedEvent(number)) : refuse('parked_not_found')),
    planAcceptance: () =>
      ok({ stream: 'task-tracker', epoch: 2, after: 4_300, leftAt: 4_310, head: 4_321, discarded: 0 }),
    planDelivery: ({ after, upTo }) =>
      ok({
        stream: 'task-tracker',
        head: 4_321,
        position: 4_310,
        after,
        upTo,
        outcomes: [
          { outcome: 'applied', count: 11, numbers: [4_311, 4_312] },
          { outcome: 'beyond', count: 0, numbers: [] },
        ],
      }),
    planRedelivery: ({ stream, after, upTo }) =>
      ok({
        stream,
        head: 4_321,
        after,
        upTo,
        consumers: [
          {
            service: 'accounting',
            consumer: 'ledger',
            position: 4_321,
            outcomes: [
              { outcome: 'still_parked', count: 1, numbers: [4_310] },
              { outcome: 'applied', count: 11, numbers: [4_311, 4_312] },
            ],
          },
        ],
        unasked: [{ service: 'identity', reason: 'Fault: connection refused' }],
      }),
    retryEvents: request('retry'),
    discardEvents: request('discard'),
    restoreEvents: request('restore'),
    refetchEvents: request('refetch'),
    redeliverEvents: request('redeliver'),
    pauseConsumer: request('pause'),
    resumeConsumer: request('resume'),
    acceptHistory: request('accept_history'),
    reconcile: request('reconcile'),
    cancelAct: ({ id }) => {
      const at = world.acts.findIndex((act) => act.id === id)
      const act = world.acts[at]
      if (!act) return refuse('act_not_found')
      return ok((world.acts[at] = { ...act, state: 'cancelled', finishedAt: world.now.toISOString() }))
    },
    getAct: ({ id }) => {
      const act = world.acts.find((each) => each.id === id)
      return act ? ok(act) : refuse('act_not_found')
    },
    listActs: ({ after, limit }) => {
      const { page, next } = paged(world.acts, after, limit)
      return ok({ acts: page, next })
    },
    listDifferences: () => {
      const { openDifferences: open, explainedDifferences: explained } = world.overview
      return ok({
        differences: [...(open > 0 ? [aDifference] : []), ...(explained > 0 ? [anExplainedDifference] : [])],
        next: null,
      })
    },
    reportProcess: () => ok({}),
    getAlarm: () =>
      ok({
        now: world.overview.now,
        watchedAt: world.overview.observedAt,
        alerts: world.overview.openAlerts > 0 ? [anAlert] : [],
        channels: [],
        services: [],
        reconciliation: { differences: 0, oldestDifferenceMs: 0, idleMs: 0, ledgerUnbalanced: false },
      }),
    listAlerts: () => ok({ alerts: world.overview.openAlerts > 0 ? [anAlert] : [], next: null }),
  }
}

/** Calls the fake services as the real caller would: input and output go through the contract's schemas, roles are checked. */
export const fakeCaller = (world: World, replaced: Partial<Services> = {}): Caller => {
  const answers: Record<string, Answer<Method>> = { ...fakeServices(world), ...replaced } as never
  const call = async (method: Method, input: unknown, behalf: Behalf): Promise<Outcome<unknown>> => {
    world.calls.push({ method: method.name, input, behalf })
    if (!method.allow.includes(behalf.actor.role)) return refuse('forbidden')
    const parsed = z.core.safeParse(method.input, input)
    if (!parsed.success) return refuse('invalid_input')
    const answer = answers[method.name.charAt(0).toLowerCase() + method.name.slice(1)]
    return await answer!(parsed.data, behalf)
  }
  return call as Caller
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog }
