// The fixture services apart, as if in processes of their own: what the author says reaches the archive by a broker, or
// by a reading of the author's log.
import assert from 'node:assert/strict'
import { natsBus } from '../../adapters/bus/nats.ts'
import { databaseClock } from '../../adapters/database/postgres.ts'
import { systemRandom } from '../../adapters/random.ts'
import { localTransport } from '../../adapters/transport/local.ts'
import type { Execute } from '../../kernel/execute.ts'
import { type Host, startHost } from '../../kernel/host.ts'
import type { Bus, Database, Log, Transport } from '../../kernel/ports.ts'
import type { Service } from '../../kernel/service.ts'
import { eventually } from '../support/eventually.ts'
import { archiveService, authorService } from '../support/fixture-service.ts'
import { assertCounts, fixtureDatabase, keptBy, write } from '../support/fixture-system.ts'
import type { TestDatabase } from '../support/server.ts'
import { silent } from '../support/silent.ts'

export interface HostOptions {
  readonly services: readonly Service[]
  /** Of the broker, or of a proxy in front of it. */
  readonly url: string
  /** Of each stream at the broker; one when not given. */
  readonly copies?: number
  readonly log?: Log
  readonly decorateBus?: (bus: Bus) => Bus
  readonly decorate?: (database: Database) => Database
}

/** From the end of a fault until events come by the broker again. */
export const recoveryMs = 5_000
const linesPerCall = 500
export const prefix = 'test'
/** The stream of the author's events at the broker. */
export const authorStream = `${prefix}-author`

export class Stage implements AsyncDisposable {
  readonly database: TestDatabase
  /** How often a consumer has read the author's log. */
  logReads = 0
  private readonly everywhere = new Map<string, Execute>()
  private readonly ends = new AsyncDisposableStack()

  constructor(database: TestDatabase) {
    this.database = database
    this.ends.use(database)
  }

  private connect(local: ReadonlyMap<string, Execute>): Transport {
    for (const [name, execute] of local) this.everywhere.set(name, execute)
    const transport = localTransport(this.everywhere)
    return {
      call: (call) => {
        if (call.method === 'ReadLog') this.logReads += 1
        return transport.call(call)
      },
    }
  }

  /** A replica of these services, with a connection of its own to the broker. */
  async host({
    services,
    url,
    copies = 1,
    log = silent,
    decorateBus = (one) => one,
    decorate = (one) => one,
  }: HostOptions) {
    const bus = natsBus({ url, prefix, replicas: copies, log })
    this.ends.defer(() => bus.close())
    const databases = new Map(services.map(({ schema }) => [schema, decorate(this.database.open(schema))]))
    const host = await startHost({
      services,
      database: ({ schema }) => databases.get(schema) as Database,
      bus: decorateBus(bus),
      connect: (local) => this.connect(local),
      clock: databaseClock,
      random: systemRandom,
      log,
      migrate: true,
      loops: true,
      replicas: true,
    })
    this.ends.use(host)
    return host
  }

  author(url: string, options: Partial<HostOptions> = {}): Promise<Host> {
    return this.host({ services: [authorService()], url, ...options })
  }

  archive(url: string, options: Partial<HostOptions> = {}): Promise<Host> {
    return this.host({ services: [archiveService()], url, ...options })
  }

  /** Events that are committed, numbered or not. */
  async committed(): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(
      'select ((select count(*) from author.event) + (select count(*) from author.outbox))::int as count',
    )
    return row?.count ?? 0
  }

  async applied(): Promise<number> {
    const [row] = await this.database.query<{ count: number }>('select count(*)::int as count from archive.kept')
    return row?.count ?? 0
  }

  /** Everything committed is applied, once and in order. */
  async allApplied(withinMs = 10_000): Promise<void> {
    await eventually(
      'all events to be applied',
      async () => (await this.applied()) >= (await this.committed()),
      withinMs,
    )
    assertCounts(await keptBy(this.database), await this.committed())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.ends.disposeAsync()
  }
}

export const openStage = async (): Promise<Stage> => new Stage(await fixtureDatabase())

/** Writes so many lines on a page: an event each, and one more for every tenth. */
export const writeLines = async (host: Host, lines: number, page = 1): Promise<void> => {
  for (let begun = 0; begun < lines; begun += linesPerCall) {
    const texts = Array.from({ length: Math.min(linesPerCall, lines - begun) }, (_, index) => `line ${begun + index}`)
    await write(host, page, ...texts)
  }
}

/** Events are applied without anybody reading the author's log: the broker brings them. */
export const broughtByBroker = async (stage: Stage, author: Host, withinMs = 10_000): Promise<void> => {
  await eventually(
    'events to be brought by the broker',
    async () => {
      const before = stage.logReads
      await writeLines(author, 5)
      await stage.allApplied()
      return stage.logReads === before
    },
    withinMs,
  )
}

/** Runs `work` and fails when it takes longer. */
export const within = async (limitMs: number, what: string, work: () => Promise<void>): Promise<void> => {
  const begun = performance.now()
  await work()
  const tookMs = performance.now() - begun
  assert.ok(tookMs < limitMs, `${what} took ${Math.round(tookMs)} ms`)
}
