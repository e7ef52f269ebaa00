// Starts any set of services in this process and stops them in order; tells whether they are healthy and settled.
import { z } from 'zod'
import { type Beside, startBeside } from './beside.ts'
import { type Caller, caller } from './caller.ts'
import { type Fetched, type Reader, startReader, type Undelivered } from './consume.ts'
import { serviceRole } from './contract.ts'
import { type Execute, executor, forgetKeys, methodTable } from './execute.ts'
import type { Applying } from './handle.ts'
import { startJobs } from './jobs.ts'
import { type Loop, startLoop } from './loop.ts'
import { checkSchema, migrate } from './migrations.ts'
import type { Bus, Clock, Database, Log, Random, Tracing, Transport } from './ports.ts'
import { type Replayed, replay, type ReplayOptions } from './replay.ts'
import { Fault, must } from './result.ts'
import type { LoopContext, Service } from './service.ts'
import type { ServiceState } from './service-state.ts'
import { settle } from './settle.ts'
import { type StandardContract, standardContract } from './standard.ts'
import { type Process, standardHandlers } from './standard-handlers.ts'
import { startRelay, streamHead } from './stream.ts'
import { noTracing } from './tracing.ts'

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
  /** Told of events that a consumer had to read from the producer's log. */
  readonly fetched?: (fetched: Fetched) => void
  /** Other processes may run the same services on the same databases: share out the reading by leases. */
  readonly replicas?: boolean
  /** How the ways to other services are. */
  readonly breakers?: () => ServiceState['breakers']
  /** Nothing is traced when not given. */
  readonly tracing?: Tracing
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
  /** What each service of this process says of itself; those whose database does not answer are left out. */
  measure(): Promise<ServiceState[]>
  /** What consumers of this process are waiting for. */
  undelivered(): Undelivered[]
  /**
   * Resolves when every event committed so far is applied and no job can go on. Throws after `timeoutMs`
   * (30,000 when not given) with what is still open.
   */
  settle(timeoutMs?: number): Promise<void>
  /** Rebuilds what a service's consumers derive from events beside what they have. Throws when there is nothing to rebuild. */
  replay(service: string, how: Pick<ReplayOptions, 'swap' | 'mostNamed'>): Promise<Replayed>
  /** What the loops of a service of this process work with, for tools that take a turn at them. */
  contextOf(service: string): LoopContext
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
  readonly beside: Beside[]
}

const hourMs = 60 * 60 * 1_000

export const startHost = async (options: HostOptions): Promise<Host> => {
  const { services, tracing = noTracing } = options
  const calls = countCalls()
  const { random, breakers = () => ({}) } = options
  const process = { instance: random.uuid(), begunMs: performance.now(), breakers }
  const others: Caller = (method, input, behalf) => call(method, input, behalf)
  const running = services.map((service) => prepare(service, process, { ...options, call: others }))
  const local = new Map(
    running.map(({ service, execute }) => [
      service.name,
      calls.counted(traced(observed(execute, options.called), tracing)),
    ]),
  )
  const call: Caller = caller(options.connect(local))

  const loops = () => running.flatMap((one) => [...one.loops, ...one.readers])
  const stop = async () => {
    await calls.end()
    // What calls others first, while they are still there.
    await Promise.all(running.flatMap(({ beside }) => beside.map((loop) => loop.stop())))
    for (const { loops: own, readers } of running) await Promise.all([...readers, ...own].map((loop) => loop.stop()))
  }
  try {
    // A tool that only calls has no business with schemas, and works while one of them is out of reach.
    const bring = options.migrate ? migrate : options.loops ? checkSchema : null
    for (const { service, database } of running) await bring?.(database, service.migrations, options.log)
    if (options.loops) for (const one of running) await startLoops(one, { ...options, call })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    call,
    local,
    health: () => healthOf(running, [...loops(), ...running.flatMap(({ beside }) => beside)]),
    measure: () => measureAll(running),
    undelivered: () => running.flatMap(({ readers }) => readers.flatMap((reader) => reader.undelivered() ?? [])),
    settle: (timeoutMs = 30_000) => settle(running, loops(), timeoutMs),
    replay: (name, how) => {
      const applying = running
        .find(({ service }) => service.name === name)
        ?.applying.find(({ consumer }) => consumer.derived.length > 0)
      if (!applying) throw new Fault('internal', `${name} derives nothing from events that a replay could rebuild`)
      return replay({ applying, readLog: remoteLog(call), ...how })
    },
    contextOf: (name) => {
      const database = running.find(({ service }) => service.name === name)?.database
      if (!database) throw new Error(`${name} does not run here`)
      const { clock, log } = options
      return { database, call, clock, random, log, turn: { held: () => true } }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

const prepare = (service: Service, process: Process, options: HostOptions & { readonly call: Caller }): Running => {
  const { bus, clock, random, log, call, tracing = noTracing } = options
  const database = options.database(service)
  const loops: Loop[] = []
  const readers: Reader[] = []
  const beside: Beside[] = []
  const applying = service.consumers.map((consumer): Applying => ({ database, consumer, clock, random, log, tracing }))
  const standard = {
    contract: standardContract(service.name),
    handlers: standardHandlers({
      service: service.name,
      database,
      bus,
      consumers: applying,
      readers: () => readers,
      loops: () => [...loops, ...beside],
      process,
    }),
  }
  const committed = () => {
    for (const loop of [...loops, ...beside]) loop.wake()
  }
  const executing = { database, clock, random, log, committed, tracing, call }
  const execute = executor(methodTable([service, standard]), executing)
  return { service, database, execute, applying, loops, readers, beside }
}

type LoopDeps = Pick<HostOptions, 'bus' | 'clock' | 'random' | 'log' | 'replicas' | 'fetched' | 'tracing'> & {
  readonly call: Caller
}

const startLoops = async (running: Running, deps: LoopDeps): Promise<void> => {
  const { service, database, loops, readers, beside } = running
  const { bus, clock, random, log, call, replicas: shared = false, fetched, tracing = noTracing } = deps
  const told = fetched ? { fetched } : {}
  const relay = startRelay({ database, stream: service.name, bus, log, tracing })
  const { wake: committed } = relay
  loops.push(relay)
  loops.push(...startJobs({ database, jobs: service.jobs, clock, random, log, committed, tracing, name: service.name }))
  const forget = async (): Promise<'more' | 'idle'> => {
    return (await forgetKeys(database, clock)) ? 'more' : 'idle'
  }
  loops.push(startLoop({ name: `old keys of ${service.name}`, pollMs: hourMs, log, pass: forget }))
  for (const consumer of service.consumers) {
    const reading = { database, consumer, clock, random, log, bus, readLog: remoteLog(call), shared, tracing, ...told }
    readers.push(await startReader(reading))
  }
  beside.push(...startBeside(service, database, { clock, random, log, call, shared }))
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

/** A call is a part of its caller's trace, in this process or another. */
const traced =
  (execute: Execute, tracing: Tracing): Execute =>
  (call) => {
    const attributes = { 'ates.request_id': call.requestId }
    const options = call.trace ? { kind: 'server' as const, from: call.trace, attributes } : { attributes }
    return tracing.span(`${call.service} ${call.method}`, options, async (note) => {
      const outcome = await execute(call)
      note({ 'ates.outcome': 'refused' in outcome ? outcome.refused : 'ok' })
      return outcome
    })
  }

const measureAll = async (running: readonly Running[]): Promise<ServiceState[]> => {
  const asked = { input: {}, actor: { id: null, role: serviceRole }, requestId: 'measure' }
  const measured = await Promise.allSettled(
    running.map(async ({ service, execute }) => {
      const { getState: method }: StandardContract = standardContract(service.name)
      const call = { ...asked, service: service.name, method: method.name, deadlineMs: performance.now() + 2_000 }
      return z.parse(method.output, must(await execute(call)))
    }),
  )
  return measured.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
}

const healthOf = async (
  running: readonly Running[],
  loops: readonly Pick<Loop, 'name' | 'trouble'>[],
): Promise<Health> => {
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
