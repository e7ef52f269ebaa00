// Applies consecutive events of one stream exactly once: locks the position, drops what it has, writes the effects
// as sets, moves the position; parks what cannot be applied, and refuses a history that does not continue its own.
import { z } from 'zod'
import { describeError, isOfTheSystem, isRepeatable, isTransient } from './failure.ts'
import { findFork, isOfEpoch, markForked } from './fork.ts'
import { type Applying, handle, keyOf, knownVersion, type Run } from './handle.ts'
import { parkEvent } from './parked.ts'
import { lockPosition, movePosition, type Position } from './position.ts'
import { noTracing, placesOf, rangeOf } from './tracing.ts'

const applyOnce = async (applying: Applying, run: Run): Promise<Position> => {
  const position = await traced(applying, run, () => applyLocked(applying, run))
  const { consumer, stream, number } = position
  const requestIds = [...new Set(run.events.slice(0, mostNamed).map(({ requestId }) => requestId))]
  applying.log.debug({ consumer, stream, number, requestIds }, 'applied')
  return position
}

/** The traces of these events end here, or go on with what the handlers emit. A replay is no part of them. */
const traced = <T>({ tracing = noTracing, consumer, shadow }: Applying, { events }: Run, work: () => Promise<T>) => {
  const attributes = { ...rangeOf(events), 'ates.stream': consumer.stream }
  const places = shadow ? [] : placesOf(events)
  return tracing.shared(`apply ${consumer.name}`, places, { kind: 'consumer', attributes }, work)
}

/** A log line names at most this many events' requests. */
const mostNamed = 20

const applyLocked = (applying: Applying, run: Run): Promise<Position> =>
  applying.database.transaction(`apply.${applying.consumer.name}`, async (tx) => {
    const key = keyOf(applying)
    const position = await lockPosition(tx, key)
    if (position.state !== 'running' || !isOfEpoch(position, run)) return position
    const fork = findFork(position, run)
    if (fork) return run.isHint ? position : markForked(applying, tx, position, fork)
    const fresh = run.events.filter(({ number }) => number > position.number)
    const last = fresh.at(-1)
    if (!last || fresh[0]?.number !== position.number + 1) return position
    const now = await applying.clock.now(tx)
    await handle(applying, tx, fresh, { now, position, late: null })
    const concerned = fresh.some((event) => knownVersion(applying.consumer, event.type) !== undefined)
    const parkedInRow = concerned ? 0 : position.parkedInRow
    await movePosition(tx, key, last, parkedInRow, now)
    return { ...position, number: last.number, eventId: last.eventId, parkedInRow }
  })

const triesOfOwnException = 3

/** The handler's own exception may be chance; data that is refused will be refused again. */
const applyAlone = async (applying: Applying, run: Run): Promise<Position> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await applyOnce(applying, run)
    } catch (error) {
      if (isTransient(error) || isOfTheSystem(error)) throw error
      const [event] = run.events
      const hopeless = isRepeatable(error) || error instanceof z.core.$ZodError || attempt >= triesOfOwnException
      if (event && hopeless) return parkEvent(applying, keyOf(applying), run, event, { error, attempts: attempt })
      applying.log.warn({ attempt, number: event?.number, error: describeError(error) }, 'handler failed, trying again')
    }
  }
}

/**
 * Applies a run in one transaction; when the data fails, in halves, until the culprit is alone and parked.
 * Throws what may pass by itself (lost connections, deadlocks, timeouts) without having moved the position past it.
 */
export const applyRun = async (applying: Applying, run: Run): Promise<Position> => {
  if (run.events.length <= 1) return applyAlone(applying, run)
  try {
    return await applyOnce(applying, run)
  } catch (error) {
    if (isTransient(error) || isOfTheSystem(error)) throw error
    const middle = run.events.length >> 1
    const position = await applyRun(applying, { ...run, events: run.events.slice(0, middle) })
    if (position.state !== 'running') return position
    const predecessor = run.events[middle - 1]?.eventId ?? null
    return applyRun(applying, { ...run, predecessor, events: run.events.slice(middle) })
  }
}
