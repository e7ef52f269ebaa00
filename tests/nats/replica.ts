// A process of its own with both fixture services, one replica of several, with faults at exact steps.
import type { ClientConfig } from 'pg'
import { natsBus } from '../../adapters/bus/nats.ts'
import { databaseClock, openPostgres } from '../../adapters/database/postgres.ts'
import { jsonLog } from '../../adapters/log.ts'
import { systemRandom } from '../../adapters/random.ts'
import { localTransport } from '../../adapters/transport/local.ts'
import { startHost } from '../../kernel/host.ts'
import type { Database } from '../../kernel/ports.ts'
import { type FaultPoint, FaultPoints } from '../faults/fault-points.ts'
import { archiveService, authorService } from '../support/fixture-service.ts'

/** What the parent sends: faults from now on. */
export type ToReplica = { readonly arm: readonly FaultPoint[] }

/** What the parent gets: that it runs, and each time the number up to which it has applied the author's events. */
export type FromReplica = { readonly applied: number }

/** Given by the environment as ATES_TEST_REPLICA. */
export interface ReplicaSettings {
  readonly connections: Readonly<Record<string, ClientConfig>>
  readonly url: string
  readonly prefix: string
}

const { connections, url, prefix } = JSON.parse(process.env['ATES_TEST_REPLICA'] ?? '') as ReplicaSettings
const points = new FaultPoints()
const say = (message: FromReplica) => process.connected && process.send?.(message)

const reporting = (database: Database): Database => ({
  ...database,
  transaction: async (name, work, options) => {
    const result = await database.transaction(name, work, options)
    if (name === 'apply.KeepLines') say({ applied: (result as { number: number }).number })
    return result
  },
})

const ended = new Promise<void>((resolve) => {
  // A parent that is gone takes us along.
  process.once('disconnect', resolve)
  process.once('SIGTERM', () => resolve())
})
{
  const log = jsonLog('warn')
  await using ends = new AsyncDisposableStack()
  const open = (schema: string): Database => {
    const connection = connections[schema] ?? {}
    const database = openPostgres({ connection, schema, maxConnections: 10, namedStatements: true, log })
    ends.defer(() => database.close())
    return reporting(points.decorations.database(database))
  }
  const bus = natsBus({ url, prefix, replicas: 1, log })
  ends.defer(() => bus.close())
  const services = [authorService(), archiveService()]
  const databases = new Map(services.map(({ schema }) => [schema, open(schema)]))
  ends.use(
    await startHost({
      services,
      database: ({ schema }) => databases.get(schema) as Database,
      bus: points.decorations.bus(bus),
      connect: (local) => localTransport(local),
      clock: databaseClock,
      random: systemRandom,
      log,
      migrate: false,
      loops: true,
      replicas: true,
    }),
  )
  process.on('message', ({ arm }: ToReplica) => points.arm(arm))
  say({ applied: 0 })
  await ended
}
if (process.connected) process.disconnect?.()
