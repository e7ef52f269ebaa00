// Where a family of faults plays: a fresh database, processes of aTES on it, people, and the journal of what they sent.
import type pg from 'pg'
import type { ProcessName, ServiceName } from '../../config.ts'
import { serviceRole } from '../../kernel/contract.ts'
import { isRefusal, must } from '../../kernel/result.ts'
import { openBroker } from '../nats/broker.ts'
import { freePorts } from '../support/free-ports.ts'
import { generator, seedOf } from '../support/random.ts'
import { type ApplicationProcess, startProcess } from './application-process.ts'
import { assertClean } from './assert-clean.ts'
import { audit, type CommandName, type Expected, type Learned } from './audit.ts'
import { Clients, type Draw, type Person } from './clients.ts'
import { assertAllAtBroker, copiesAt } from './distributed/at-broker.ts'
import type { Query } from './embedded-database.ts'
import type { FaultPoint } from './fault-points.ts'
import { embeddedGround, type EmbeddedGround, type Ground, sharedGround, type SharedGround } from './grounds.ts'
import { Journal, type Order } from './journal.ts'
import { untilRecovered } from './recovery.ts'
import { until, untilSettled } from './settled.ts'

const services: Readonly<Record<CommandName, string>> = {
  CreateTask: 'task-tracker',
  CompleteTask: 'task-tracker',
  AssignTasks: 'task-tracker',
  CancelReassignment: 'task-tracker',
  InvitePerson: 'identity',
}

const usual = { ATES_PORT: '0', ATES_LOG_LEVEL: 'warn' }

export interface SendOptions {
  /** Without a key nobody may send a command again whose outcome is not known. */
  readonly keyed?: boolean
  readonly timeoutMs?: number
}

/** Who is asked: a process, or whatever finds one. */
export type Callee = Pick<ApplicationProcess, 'call'>

/** Who takes orders by a way of its own, such as the pages. */
export interface Desk {
  order(order: Order): Promise<Learned>
}

export class Stage<G extends Ground = SharedGround> implements AsyncDisposable {
  readonly draw: Draw
  readonly ground: G
  readonly journal = new Journal()
  readonly people: Person[] = []
  readonly clients: Clients
  private readonly processes: ApplicationProcess[] = []
  /** Operations has been started: its tables must come to rest like those of the others. */
  private isWatched = false

  /** Of aTES, for every process that `start` starts. */
  private readonly settings: Readonly<Record<string, string>>

  constructor(name: string, ground: G, settings: Readonly<Record<string, string>> = {}) {
    this.settings = settings
    const next = generator(seedOf(name))
    this.draw = (from, to) => from + Math.floor(next() * (to - from + 1))
    this.ground = ground
    this.clients = new Clients(name.replaceAll(/\W+/g, '-'), this.people, this.draw)
  }

  /** Runs statements as the database's administrator. */
  get hand(): Pick<pg.Client, 'query'> {
    const query = async (text: string, values?: unknown[]) => ({ rows: await this.ground.query(text, values) })
    return { query } as unknown as pg.Client
  }

  readonly query: Query = (text, values) => this.ground.query(text, values)

  /** Starts aTES, all services in one process, with these faults before it. */
  async start(...faults: FaultPoint[]): Promise<ApplicationProcess> {
    if (!this.processes.some(({ isAlive }) => isAlive)) await this.ground.alone?.()
    return this.launch({ ...this.ground.environment(), ...this.settings }, [], faults)
  }

  /** Starts what is named, or everything, with these settings; it ends with the stage. */
  async launch(
    settings: Readonly<Record<string, string>>,
    run: readonly ProcessName[],
    faults: readonly FaultPoint[] = [],
  ): Promise<ApplicationProcess> {
    if (run.length === 0 || run.includes('operations')) this.isWatched = true
    const [port] = await freePorts(1)
    const tests = { ATES_TEST_FAULTS: JSON.stringify(faults), ATES_TEST_RANDOM: String(this.draw(1, 2 ** 31)) }
    // What was left undone may be its first work, which does not wait until all of it is ready.
    const mayBeKilled = faults.some(({ act }) => act === 'kill')
    const environment = { ...usual, ATES_METRICS_PORT: String(port), ...settings, ...tests }
    const started = await startProcess(environment, run, mayBeKilled)
    this.processes.push(started)
    return started
  }

  /** An operator asks a service. Throws when that is refused. */
  async operate(process: Callee, service: string, method: string, input: object): Promise<unknown> {
    const call = { service, method, input, actor: { id: null, role: serviceRole }, requestId: method }
    return must(await process.call(call))
  }

  /** What became of the attempt to apply a parked event of the ledger. */
  async retryParked(process: Callee, number: number): Promise<string> {
    const answer = await this.operate(process, 'accounting', 'RetryParked', { consumer: 'ledger', number })
    return (answer as { result: string }).result
  }

  async discardParked(process: Callee, number: number): Promise<void> {
    await this.operate(process, 'accounting', 'DiscardParked', { consumer: 'ledger', number, reason: 'forged' })
  }

  /** Adds people through identity and waits until everybody knows them. */
  async invite(process: Callee, ...roles: readonly string[]): Promise<void> {
    for (const role of roles) {
      const learned = await this.insist(() => process, this.clients.invite(role))
      if (!('acknowledged' in learned)) throw new Error(`nobody was invited: ${JSON.stringify(learned)}`)
      const { popugId } = learned.acknowledged['person'] as { popugId: number }
      this.people.push({ id: popugId, role })
    }
    await this.settled()
  }

  private roleOf({ actor, command }: Order): string {
    return command === 'InvitePerson' ? 'admin' : (this.people.find(({ id }) => id === actor)?.role ?? 'popug')
  }

  private async ask(process: Callee | Desk, order: Order, { keyed = true, timeoutMs }: SendOptions): Promise<Learned> {
    if ('order' in process) return process.order(order)
    const { request: requestId, command: method, actor, input } = order
    const whose = { id: actor, role: this.roleOf(order) }
    const key = keyed ? { idempotencyKey: requestId } : {}
    const call = { service: services[method], method, input, requestId, actor: whose, ...key }
    try {
      const outcome = await process.call(call, timeoutMs)
      if (!isRefusal(outcome)) return { acknowledged: outcome.ok as Record<string, unknown> }
      const { refused, detail } = outcome
      return refused === 'key_in_progress' ? { unknown: refused } : { refused, ...(detail ? { detail } : {}) }
    } catch (error) {
      return { unknown: String(error) }
    }
  }

  /** One attempt at a command, written down. */
  async send(process: Callee | Desk, order: Order, options: SendOptions = {}): Promise<Learned> {
    const learned = await this.journal.record(order, (one) => this.ask(process, one, options))
    this.clients.learn(order, learned)
    return learned
  }

  /** Repeats a command with its key until its outcome is known. */
  async insist(process: () => Callee | Desk, order: Order): Promise<Learned> {
    let learned: Learned = { unknown: 'not sent yet' }
    const known = async () => !('unknown' in (learned = await this.send(process(), order)))
    await until(() => `${order.command} ${order.request} is known: ${JSON.stringify(learned)}`, known)
    return learned
  }

  /** Sends `count` commands, some at a time. Gives those whose outcome is not known. */
  async traffic(process: Callee | Desk, count: number, atOnce = 4): Promise<Order[]> {
    const open: Order[] = []
    let left = count
    const client = async () => {
      while (left > 0) {
        left -= 1
        const order = this.clients.next()
        if ('unknown' in (await this.send(process, order))) open.push(order)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, client))
    return open
  }

  /** How often each event of a service, from this number on, has come to the broker. Throws where there is none. */
  async copies(from: number, service: ServiceName = 'task-tracker'): Promise<number[]> {
    if (!this.ground.broker) throw new Error('the bus is not a broker')
    return copiesAt(this.ground.broker, service, from)
  }

  until(what: string, holds: () => Promise<boolean>, limitMs?: number): Promise<void> {
    return until(() => what, holds, limitMs)
  }

  settled(limitMs?: number): Promise<void> {
    return untilSettled(this.query, limitMs, this.isWatched)
  }

  /** Events are applied again, and soon; to be asked when a fault is over. */
  recovers(process: Callee): Promise<void> {
    return untilRecovered(this, process)
  }

  /** Waits until nothing is on its way, and looks for what was lost or done twice. */
  async audit(expected: Expected = {}): Promise<void> {
    await this.settled()
    assertClean(await audit(this.hand, this.journal.attempts, { unwatched: !this.isWatched, ...expected }))
    if (this.ground.broker) await assertAllAtBroker(this.ground.broker, this.query)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.processes) await process.kill()
    await this.ground[Symbol.asyncDispose]()
  }
}

/** The bus of those that run a second time (tests/run.ts). */
const overNats = process.env['ATES_TEST_BUS'] === 'nats'

/** A stage with its own seed, printed; ATES_TEST_SEED repeats it. */
export const openStage = async (name: string, settings?: Readonly<Record<string, string>>): Promise<Stage> =>
  new Stage(name, await sharedGround(overNats ? { broker: await openBroker() } : {}), settings)

export const openEmbeddedStage = async (name: string): Promise<Stage<EmbeddedGround>> =>
  new Stage(name, await embeddedGround())
