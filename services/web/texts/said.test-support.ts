// For tests only: what services say in fixed words, made by the code that says it.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import { localBus } from '../../../adapters/bus/local.ts'
import { natsBus } from '../../../adapters/bus/nats.ts'
import { systemRandom } from '../../../adapters/random.ts'
import { type HttpTransport, httpTransport } from '../../../adapters/transport/http-client.ts'
import { localTransport } from '../../../adapters/transport/local.ts'
import { type Resilience, resilience } from '../../../adapters/transport/resilience.ts'
import { type Caller, caller } from '../../../kernel/caller.ts'
import { serviceRole } from '../../../kernel/contract.ts'
import { describeError } from '../../../kernel/failure.ts'
import { startHost } from '../../../kernel/host.ts'
import { startLoop } from '../../../kernel/loop.ts'
import { describeContract } from '../../../kernel/openapi.ts'
import type { Database } from '../../../kernel/ports.ts'
import { must, ok } from '../../../kernel/result.ts'
import type { Service } from '../../../kernel/service.ts'
import { standardContract } from '../../../kernel/standard.ts'
import { silent } from '../../../tests/support/silent.ts'
import { accounting } from '../../accounting/service.ts'
import { findDifferences } from '../../accounting/verification.ts'
import { identity, type IdentityParts } from '../../identity/service.ts'
import { toldToNobody } from '../../operations/alerts/loops.ts'
import { compareLog } from '../../operations/loops/compare-log.ts'
import { compareLedger } from '../../operations/loops/compare-whole.ts'
import { operations } from '../../operations/service.ts'
import { taskTracker } from '../../task-tracker/service.ts'
import { differingTasks, strayEvents } from '../../task-tracker/verification.ts'

/** What the work fails with, in one line as services keep it. */
const failureOf = async (work: () => Promise<unknown>): Promise<string> => {
  try {
    return `no failure: ${JSON.stringify(await work())}`
  } catch (error) {
    return describeError(error)
  }
}

const standard = standardContract('accounting')
const asWatcher = { actor: { id: null, role: serviceRole }, requestId: 'look' }
/** Asked as the watcher asks, which waits for so long. */
const ask = (call: Caller, timeoutMs = 20_000): Promise<string> =>
  failureOf(async () => must(await call(standard.getState, {}, { ...asWatcher, timeoutMs })))

const nothing = () => Promise.resolve(null)
const tokens = { sign: () => Promise.resolve('-'), verify: nothing, aheadSeconds: nothing }
const overHttp = (accounting: string): HttpTransport => httpTransport({ addresses: { accounting }, tokens })

/** A server on a free port, which is gone when the work has ended. */
const served = async <T>(
  answer: RequestListener,
  work: (address: string, close: () => void) => Promise<T>,
): Promise<T> => {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, close)
  } finally {
    close()
  }
}

const contract = JSON.stringify(describeContract('accounting', standard))
/** A service that publishes what it offers, and answers calls like this. */
const answering =
  (calls: RequestListener): RequestListener =>
  (request, response) =>
    request.url === '/openapi.json' ? void response.end(contract) : calls(request, response)

const failing = (status: number, body: object): RequestListener =>
  answering((_request, response) => void response.writeHead(status).end(JSON.stringify(body)))

/** Why a service that is asked over HTTP is silent. */
export const silences = async () => {
  const first = (answer: RequestListener, timeoutMs?: number) =>
    served(answer, (address) => ask(caller(overHttp(address)), timeoutMs))
  const silent: RequestListener = () => undefined
  return {
    cut: await first(answering(({ socket }) => void socket.destroy())),
    unwell: await first(failing(503, { code: 'unavailable' })),
    somebodyElse: await first(failing(502, {})),
    refused: await first(failing(401, { code: 'unauthenticated', detail: 'no token' })),
    withoutContract: await first((_request, response) => void response.writeHead(500).end()),
    contractLate: await first(silent, 100),
    late: await served(answering(silent), async (address) => {
      const transport = overHttp(address)
      await transport.published('accounting')
      return ask(caller(transport), 100)
    }),
    ...(await served(failing(200, {}), async (address, close) => {
      const call = caller(overHttp(address))
      await ask(call)
      close()
      const gone = await ask(call)
      let cutOff = gone
      for (let tries = 0; tries < 20 && cutOff === gone; tries += 1) cutOff = await ask(call)
      return { gone, cutOff }
    })),
    nowhere: await ask(caller(httpTransport({ addresses: {}, tokens }))),
    notHere: await ask(caller(localTransport(new Map()))),
  }
}

/** Why a call is not even tried, or waits in vain for its turn. */
export const restraints = async () => {
  const { promise: work, resolve: end } = Promise.withResolvers<string>()
  const calling = (way: Resilience, forMs: number) =>
    failureOf(() => way.run(() => work, { deadlineMs: performance.now() + forMs, repeatable: false }))
  const narrow = resilience({ parallel: 1, waiting: 1 })
  const first = calling(narrow, 10_000)
  const second = calling(narrow, 100)
  const tooMany = await calling(narrow, 100)
  const waited = await second
  end('done')
  await first
  return { tooMany, waited, late: await calling(resilience(), -1) }
}

/** Why events cannot be published. */
export const brokenBuses = async () => {
  const batch = {
    stream: 'task-tracker',
    epoch: 1,
    head: 1,
    predecessor: null,
    events: [
      {
        number: 1,
        eventId: crypto.randomUUID(),
        type: 'TaskCompleted',
        version: 1,
        about: '1',
        data: {},
        at: '2026-03-14T12:00:00Z',
        requestId: '-',
        actor: null,
      },
    ],
  }
  const port = await served(
    () => undefined,
    (address) => Promise.resolve(new URL(address).port),
  )
  const nats = natsBus({ url: `nats://127.0.0.1:${port}`, prefix: 'said', replicas: 1, log: silent })
  const local = localBus()
  const noBroker = await failureOf(() => nats.publish(batch))
  const noBrokerForHeads = await failureOf(() => nats.publish({ ...batch, events: [] }))
  await Promise.all([nats.close(), local.close()])
  return { noBroker, noBrokerForHeads, closed: await failureOf(() => local.publish(batch)) }
}

/** Its schema is as it should be, and everything else fails. */
const brokenDatabase = ({ schema }: Service): Database => ({
  schema,
  transaction: (name) =>
    name === 'migrate.check' ? Promise.resolve(undefined as never) : Promise.reject(new Error('out of order')),
  close: () => Promise.resolve(),
})

const channel = (name: string) => ({ name, send: () => Promise.resolve() })
const alerts = { ...toldToNobody, channels: ['webhook', 'mail'].map(channel), beat: () => Promise.resolve() }

/** The names of all parts of all services, which fail, and with what a call of them fails. */
export const troubledParts = async () => {
  const watching = operations({ watched: ['accounting'], alerts })
  await using host = await startHost({
    services: [
      identity({ signInMigrations: {} } as IdentityParts),
      taskTracker,
      accounting({ timeZone: 'UTC' }),
      watching,
    ],
    database: brokenDatabase,
    bus: localBus(),
    connect: (local) => localTransport(local),
    clock: { now: () => Promise.resolve(new Date()) },
    random: systemRandom,
    log: silent,
    migrate: false,
    loops: true,
  })
  await turn()
  const { troubles } = await host.health()
  const failing = Object.keys(troubles).filter((part) => !part.startsWith('database of '))
  // The sign of life has nothing to say where nobody watches, and does not fail.
  const beside = watching.loops(host.contextOf('operations'))
  await Promise.all(beside.map((loop) => loop.stop()))
  return { parts: [...new Set([...failing, ...beside.map(({ name }) => name)])], called: await ask(host.call) }
}

/** What is wrong with a part that has been in one pass for so many milliseconds. */
export const stuckFor = async (ms: number): Promise<string> => {
  const begun = performance.now()
  const { promise: pass, resolve: end } = Promise.withResolvers<'idle'>()
  const loop = startLoop({ name: 'stuck', pollMs: 1_000, log: silent, pass: () => pass })
  const later = mock.method(performance, 'now', () => begun + ms)
  const said = String(loop.trouble)
  later.mock.restore()
  end('idle')
  await loop.stop()
  return said
}

/** The rules that the services check, by the words in their statements. */
export const rulesChecked = async (): Promise<string[]> => {
  const found: string[] = []
  const kysely = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query: { sql, parameters } }) => {
      for (const [, words, at] of sql.matchAll(/(?:'([^']*)'|\$(\d+)) as what\b/g))
        found.push(words ?? String(parameters[Number(at) - 1]))
    },
  })
  const names = { assigned: 'TaskAssigned', completed: 'TaskCompleted' }
  await kysely.transaction().execute(async (tx) => {
    await findDifferences(tx)
    await differingTasks(tx, names, 0, 1)
    await strayEvents(tx, names, 0, 1)
  })
  return found
}

const seenNow = { step: 0, progress: null, now: new Date('2026-03-14T12:00:00Z') }
const aboutOf = (compared: Awaited<ReturnType<typeof compareLedger.next>>): string =>
  typeof compared === 'string' || compared === null ? String(compared) : (compared.found[0]?.about ?? '')

/** What a difference is about that a service found in its own tables. */
export const aboutOwn = async (where: string, what: string): Promise<string> => {
  const differences = [{ where, what, expected: '1', found: '2' }]
  const call = (() => Promise.resolve(ok({ postings: 1, accounts: 1, upTo: 1, differences }))) as Caller
  return aboutOf(await compareLedger.next({ ...seenNow, call }, () => Promise.reject(new Error('nothing is read'))))
}

/** The same of one that was found between two services, in an event of the log. */
export const aboutEvent = async (number: number): Promise<string> => {
  const event = { number, eventId: '0b54b6a6-7f0e-4d0c-9d0c-6a3c9d4f0a11', type: 'TaskCompleted', data: {} }
  const digests = [{ count: 1, hash: 'same' }]
  const told = { digests, types: [], setAside: [], discarded: [{ ...event, reason: 'sent twice' }] }
  const read = () => Promise.resolve([{ number, epoch: 1, state: 'running' }, { numbers: [] }] as never)
  const sides = { name: 'log-ledger', stream: 'task-tracker', service: 'accounting', consumer: 'ledger' }
  return aboutOf(await compareLog(sides).next({ ...seenNow, call: (() => Promise.resolve(ok(told))) as Caller }, read))
}
