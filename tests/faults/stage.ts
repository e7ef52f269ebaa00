// Where a family of faults plays: a fresh database, processes of aTES on it, people, and the journal of what they sent.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { serviceRole } from '../../kernel/contract.ts'
import { isRefusal, must } from '../../kernel/result.ts'
import { generator, seedOf } from '../support/random.ts'
import { freshDatabase, type TestDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'
import { type ApplicationProcess, startProcess } from './application-process.ts'
import { assertClean } from './assert-clean.ts'
import { audit, type CommandName, type Expected, type Learned } from './audit.ts'
import { Clients, type Draw, type Person } from './clients.ts'
import type { FaultPoint } from './fault-points.ts'
import { Journal, type Order } from './journal.ts'
import { until, untilSettled } from './settled.ts'
import { openWire, type Wire } from './wire.ts'

const services: Readonly<Record<CommandName, string>> = {
  CreateTask: 'task-tracker',
  CompleteTask: 'task-tracker',
  AssignTasks: 'task-tracker',
  CancelReassignment: 'task-tracker',
  InvitePerson: 'identity',
}

export interface SendOptions {
  /** Without a key nobody may send a command again whose outcome is not known. */
  readonly keyed?: boolean
  readonly timeoutMs?: number
}

/** What a client does with an answer that says "ask again". */
const mostAttempts = 40

export class Stage implements AsyncDisposable {
  readonly draw: Draw
  readonly database: TestDatabase
  readonly journal = new Journal()
  readonly people: Person[] = []
  readonly clients: Clients
  private readonly folder: string
  private wire: Wire | undefined
  private readonly processes: ApplicationProcess[] = []

  constructor(name: string, seed: number, database: TestDatabase, folder: string) {
    const next = generator(seed)
    this.draw = (from, to) => from + Math.floor(next() * (to - from + 1))
    this.database = database
    this.folder = folder
    this.clients = new Clients(name, this.people, this.draw)
  }

  /** Puts a wire between the database and the processes that start from now on. Dispose of it after the processes. */
  async interpose(): Promise<Wire> {
    return (this.wire = await openWire(this.database.adminConnection))
  }

  /** Runs statements as the database's administrator. */
  get hand(): Pick<pg.Client, 'query'> {
    const query = async (text: string, values?: unknown[]) => ({ rows: await this.database.query(text, values) })
    return { query } as unknown as pg.Client
  }

  private url(schema: string): string {
    const { user = '', database = '', ...direct } = this.database.connection(schema)
    const { host = '', port = 5432 } = this.wire ?? direct
    return `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
  }

  /** Starts aTES, all services in one process, with these faults before it. */
  async start(...faults: FaultPoint[]): Promise<ApplicationProcess> {
    if (!this.processes.some(({ isAlive }) => isAlive)) await this.endLeases()
    const started = await startProcess({
      ATES_IDENTITY_DATABASE_URL: this.url('identity'),
      ATES_TASK_TRACKER_DATABASE_URL: this.url('task_tracker'),
      ATES_ACCOUNTING_DATABASE_URL: this.url('accounting'),
      ATES_DATA_DIR: this.folder,
      ATES_PORT: '0',
      ATES_LOG_LEVEL: 'warn',
      // Several processes share one small server.
      ATES_DATABASE_CONNECTIONS: '4',
      ATES_TEST_FAULTS: JSON.stringify(faults),
      ATES_TEST_RANDOM: String(this.draw(1, 2 ** 31)),
    })
    this.processes.push(started)
    return started
  }

  /** The dead hold their leases for seconds, which spare others work in vain and protect nothing. */
  private async endLeases(): Promise<void> {
    const [made] = await this.database.query(`select to_regclass('accounting.lease') is not null as made`)
    if (made?.['made']) for (const schema of schemas) await this.database.query(`delete from ${schema}.lease`)
  }

  /** An operator asks a service. Throws when that is refused. */
  async operate(process: ApplicationProcess, service: string, method: string, input: object): Promise<unknown> {
    const call = { service, method, input, actor: { id: null, role: serviceRole }, requestId: method }
    return must(await process.call(call))
  }

  /** What became of the attempt to apply a parked event of the ledger. */
  async retryParked(process: ApplicationProcess, number: number): Promise<string> {
    const answer = await this.operate(process, 'accounting', 'RetryParked', { consumer: 'ledger', number })
    return (answer as { result: string }).result
  }

  async discardParked(process: ApplicationProcess, number: number): Promise<void> {
    await this.operate(process, 'accounting', 'DiscardParked', { consumer: 'ledger', number, reason: 'forged' })
  }

  /** Adds people through identity and waits until everybody knows them. */
  async invite(process: ApplicationProcess, ...roles: readonly string[]): Promise<void> {
    for (const role of roles) {
      const order = this.clients.order('InvitePerson', 1)
      const input = { name: order.request, email: `${order.request}@example.com`, role }
      const learned = await this.insist(() => process, { ...order, input })
      if (!('acknowledged' in learned)) throw new Error(`nobody was invited: ${JSON.stringify(learned)}`)
      const { popugId } = learned.acknowledged['person'] as { popugId: number }
      this.people.push({ id: popugId, role })
    }
    await this.settled()
  }

  private roleOf({ actor, command }: Order): string {
    return command === 'InvitePerson' ? 'admin' : (this.people.find(({ id }) => id === actor)?.role ?? 'popug')
  }

  private async ask(
    process: ApplicationProcess,
    order: Order,
    { keyed = true, timeoutMs }: SendOptions,
  ): Promise<Learned> {
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
  async send(process: ApplicationProcess, order: Order, options: SendOptions = {}): Promise<Learned> {
    const learned = await this.journal.record(order, (one) => this.ask(process, one, options))
    this.clients.learn(order, learned)
    return learned
  }

  /** Repeats a command with its key until its outcome is known, each time at the process that is there then. */
  async insist(process: () => ApplicationProcess | Promise<ApplicationProcess>, order: Order): Promise<Learned> {
    for (let attempt = 1; ; attempt += 1) {
      const learned = await this.send(await process(), order)
      if (!('unknown' in learned)) return learned
      if (attempt === mostAttempts)
        throw new Error(`${order.command} ${order.request} stays unknown: ${learned.unknown}`)
    }
  }

  /** Sends `count` commands, some at a time. Gives those whose outcome is not known. */
  async traffic(process: ApplicationProcess, count: number, atOnce = 4): Promise<Order[]> {
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

  /** A connection of its own, as the database's administrator or with these settings; disposing of it ends it. */
  async connect(settings: pg.ClientConfig = this.database.adminConnection): Promise<pg.Client & AsyncDisposable> {
    const client = new pg.Client(settings)
    client.on('error', () => {})
    await client.connect()
    let ended: Promise<void> | undefined
    return Object.assign(client, { [Symbol.asyncDispose]: () => (ended ??= client.end()) })
  }

  /** Keeps the task tracker's relay waiting, so that its next batch holds whatever is committed until this is disposed. */
  async holdRelay(): Promise<AsyncDisposable> {
    const client = await this.connect()
    await client.query('begin')
    await client.query('select from task_tracker.stream for update')
    return client
  }

  until(what: string, holds: () => Promise<boolean>, limitMs?: number): Promise<void> {
    return until(() => what, holds, limitMs)
  }

  settled(limitMs?: number): Promise<void> {
    return untilSettled((text) => this.database.query(text), limitMs)
  }

  /** Waits until nothing is on its way, and looks for what was lost or done twice. */
  async audit(expected: Expected = {}): Promise<void> {
    await this.settled()
    assertClean(await audit(this.hand, this.journal.attempts, expected))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.processes) await process.kill()
    await this.database[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** A stage with its own seed, printed; ATES_TEST_SEED repeats it. */
export const openStage = async (name: string): Promise<Stage> => {
  const seed = seedOf(name)
  const folder = await mkdtemp(join(tmpdir(), 'ates-test-'))
  return new Stage(name.replaceAll(/\W+/g, '-'), seed, await freshDatabase(schemas), folder)
}
