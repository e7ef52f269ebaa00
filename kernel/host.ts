// Starts any set of services in this process and stops them in order; tells whether they are healthy and settled.
import { type Caller, caller } from './caller.ts'
import { type Reader, startReader, type Undelivered } from './consume.ts'
import { serviceRole } from './contract.ts'
import { type Execute, executor, forgetKeys, methodTable } from './execute.ts'
import type { Applying } from './handle.ts'
import { hasOpenJob, startJobs } from './jobs.ts'
import { type Loop, startLoop } from './loop.ts'
import { type Measures, measureService } from './measure.ts'
import { migrate } from './migrations.ts'
import { listPositions } from './position.ts'
import type { Bus, Clock, Database, Log, Random, Transport } from './ports.ts'
import { type Replayed, replay } from './replay.ts'
import { must } from './result.ts'
import type { Service } from './service.ts'
import { type StandardContract, standardContract, standardHandlers } from './standard.ts'
import { hasUnnumbered, startRelay, streamHead } from './stream.ts'

export interface HostOptions {
  readonly services: readonly Service[]
  readonly database: (service: Service) => Database
  readonly bus: Bus
  /** Makes the way to all services from those that run here. */
  readonly connect: (local: ReadonlyMap<string, Execute>) => Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Bring the schemas up to date first. */
  readonly migrate: boolean
  /** Run relays, consumers and jobs; false for tools that only call. */
  readonly loops: boolean
  /** Told of every call that ended. */
  readonly called?: (call: Called) => void
  /** Other processes may run the same services on the same databases: share out the reading by leases. */
  readonly replicas?: boolean
}

export interface Called {
  readonly service: string
  readonly method: string
  /** 'ok', the code of a refusal, or 'fault'. */
  readonly outcome: string
  readonly ms: number
}

export interface Health {
  readonly ready: boolean
  /** What is wrong, by part; empty when nothing is. */
  readonly troubles: Readonly<Record<string, string>>
}

export interface Host extends AsyncDisposable {
  readonly call: Caller
  /** The services of this process, by name: for a transport that serves them to others. */
  readonly local: ReadonlyMap<string, Execute>
  health(): Promise<Health>
  /** How far each service of this process is; those whose database does not answer are left out. */
  measure(): Promise<Measures[]>
  /** What consumers of this process are waiting for. */
  undelivered(): Undelivered[]
  /**
   * Resolves when every event committed so far is applied and no job can go on. Throws after `timeoutMs`
   * (30,000 when not given) with what is still open.
   */
  settle(timeoutMs?: number): Promise<void>
  /** Rebuilds what a service's consumers derive from events beside what they have. Throws when there is nothing to rebuild. */
  replay(service: string, how: { swap: boolean }): Promise<Replayed>
  /** Lets calls in progress end, then stops jobs, consumers and relays. */
  stop(): Promise<void>
}

interface Running {
  readonly service: Service
  readonly database: Database
  readonly execute: Execute
  readonly applying: readonly Applying[]
  readonly loops: Loop[]
  readonly readers: Reader[]
}

const hourMs = 60 * 60 * 1_000

export const startHost = async (options: HostOptions): Promise<Host> => {
  const { services } = options
  const calls = countCalls()
  const running = services.map((service) => prepare(service, options))
  const local = new Map(
    running.map(({ service, execute }) => [service.name, calls.counted(observed(execute, options.called))]),
  )
  const call = caller(options.connect(local))

  const loops = () => running.flatMap((one) => [...one.loops, ...one.readers])
  const stop = async () => {
    await calls.end()
    for (const { loops: own, readers } of running) await Promise.all([...readers, ...own].map((loop) => loop.stop()))
  }
  try {
    if (options.migrate) for (const { service, database } of running) await migrate(database, service.migrations)
    if (options.loops) for (const one of running) await startLoops(one, { ...options, call })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    call,
    local,
    health: () => healthOf(running, loops()),
    measure: () => measureAll(running, options.clock),
    undelivered: () => running.flatMap(({ readers }) => readers.flatMap((reader) => reader.undelivered() ?? [])),
    settle: (timeoutMs = 30_000) => settle(running, loops(), timeoutMs),
    replay: (name, { swap }) => {
      const applying = running
        .find(({ service }) => service.name === name)
        ?.applying.find(({ consumer }) => consumer.derived.length > 0)
      if (!applying) throw new Error(`${name} derives nothing from events that a replay could rebuild`)
      return replay({ applying, readLog: remoteLog(call), swap })
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

const prepare = (service: Service, { database: databaseOf, clock, random, log }: HostOptions): Running => {
  const database = databaseOf(service)
  const loops: Loop[] = []
  const readers: Reader[] = []
  const applying = service.consumers.map((consumer): Applying => ({ database, consumer, clock, random, log }))
  const standard = {
    contract: standardContract(service.name),
    handlers: standardHandlers({ service: service.name, database, consumers: applying, readers: () => readers }),
  }
  const committed = () => {
    for (const loop of loops) loop.wake()
  }
  const execute = executor(methodTable([service, standard]), { database, clock, random, log, committed })
  return { service, database, execute, applying, loops, readers }
}

type LoopDeps = Pick<HostOptions, 'bus' | 'clock' | 'random' | 'log' | 'replicas'> & { readonly call: Caller }

const startLoops = async ({ service, database, loops, readers }: Running, deps: LoopDeps): Promise<void> => {
  const { bus, clock, random, log, call, replicas: shared = false } = deps
  const relay = startRelay({ database, stream: service.name, bus, log })
  const { wake: committed } = relay
  loops.push(relay)
  loops.push(...startJobs({ database, jobs: service.jobs, clock, random, log, committed, name: service.name }))
  const forget = async (): Promise<'more' | 'idle'> => {
    return (await forgetKeys(database, clock)) ? 'more' : 'idle'
  }
  loops.push(startLoop({ name: `old keys of ${service.name}`, pollMs: hourMs, log, pass: forget }))
  for (const consumer of service.consumers) {
    readers.push(await startReader({ database, consumer, clock, random, log, bus, readLog: remoteLog(call), shared }))
  }
}

/** Reads a producer's log by calling it, wherever it runs. */
const remoteLog = (call: Caller) => async (stream: string, from: number, limit: number) => {
  const { readLog: method }: StandardContract = standardContract(stream)
  const behalf = { actor: { id: null, role: serviceRole }, requestId: `log-${stream}-${from}` }
  return must(await call(method, { from, limit }, behalf))
}

/** Counts the calls in progress, so that a stop can wait for them. */
const countCalls = () => {
  const inProgress = new Set<Promise<unknown>>()
  return {
    counted:
      (execute: Execute): Execute =>
      (call) => {
        const result = execute(call).finally(() => inProgress.delete(result))
        inProgress.add(result)
        return result
      },
    end: async () => {
      await Promise.allSettled(inProgress)
    },
  }
}

const observed = (execute: Execute, called: HostOptions['called']): Execute => {
  if (!called) return execute
  return async (call) => {
    const begun = performance.now()
    let outcome = 'fault'
    try {
      const result = await execute(call)
      outcome = 'refused' in result ? result.refused : 'ok'
      return result
    } finally {
      called({ service: call.service, method: call.method, outcome, ms: performance.now() - begun })
    }
  }
}

const measureAll = async (running: readonly Running[], clock: Clock): Promise<Measures[]> => {
  const measured = await Promise.allSettled(
    running.map(({ service, database }) => measureService(database, clock, service.name)),
  )
  return measured.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
}

const healthOf = async (running: readonly Running[], loops: readonly Loop[]): Promise<Health> => {
  const troubles: Record<string, string> = {}
  const deadlineMs = performance.now() + 2_000
  const look = ({ service, database }: Running) =>
    database
      .transaction('health', (tx) => streamHead(tx, database.schema), { readOnly: true, deadlineMs })
      .catch((error: unknown) => (troubles[`database of ${service.name}`] = String(error)))
  await Promise.all(running.map(look))
  const ready = Object.keys(troubles).length === 0
  for (const loop of loops) if (loop.trouble) troubles[loop.name] = loop.trouble
  for (const reader of running.flatMap(({ readers }) => readers)) {
    const undelivered = reader.undelivered()
    if (undelivered) troubles[reader.name] = `events after ${undelivered.after}: ${undelivered.reason}`
  }
  return { ready, troubles }
}

const settle = async (running: readonly Running[], loops: readonly Loop[], timeoutMs: number): Promise<void> => {
  const end = performance.now() + timeoutMs
  for (;;) {
    const restless = await drain(loops, end)
    const open = await openWork(running)
    if (restless.length === 0 && open.length === 0) return
    if (performance.now() >= end) throw new Error(`not settled: ${[...open, ...restless].join('; ')}`)
  }
}

/** Waits for a pass of each loop that finds nothing, and names those that had none when the time was over. */
const drain = async (loops: readonly Loop[], end: number): Promise<string[]> => {
  const restless = new Set(loops)
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, Math.max(0, end - performance.now())).unref()
  await Promise.race([Promise.all(loops.map((loop) => loop.drained().then(() => restless.delete(loop)))), late.promise])
  clearTimeout(timer)
  return [...restless].map(({ name, trouble }) => `no rest: ${name}${trouble === null ? '' : ` (${trouble})`}`)
}

/** What is committed and not yet applied everywhere in this process. */
const openWork = async (running: readonly Running[]): Promise<string[]> => {
  const open: string[] = []
  const heads = new Map<string, number>()
  for (const { service, database } of running) {
    await database.transaction('settle.look', async (tx) => {
      heads.set(service.name, (await streamHead(tx, database.schema)).head)
      if (await hasUnnumbered(tx, database.schema)) open.push(`the outbox of ${service.name}`)
      if (await hasOpenJob(database.schema, tx)) open.push(`a job of ${service.name}`)
    })
  }
  for (const { database } of running) {
    const positions = await database.transaction('settle.positions', (tx) => listPositions(tx, database.schema))
    for (const { consumer, stream, number } of positions) {
      const head = heads.get(stream) ?? number
      if (number < head) open.push(`${consumer} at ${number} of ${head} in ${stream}`)
    }
  }
  return open
}
