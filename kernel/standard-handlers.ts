// The handlers of the methods that every service has.
import type { Reader } from './consume.ts'
import { deliver, rehearseDelivery } from './deliver.ts'
import { digestEffects, digestLog, listDiscarded, listEffects, listLog } from './digest.ts'
import { type Applying, keyOf } from './handle.ts'
import { historyHandlers } from './history-methods.ts'
import { snapshotAge } from './horizon.ts'
import type { Loop } from './loop.ts'
import { pageOf } from './page.ts'
import { discardParked, listParked, type ParkedEvent, parkedMarkOf, restoreParked, retryParked } from './parked.ts'
import { findPosition, listPositions, lockPosition, setPositionState } from './position.ts'
import type { Bus, Database } from './ports.ts'
import { ok, refuse } from './result.ts'
import type { Handler, Handlers } from './service.ts'
import type { ServiceState } from './service-state.ts'
import { mostDelivered, type StandardContract } from './standard.ts'
import { readConsumers, readJobs, readParkedGroups, readStreamState } from './state.ts'
import { type EventBatch, readLog, streamHead } from './stream.ts'

/** A loop, as far as its troubles go. */
type Named = Pick<Loop, 'name' | 'trouble'>

/** What a process knows of itself. */
export interface Process {
  readonly instance: string
  /** `performance.now()` when it began. */
  readonly begunMs: number
  readonly breakers: () => ServiceState['breakers']
}

export interface StandardDeps {
  readonly service: string
  readonly database: Database
  readonly bus: Bus
  readonly consumers: readonly Applying[]
  /** The readers that run in this process, for what they see as overdue. */
  readonly readers: () => readonly Reader[]
  /** Everything else that runs in this process for the service. */
  readonly loops: () => readonly Named[]
  readonly process: Process
}

const stateHandler = (deps: StandardDeps): Handler<StandardContract['getState']> => {
  const { service, database, process, readers, loops } = deps
  const { schema } = database
  const oldestSnapshot = snapshotAge()
  return async (_input, { tx, now }) =>
    ok({
      service,
      instance: process.instance,
      startedAt: new Date(now.getTime() - (performance.now() - process.begunMs)).toISOString(),
      now: now.toISOString(),
      stream: { ...(await readStreamState(tx, schema, now)), oldestSnapshotMs: await oldestSnapshot(tx) },
      positions: await readConsumers(tx, schema),
      parkedGroups: await readParkedGroups(tx, schema),
      jobs: await readJobs(tx, schema),
      undelivered: readers().flatMap((reader) => reader.undelivered() ?? []),
      troubles: troublesOf([...loops(), ...readers()]),
      breakers: process.breakers(),
    })
}

const onWire = ({ parkedAt, decidedAt, ...event }: ParkedEvent) => ({
  ...event,
  parkedAt: parkedAt.toISOString(),
  decidedAt: decidedAt?.toISOString() ?? null,
})

const troublesOf = (loops: readonly Named[]): Record<string, string> =>
  Object.fromEntries(loops.flatMap(({ name, trouble }) => (trouble === null ? [] : [[name, trouble]])))

export const standardHandlers = (deps: StandardDeps): Handlers<StandardContract> => {
  const { service, database, bus, consumers } = deps
  const { schema } = database
  const named = (name: string) => consumers.find(({ consumer }) => consumer.name === name)
  return {
    getState: stateHandler(deps),
    readLog: async ({ from, limit }, { tx }) => ok(await readLog(tx, schema, service, from, limit)),
    ...parkedHandlers(schema, named),
    setConsumerState: async ({ consumer, state, reason }, { tx }) => {
      const own = (await listPositions(tx, schema)).filter((position) => position.consumer === consumer)
      if (own.length === 0) return refuse('consumer_not_found')
      for (const { stream } of own) {
        const key = { schema, consumer, stream }
        if ((await lockPosition(tx, key)).state === 'forked') return refuse('consumer_forked')
        await setPositionState(tx, key, state, state === 'paused' ? reason : null)
      }
      return ok({})
    },
    deliver: async ({ consumer, batch, dryRun }, { tx, actor, now }) => {
      const applying = named(consumer)
      if (!applying) return refuse('consumer_not_found')
      if (batch.stream !== applying.consumer.stream) return refuse('other_stream')
      if (!isConsecutive(batch)) return refuse('not_consecutive')
      return ok(await (dryRun ? rehearseDelivery : deliver)(applying, tx, batch, { by: actor.id, now }))
    },
    republish: async ({ from, to }, { tx }) => {
      const batch = await readLog(tx, schema, service, from - 1, Math.min(to - from + 1, mostDelivered))
      const last = batch.events.at(-1)
      // The bus is asked while nothing is locked and nothing was changed: when it does not answer, nothing was said.
      if (last) await bus.publish(batch)
      return ok({ count: batch.events.length, upTo: last?.number ?? from - 1 })
    },
    ...comparing(schema, named),
    ...historyHandlers(schema, named),
  }
}

const isConsecutive = ({ events }: EventBatch): boolean =>
  events.every(({ number }, index) => number === (events[0]?.number ?? 0) + index)

type ParkedMethods = 'getParked' | 'retryParked' | 'retryParkedEvents' | 'discardParked' | 'restoreParked'

const parkedHandlers = (
  schema: string,
  named: (consumer: string) => Applying | undefined,
): Pick<Handlers<StandardContract>, ParkedMethods> => ({
  getParked: async (filter, { tx }) => {
    const rows = await listParked(tx, schema, { ...filter, limit: filter.limit + 1 })
    const { page, next } = pageOf(rows, filter.limit, parkedMarkOf)
    return ok({ parked: page.map(onWire), next })
  },
  retryParked: async ({ consumer, number }, { tx, actor, now }) => {
    const applying = named(consumer)
    const result = applying ? await retryParked(applying, tx, number, { by: actor.id, now }) : 'absent'
    return result === 'absent' ? refuse('not_parked') : ok({ result })
  },
  retryParkedEvents: async ({ consumer, numbers }, { tx, actor, now }) => {
    const applying = named(consumer)
    if (!applying) return refuse('consumer_not_found')
    const results: { number: number; result: string }[] = []
    for (const number of new Set(numbers))
      results.push({ number, result: await retryParked(applying, tx, number, { by: actor.id, now }) })
    return ok({ results })
  },
  discardParked: async ({ consumer, number, reason }, { tx, actor, now }) => {
    const applying = named(consumer)
    const done = applying && (await discardParked(applying, tx, number, { by: actor.id, now, reason }))
    return done ? ok({}) : refuse('not_parked')
  },
  restoreParked: async ({ consumer, number }, { tx, actor, now }) => {
    const applying = named(consumer)
    const done = applying && (await restoreParked(applying, tx, number, { by: actor.id, now }))
    return done ? ok({}) : refuse('not_discarded')
  },
})

type ComparingMethods = 'digestLog' | 'listLog' | 'digestEffects' | 'listEffects'

const comparing = (
  schema: string,
  named: (consumer: string) => Applying | undefined,
): Pick<Handlers<StandardContract>, ComparingMethods> => ({
  digestLog: async ({ types, ranges, without }, { tx }) => {
    const { head, epoch } = await streamHead(tx, schema)
    return ok({ head, epoch, digests: await digestLog(tx, schema, types, ranges, without) })
  },
  listLog: async ({ types, after, upTo }, { tx }) => {
    const { head } = await streamHead(tx, schema)
    return ok({ head, events: await listLog(tx, schema, types, { after, upTo }) })
  },
  digestEffects: async ({ consumer, ranges }, { tx }) => {
    const applying = named(consumer)
    if (!applying) return refuse('consumer_not_found')
    const { effects } = applying.consumer
    if (!effects) return refuse('no_effects')
    const key = keyOf(applying)
    const { number, epoch } = await findPosition(tx, key)
    return ok({
      position: number,
      epoch,
      types: effects.types.map(({ type, fields }) => ({ type, fields: [...fields] })),
      ...(await digestEffects(tx, key, effects, ranges)),
      discarded: await listDiscarded(tx, key, effects, ranges),
    })
  },
  listEffects: async ({ consumer, after, upTo }, { tx }) => {
    const applying = named(consumer)
    if (!applying) return refuse('consumer_not_found')
    const { effects } = applying.consumer
    if (!effects) return refuse('no_effects')
    const key = keyOf(applying)
    const { number } = await findPosition(tx, key)
    return ok({ position: number, events: await listEffects(tx, key, effects, { after, upTo }) })
  },
})
