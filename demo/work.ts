// What people of the demo do: days that have passed already, then their work at a pace that one can watch.
import type { Host } from '../kernel/host.ts'
import type { Actor, Method, Output, RefusalCode } from '../kernel/contract.ts'
import type { Clock, Random } from '../kernel/ports.ts'
import { isRefusal, must, type Outcome } from '../kernel/result.ts'
import { identity } from '../services/identity/contract.ts'
import { taskTracker } from '../services/task-tracker/contract.ts'
import type { Role } from '../services/vocabulary.ts'
import type { z } from 'zod'
import { chores, company, emailOf, type Employee } from './company.ts'

/** Somebody of the company who can act. */
export interface Worker extends Employee {
  readonly popugId: number
  readonly email: string
}

export interface Stage {
  readonly host: Host
  readonly random: Random
  readonly workers: readonly Worker[]
}

const pick = <T>(random: Random, from: readonly T[]): T => {
  const one = from[random.integer(0, from.length - 1)]
  if (one === undefined) throw new Error('nothing to pick from')
  return one
}

export const actorOf = ({ popugId, role }: Pick<Worker, 'popugId' | 'role'>): Actor => ({ id: popugId, role })

const act = <M extends Method>(
  { host }: Pick<Stage, 'host'>,
  actor: Actor,
  method: M,
  input: z.input<M['input']>,
): Promise<Outcome<Output<M>, RefusalCode<M> | string>> =>
  host.call(method, input, { actor, requestId: `demo-${crypto.randomUUID()}`, idempotencyKey: crypto.randomUUID() })

/** The password of everybody in the demo, which listens on this machine only. */
export const demoPassword = 'a parrot of the demo'

const service: Actor = { id: null, role: 'service' }
/** Makes the first administrator by the one-time link, and has them invite everybody else. */
export const hire = async (host: Host, link: string, size: number): Promise<void> => {
  const [first, ...others] = company(size)
  const token = new URL(link).searchParams.get('token') ?? ''
  const name = first?.name ?? 'Ada'
  const chosen = { token, name, email: emailOf(name), password: demoPassword }
  const { person } = must(await act({ host }, service, identity.createFirstAdministrator, chosen))
  const leaders = new Set<Role>()
  for (const { name: called, role } of others) {
    const asked = { name: called, email: emailOf(called), role }
    const invited = must(await act({ host }, actorOf(person), identity.invitePerson, asked))
    // One of each role comes in by one press; hashing a password for all would take the time of a coffee.
    if (leaders.has(role)) continue
    leaders.add(role)
    const accepted = { token: invited.token, password: demoPassword }
    must(await act({ host }, service, identity.acceptInvitation, accepted))
  }
  await host.settle()
}

/** Everybody of the company, by number. */
export const workersOf = async (host: Host): Promise<Worker[]> => {
  const admin: Actor = { id: 1, role: 'admin' }
  const people: Worker[] = []
  let after: string | undefined
  do {
    const page = must(
      await host.call(
        identity.getPeople,
        { limit: 200, ...(after ? { after } : {}) },
        { actor: admin, requestId: 'demo-people' },
      ),
    )
    people.push(...page.people.filter(({ active }) => active))
    after = page.next ?? undefined
  } while (after)
  return people
}

const create = (stage: Stage) =>
  act(stage, actorOf(pick(stage.random, stage.workers)), taskTracker.createTask, {
    description: pick(stage.random, chores),
  })

/** Somebody completes one of the newest tasks that they hold. */
const complete = async (stage: Stage): Promise<void> => {
  const popug = pick(
    stage.random,
    stage.workers.filter(({ role }) => role === 'popug' || role === 'accountant'),
  )
  const mine = { popugId: popug.popugId, state: 'open' as const, limit: 5 }
  const found = await act(stage, actorOf(popug), taskTracker.getTasks, mine)
  if (isRefusal(found) || found.ok.tasks.length === 0) return
  await act(stage, actorOf(popug), taskTracker.completeTask, { taskId: pick(stage.random, found.ok.tasks).taskId })
}

const reassign = (stage: Stage) =>
  act(
    stage,
    actorOf(
      pick(
        stage.random,
        stage.workers.filter(({ role }) => role === 'manager'),
      ),
    ),
    taskTracker.assignTasks,
    {},
  )

/** One thing that somebody does. */
export const doSomething = async (stage: Stage): Promise<void> => {
  const dice = stage.random.integer(1, 200)
  // As often as keeps the balances of popugs around zero: some are in debt, some are rich.
  if (dice <= 1) await reassign(stage)
  else if (dice <= 88) await create(stage)
  else await complete(stage)
}

/** A clock that a demo sets while it plays the past, and that is the database's otherwise. */
export class DemoClock implements Clock {
  past: Date | null = null
  private readonly present: Clock

  constructor(present: Clock) {
    this.present = present
  }

  now: Clock['now'] = (tx) => (this.past ? Promise.resolve(this.past) : this.present.now(tx))
}

const dayMs = 24 * 60 * 60 * 1_000
const opensMs = 8 * 60 * 60 * 1_000
const openMs = 10 * 60 * 60 * 1_000

/** Plays `days` days before today, so that accounts and charts have a past. Gives how much was done. */
export const playPast = async (stage: Stage, clock: DemoClock, days: number, perDay: number): Promise<number> => {
  const today = Math.floor(Date.now() / dayMs) * dayMs
  let done = 0
  for (let day = days; day >= 1; day -= 1) {
    const opens = today - day * dayMs + opensMs
    const todo = perDay + stage.random.integer(0, perDay)
    for (let number = 0; number < todo; number += 1) {
      clock.past = new Date(opens + Math.floor((openMs * number) / todo))
      await doSomething(stage)
    }
    // What was done on a day is booked on it.
    await stage.host.settle()
    done += todo
  }
  clock.past = null
  return done
}
