// Reads one stream for one consumer: takes what the bus brings in order, fetches from the producer's log what it does
// not bring, and says since when and why something is missing.
import { applyRun } from './apply.ts'
import { describeError } from './failure.ts'
import { findFork, forkInLog, stopForked } from './fork.ts'
import { type Applying, keyOf, knownPart, type Run, waitingFor } from './handle.ts'
import { Held } from './held.ts'
import { adoptEpoch } from './history.ts'
import { alwaysHeld, notYetHeld, startLease } from './lease.ts'
import { type Loop, startLoop } from './loop.ts'
import { openPosition, lockPosition, type Position } from './position.ts'
import type { Bus } from './ports.ts'
import type { EventBatch } from './stream.ts'

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

/** Events that the bus had not brought, and the producer's log had. */
export interface Fetched {
  readonly consumer: string
  readonly stream: string
  readonly events: number
  /**
   * `start`: nobody had looked yet. `late`: the head, or an event beyond a gap, told of them. `silent`: the producer had
   * said nothing. `full`: more had come than is held. `doubt`: what came could not follow from what was applied.
   */
  readonly why: 'start' | 'late' | 'silent' | 'full' | 'doubt'
}

export interface ReaderOptions extends Applying {
  readonly bus: Bus
  readonly readLog: ReadLog
  /** Told of every page read from the log that had events. */
  readonly fetched?: (fetched: Fetched) => void
  /** Other replicas may read for the same consumer: only the one that holds the lease does. */
  readonly shared?: boolean
  /** How long a hole may be explained by what is on its way; milliseconds. */
  readonly graceMs?: number
  /** How long a silent producer is believed; milliseconds. */
  readonly silenceMs?: number
}

/** One transaction applies at most this many events. */
const batchSize = 2_000

/** However much on the bus contradicts the position, the log is asked at most this often; milliseconds. */
const doubtMs = 200

/** The first of these reasons to ask the log that there is. */
const firstOf = (reasons: Readonly<Record<Fetched['why'], boolean>>): Fetched['why'] | null =>
  (Object.keys(reasons) as Fetched['why'][]).find((why) => reasons[why]) ?? null

export const startReader = async (options: ReaderOptions): Promise<Reader> => {
  const { consumer, bus, database, log, readLog, shared = false, graceMs = 1_000, silenceMs = 3_000 } = options
  const { name, stream } = consumer
  const held = new Held()
  let lease = shared ? notYetHeld : alwaysHeld
  let position: Position | null = null
  let behindSince: number | null = null
  /** When the first of the passes began that failed in a row. */
  let failingSince: number | null = null
  let reason = ''
  let asked = false
  let askedAt = -Infinity
  /** Something on the bus cannot follow from what was applied. It may come late, or lie: the log is asked. */
  let doubted = false

  const load = async () => {
    const loaded = await database.transaction('position.open', async (tx) => {
      await openPosition(tx, keyOf(options))
      return lockPosition(tx, keyOf(options))
    })
    held.begin(loaded.epoch)
    return loaded
  }

  const fetch = async (from: number, why: Fetched['why']): Promise<EventBatch> => {
    const headBefore = held.head
    const wasDoubted = doubted
    askedAt = performance.now()
    doubted = false
    const batch = await readLog(stream, from, batchSize).catch((error: unknown) => {
      reason = `producer unreachable: ${describeError(error)}`
      // Only what was in doubt still is: what the bus brings meanwhile needs no answer of the log.
      doubted ||= wasDoubted
      throw error
    })
    if (batch.events.length > 0) options.fetched?.({ consumer: name, stream, events: batch.events.length, why })
    asked = (batch.events.at(-1)?.number ?? from) >= batch.head
    held.answered(batch, headBefore)
    return batch
  }

  /** The next events: from the bus when they are there, from the log when they are late or were never sent. */
  const next = async (known: Position): Promise<Run | 'stopped' | null> => {
    const run = held.take(known, batchSize)
    const inDoubt = doubted && performance.now() - askedAt >= doubtMs
    if (run.events.length > 0 && !inDoubt) return run
    const from = known.number
    const behind = held.head > from
    behindSince = behind ? (behindSince ?? performance.now()) : null
    const late = behindSince !== null && performance.now() - behindSince >= graceMs
    const silent = performance.now() - held.heardAt >= silenceMs
    const why = firstOf({ late, full: held.overflowed, start: !asked, doubt: inDoubt, silent })
    if (why === null) return null
    const answer = await fetch(from, why)
    const fork = forkInLog(known, answer)
    if (fork !== null) position = await stopForked(options, known, fork)
    else if (answer.epoch > known.epoch) position = await adoptEpoch(options, known, answer.epoch)
    else return answer
    asked = false
    return 'stopped'
  }

  /** Another replica reads: what it leaves behind is read anew when the turn comes here. */
  const standBy = (): 'idle' => {
    position = null
    behindSince = null
    asked = false
    doubted = false
    held.drop()
    return 'idle'
  }

  const pass = async (): Promise<'more' | 'idle'> => {
    if (!lease.held()) return lease.yielded() && position ? lookAgain(position) : standBy()
    position ??= await load()
    if (position.state !== 'running') {
      reason = position.reason ?? position.state
      position = await load()
      if (position.state !== 'running') return 'idle'
      // What was decided meanwhile may be about the past: the log says what comes next.
      asked = false
      return 'more'
    }
    const from = position.number
    const run = await next(position)
    if (!run) return 'idle'
    if (run === 'stopped') return 'more'
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
    else if (run.events.length > 0) {
      held.drop()
      doubted ||= run.isHint === true
    }
    if (moved.number >= held.head) reason = ''
    return moved.number > from || moved.state !== 'running' || doubted ? 'more' : 'idle'
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

  /** What is of an earlier epoch comes late; what contradicts the position is a reason to ask the log, and no more. */
  const isCredible = (known: Position, batch: EventBatch): boolean => {
    if (batch.epoch < known.epoch) return false
    const endsBefore = batch.events.length === 0 && batch.head < known.number
    const contradicts = batch.epoch > known.epoch || findFork(known, batch) !== null
    doubted ||= contradicts || endsBefore
    return !contradicts
  }

  const untilUnknown = (run: Run): Run => {
    const { known, unknown } = knownPart(consumer, run)
    if (unknown && known.events.length === 0) {
      const { number } = unknown
      if (!reason.startsWith('waiting')) log.warn({ consumer: name, stream, number }, 'unknown event version')
      behindSince ??= performance.now()
      reason = waitingFor(unknown)
    }
    return known
  }

  const watchedPass = async (): Promise<'more' | 'idle'> => {
    const begun = performance.now()
    try {
      const found = await pass()
      failingSince = null
      return found
    } catch (error) {
      failingSince ??= begun
      throw error
    }
  }

  const loop = startLoop({ name: `consumer ${name} of ${stream}`, pollMs: 500, log, pass: watchedPass })
  if (shared) lease = startLease({ database, name: `${name} of ${stream}`, log, gained: loop.wake })
  const end = async () => {
    await loop.stop()
    await lease.stop()
  }
  const deliver = (batch: EventBatch) => {
    if (!lease.held()) return
    if (position === null || isCredible(position, batch)) held.add(batch, position?.number ?? 0)
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
      const since = behindSince ?? failingSince
      const forMs = since === null ? 0 : performance.now() - since
      if (forMs < graceMs && !stopped && loop.trouble === null) return null
      const after = position?.number ?? 0
      return { consumer: name, stream, after, head: held.head, forMs, reason: reason || loop.trouble || 'late' }
    },
  }
}
