// From commit to applied through NATS JetStream, at saturation: by a consumer that does nothing with its events, and by
// the ledger. Needs nats-server. `node --import ./runtime.js bench/bus.ts [events]`
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { natsBus } from '../adapters/bus/nats.ts'
import { startEmbedded } from '../adapters/database/embedded.ts'
import { databaseClock, openPostgres } from '../adapters/database/postgres.ts'
import { prepareDatabase, roleOf } from '../adapters/database/prepare.ts'
import { jsonLog } from '../adapters/log.ts'
import { systemRandom } from '../adapters/random.ts'
import { localTransport } from '../adapters/transport/local.ts'
import { contract } from '../kernel/contract.ts'
import { type Host, startHost } from '../kernel/host.ts'
import { insertOutbox, outboxOf } from '../kernel/outbox.ts'
import type { Database } from '../kernel/ports.ts'
import { defineService, on } from '../kernel/service.ts'
import { accounting } from '../services/accounting/contract.ts'
import { taskTracker } from '../services/task-tracker/contract.ts'
import { must } from '../kernel/result.ts'
import { openBroker } from '../tests/nats/broker.ts'
import { as, machine, onFreshApplication, say } from './measure.ts'
import { countProcessorTime } from './processes.ts'

const events = Number(process.argv[2] ?? 200_000)
const perTransaction = 1_000
const popugs = 100
const log = jsonLog('warn')

/** Each task is assigned and completed. */
const commitEvents = async (database: Database): Promise<void> => {
  for (let begun = 0; begun < events; begun += perTransaction) {
    const { emit, collected } = outboxOf(systemRandom)
    for (let n = begun; n < Math.min(begun + perTransaction, events); n += 2) {
      const task = { taskId: n / 2 + 1, popugId: ((n / 2) % popugs) + 1 }
      emit(taskTracker.taskAssigned, [{ ...task, assignment: 1 }])
      emit(taskTracker.taskCompleted, [task])
    }
    const origin = { at: new Date(), requestId: `bench-${begun}`, actor: null, trace: null }
    await database.transaction('commit', (tx) => insertOutbox(tx, database.schema, collected, origin))
  }
}

const measure = async (what: string, host: Host, database: Database): Promise<void> => {
  const processorTime = await countProcessorTime()
  const begun = performance.now()
  await commitEvents(database)
  const committed = performance.now() - begun
  await host.settle(300_000)
  const seconds = (performance.now() - begun) / 1_000
  say(
    `${what}: ${events} events committed in ${(committed / 1_000).toFixed(1)} s, applied after ${seconds.toFixed(1)} s: ${Math.round(events / seconds)} events/s`,
  )
  const taken = await processorTime()
  const all = taken.reduce((sum, [, time]) => sum + time, 0)
  const perEvent = (time: number) => `${((time * 1e6) / events).toFixed(1)} us`
  say(
    `  processor time per event: ${perEvent(all)}, of ${perEvent(seconds * cpus().length)} that ${cpus().length} cores had`,
  )
  for (const [name, time] of taken) say(`  ${perEvent(time).padStart(9)}  ${name}`)
}

/** Reads them all and keeps only its position. */
const idleReader = defineService({
  name: 'idle-reader',
  contract: contract('idle-reader', {}),
  handlers: {},
  consumers: [
    {
      name: 'Nothing',
      stream: taskTracker.taskAssigned.service,
      subscriptions: [on('nothing', [taskTracker.taskAssigned, taskTracker.taskCompleted], () => Promise.resolve())],
      derived: [],
    },
  ],
  migrations: {},
})
/** Says what is in its outbox, and nothing else. */
const producer = defineService({
  name: 'task-tracker',
  contract: contract('task-tracker', {}),
  handlers: {},
  migrations: {},
})

const byIdleReader = async (url: string): Promise<void> => {
  await using ends = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'ates-bench-'))
  ends.defer(() => rm(dataDir, { recursive: true, force: true }))
  const server = await startEmbedded({ dataDir, log })
  ends.defer(() => server.stop())
  const services = [producer, idleReader]
  const schemas = services.map(({ schema }) => schema)
  const admin = new pg.Client(server.connection('postgres', 'postgres'))
  await admin.connect()
  await admin.query('create database bench')
  await admin.end()
  await prepareDatabase(server.connection('postgres', 'bench'), schemas)
  const open = (schema: string): Database => {
    const connection = server.connection(roleOf(schema), 'bench')
    const database = openPostgres({ connection, schema, maxConnections: 10, namedStatements: true, log })
    ends.defer(() => database.close())
    return database
  }
  const databases = new Map(schemas.map((schema) => [schema, open(schema)]))
  const databaseOf = ({ schema }: { readonly schema: string }) => databases.get(schema) as Database
  const bus = natsBus({ url, prefix: 'bench', replicas: 1, log })
  ends.defer(() => bus.close())
  const host = await startHost({
    services,
    database: databaseOf,
    bus,
    connect: (local) => localTransport(local),
    clock: databaseClock,
    random: systemRandom,
    log,
    migrate: true,
    loops: true,
  })
  ends.use(host)
  await measure('a consumer that does nothing', host, databaseOf(producer))
}

const byLedger = async (url: string): Promise<void> => {
  let tracker: Database | undefined
  const database = (one: Database): Database => {
    if (one.schema === producer.schema) tracker = one
    return one
  }
  await onFreshApplication(
    async ({ host }) => {
      if (!tracker) throw new Error('no database of the task tracker')
      await measure('the ledger', host, tracker)
      const behalf = { ...as({ id: 1, role: 'admin' }), timeoutMs: 60_000 }
      const { postings, differences } = must(await host.call(accounting.verifyLedger, {}, behalf))
      say(`${postings} postings, ${differences.length} differences`)
    },
    { database },
    { ATES_NATS_URL: url },
  )
}

say(machine())
await using broker = await openBroker()
await byIdleReader(broker.url)
await byLedger(broker.url)
