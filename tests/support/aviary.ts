// The parrots' service on a fresh database, without relays: what its calls leave behind can be counted.
import { localBus } from '../../adapters/bus/local.ts'
import { databaseClock } from '../../adapters/database/postgres.ts'
import { systemRandom } from '../../adapters/random.ts'
import { localTransport } from '../../adapters/transport/local.ts'
import type { Caller } from '../../kernel/caller.ts'
import type { Execute } from '../../kernel/execute.ts'
import { type Host, startHost } from '../../kernel/host.ts'
import type { Clock, Database, Log } from '../../kernel/ports.ts'
import { type During, parrotsService } from './parrots.ts'
import { freshDatabase, type TestDatabase } from './server.ts'
import { silent } from './silent.ts'

export interface AviaryOptions {
  readonly during?: During
  readonly decorate?: (database: Database) => Database
  readonly clock?: Clock
  readonly log?: Log
  readonly connections?: number
}

/** Rows of what one call can leave behind. */
export interface Traces {
  readonly meals: number
  readonly events: number
  readonly keys: number
}

export interface Aviary extends AsyncDisposable {
  readonly host: Host
  readonly call: Caller
  readonly execute: Execute
  /** The service's own connections, undecorated. */
  readonly database: Database
  readonly server: TestDatabase
  traces(): Promise<Traces>
  /** As if nobody had ever called. */
  clear(): Promise<void>
}

export const startAviary = async (options: AviaryOptions = {}): Promise<Aviary> => {
  const server = await freshDatabase(['parrots'])
  const database = server.open('parrots', { connections: options.connections ?? 25 })
  const host = await startHost({
    services: [parrotsService(options.during)],
    database: () => (options.decorate ?? ((one) => one))(database),
    bus: localBus(),
    connect: (local) => localTransport(local),
    clock: options.clock ?? databaseClock,
    random: systemRandom,
    log: options.log ?? silent,
    migrate: true,
    loops: false,
  })
  const execute = host.local.get('parrots')
  if (!execute) throw new Error('parrots do not run')
  return {
    host,
    call: host.call,
    execute,
    database,
    server,
    traces: async () => {
      const [row] = await server.query<Record<keyof Traces, number>>(`
        select (select count(*) from parrots.meal)::int as meals, (select count(*) from parrots.outbox)::int as events,
          (select count(*) from parrots.idempotency)::int as keys`)
      if (!row) throw new Error('nothing counted')
      return row
    },
    clear: async () => {
      await server.query('truncate parrots.meal, parrots.outbox, parrots.idempotency restart identity')
    },
    [Symbol.asyncDispose]: async () => {
      await host.stop()
      await server[Symbol.asyncDispose]()
    },
  }
}
