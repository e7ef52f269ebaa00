// Reads one stream for one consumer: takes what the bus brings in order, fetches from the producer's log what it does
// not bring, and says since when and why something is missing.
import { applyRun } from './apply.ts'
import { describeError } from './failure.ts'
import { findFork, stopForked } from './fork.ts'
import { type Applying, isUnknownVersion, keyOf, type Run } from './handle.ts'
import { alwaysHeld, notYetHeld, startLease } from './lease.ts'
import { type Loop, startLoop } from './loop.ts'
import { openPosition, lockPosition, type Position } from './position.ts'
import type { Bus } from './ports.ts'
import type { EventBatch, EventRecord } from './stream.ts'

/** Reads the producer's log: events after `from`, at most `limit`. Throws when the producer cannot be reached. */
export type ReadLog = (stream: string, from: number, limit: number) => Promise<EventBatch>

/** Events that the producer has and this consumer does not, for longer than the grace. */
export interface Undelivered {
  readonly consumer: string
  readonly stream: string
  readonly after: number
  readonly head: number
  /** Milliseconds since this was first seen. */
  readonly forMs: number
  readonly reason: string
}

export interface Reader extends Loop {
  readonly consumer: string
  readonly stream: string
  undelivered(): Undelivered | null
}

export interface ReaderOptions extends Applying {
  readonly bus: Bus
  readonly readLog: ReadLog
  /** Other replicas may read for the same consumer: only the one that holds the lease does. */
  readonly shared?: boolean
  /** How long a hole may be explained by what is on its way; milliseconds. */
  readonly graceMs?: number
  /** How long a silent producer is believed; milliseconds. */
  readonly silenceMs?: number
}

/** One transaction applies at most this many events. */
const batchSize = 2_000
/** Events held while the ones before them are missing or being applied; what does not fit is fetched from the log. */
const mostHeld = 10_000

/** What the bus has brought and the position has not reached. */
class Held {
  private readonly byNumber = new Map<number, { predecessor: string | null; event: EventRecord }>()
  head = 0
  overflowed = false
  heardAt = -Infinity

  add(batch: EventBatch, position: number): void {
    this.head = Math.max(this.head, batch.head)
    this.heardAt = performance.now()
    let { predecessor } = batch
    for (const event of batch.events) {
      if (event.number > position) {
        if (this.byNumber.size >= mostHeld) {
          this.overflowed = true
          return
        }
        this.byNumber.set(event.number, { predecessor, event })
      }
      predecessor = event.eventId
    }
  }

  /** The consecutive events right after the position, up to the first that does not name its predecessor's id. */
  take(position: number, limit: number): Run {
    const first = this.byNumber.get(position + 1)
    const events: EventRecord[] = []
    for (let next = first; next && events.length < limit; next = this.byNumber.get(next.event.number + 1)) {
      const before = events.at(-1)
      if (before && next.predecessor !== before.eventId) break
      events.push(next.event)
    }
    return { predecessor: first?.predecessor ?? null, events }
  }

  forget(upTo: number): void {
    for (const number of this.byNumber.keys()) if (number <= upTo) this.byNumber.delete(number)
    if (this.byNumber.size === 0) this.overflowed = false
  }

  drop(): void {
    this.byNumber.clear()
  }
}

export const startReader = async (options: ReaderOptions): Promise<Reader> => {
  const { consumer, bus, database, log, readLog, shared = false, graceMs = 1_000, silenceMs = 3_000 } = options
  const { name, stream } = consumer
  const held = new Held()
  let lease = shared ? notYetHeld : alwaysHeld
  let position: Position | null = null
  let behindSince: number | null = null
  let reason = ''
  let asked = false
  /** Why what the producer says cannot follow from what was applied. */
  let fork: string | null = null

  const load = () =>
    database.transaction('position.open', async (tx) => {
      await openPosition(tx, keyOf(options))
      return lockPosition(tx, keyOf(options))
    })

  const fetch = async (from: number): Promise<Run> => {
    const batch = await readLog(stream, from, batchSize).catch((error: unknown) => {
      reason = `producer unreachable: ${describeError(error)}`
      throw error
    })
    asked = (batch.events.at(-1)?.number ?? from) >= batch.head
    held.head = Math.max(batch.head, held.head)
    held.heardAt = performance.now()
    if (batch.head < from) fork = `the producer's log ends at ${batch.head}, before event ${from}, which was applied`
    return batch
  }

  /** The next events: from the bus when they are there, from the log when they are late or were never sent. */
  const next = async (from: number): Promise<Run | null> => {
    const run = held.take(from, batchSize)
    if (run.events.length > 0) return run
    const behind = held.head > from
    behindSince = behind ? (behindSince ?? performance.now()) : null
    const late = behindSince !== null && performance.now() - behindSince >= graceMs
    const silent = performance.now() - held.heardAt >= silenceMs
    if (asked && !late && !silent && !held.overflowed) return null
    return fetch(from)
  }

  /** Another replica reads: what it leaves behind is read anew when the turn comes here. */
  const standBy = (): 'idle' => {
    position = null
    behindSince = null
    asked = false
    fork = null
    held.drop()
    return 'idle'
  }

  const pass = async (): Promise<'more' | 'idle'> => {
    if (!lease.held()) return lease.yielded() && position ? lookAgain(position) : standBy()
    position ??= await load()
    if (position.state !== 'running') {
      reason = position.reason ?? position.state
      fork = null
      position = await load()
      return position.state === 'running' ? 'more' : 'idle'
    }
    const from = position.number
    const run = fork === null ? await next(from) : null
    if (fork !== null) return refuseFork(position, fork)
    if (!run) return 'idle'
    const known = untilUnknown(run)
    if (known.events.length === 0 && run.events.length > 0) {
      await lease.yield()
      return lookAgain(position)
    }
    const moved = await applyRun(options, known).catch((error: unknown) => {
      // Another replica may have moved the position, or the change may have been committed after all.
      position = null
      asked = false
      throw error
    })
    position = moved
    held.forget(moved.number)
    if (moved.number > from) behindSince = null
    else if (run.events.length > 0) held.drop()
    if (moved.number >= held.head) reason = ''
    return moved.number > from || moved.state !== 'running' ? 'more' : 'idle'
  }

  /** A newer replica may have applied what this one waits for. */
  const lookAgain = async (known: Position): Promise<'more' | 'idle'> => {
    position = await load()
    if (position.number === known.number) return 'idle'
    held.forget(position.number)
    behindSince = null
    reason = ''
    return 'more'
  }

  /** What contradicts the position stops the consumer. An end before it may be old news: the log is asked. */
  const compare = (known: Position, batch: EventBatch): void => {
    fork ??= findFork(known, batch)
    if (batch.events.length === 0 && batch.head < known.number) asked = false
  }

  const refuseFork = async (known: Position, why: string): Promise<'more'> => {
    position = await stopForked(options, known, why)
    fork = null
    return 'more'
  }

  const untilUnknown = (run: Run): Run => {
    const end = run.events.findIndex((event) => isUnknownVersion(consumer, event))
    if (end < 0) return run
    const event = run.events[end]
    if (end === 0) {
      if (!reason.startsWith('waiting'))
        log.warn({ consumer: name, stream, number: event?.number }, 'unknown event version')
      behindSince ??= performance.now()
      reason = `waiting for a version that knows ${event?.type} ${event?.version}`
    }
    return { ...run, events: run.events.slice(0, end) }
  }

  const loop = startLoop({ name: `consumer ${name} of ${stream}`, pollMs: 500, log, pass })
  if (shared) lease = startLease({ database, name: `${name} of ${stream}`, log, gained: loop.wake })
  const end = async () => {
    await loop.stop()
    await lease.stop()
  }
  const deliver = (batch: EventBatch) => {
    if (!lease.held()) return
    if (position !== null) compare(position, batch)
    held.add(batch, position?.number ?? 0)
    loop.wake()
  }
  const subscribing = bus.subscribe(stream, `${database.schema}.${name}`, deliver)
  const unsubscribe = await subscribing.catch(async (error: unknown) => {
    await end()
    throw error
  })
  return {
    get trouble() {
      return loop.trouble
    },
    name: loop.name,
    consumer: name,
    stream,
    wake: loop.wake,
    drained: async () => {
      asked = false
      await loop.drained()
    },
    stop: async () => {
      await unsubscribe()
      await end()
    },
    undelivered: () => {
      const stopped = position !== null && position.state !== 'running'
      if (behindSince === null && !stopped && loop.trouble === null) return null
      const forMs = behindSince === null ? 0 : performance.now() - behindSince
      if (forMs < graceMs && !stopped && loop.trouble === null) return null
      const after = position?.number ?? 0
      return { consumer: name, stream, after, head: held.head, forMs, reason: reason || loop.trouble || 'late' }
    },
  }
}
