// Stops what was started, in order and within a limit: a database that never answers would hold it up for ever.
import { setTimeout as delay } from 'node:timers/promises'
import type { Postgres } from './adapters/database/postgres.ts'
import type { Log } from './kernel/ports.ts'

/** It has stopped, but not in order. */
export class StopError extends Error {
  override readonly name = 'StopError'
}

export interface Stopping {
  readonly ends: AsyncDisposableStack
  readonly databases: Iterable<Postgres>
  /** How long it may take in order; milliseconds. */
  readonly limitMs: number
  readonly log: Log
}

/** What waits for a database ends at once when its connections are cut; whatever does not is left behind after so long. */
const afterCutMs = 5_000

/**
 * Throws `StopError` when it did not end in order. Nothing is lost by that: what was committed is kept, what was not is
 * rolled back, and what has not been said or applied is by whoever is there next.
 */
export const stopWithin = async ({ ends, databases, limitMs, log }: Stopping): Promise<void> => {
  const stopped = ends.disposeAsync().then(() => 'stopped' as const)
  if ((await first(stopped, limitMs)) === 'stopped') return
  const underWay = [...databases].flatMap((database) => database.cut().map((name) => `${database.schema}: ${name}`))
  const seconds = Math.round(limitMs / 1_000)
  log.error({ seconds, underWay }, 'stopping takes too long: connections to databases are cut')
  const left = (await first(stopped, afterCutMs)) === 'late'
  if (left) log.error({}, 'stopping takes too long: what still runs is left behind')
  throw new StopError(
    `aTES did not stop in order within ${seconds} s. ${whatWaited(underWay)} Nothing is lost: what was committed is kept, and the next start goes on from there.`,
  )
}

const whatWaited = (underWay: readonly string[]): string =>
  underWay.length === 0 ? 'No database had to do with it.' : `Its databases did not answer: ${underWay.join(', ')}.`

const first = async <Ended>(ending: Promise<Ended>, limitMs: number): Promise<Ended | 'late'> => {
  const timer = new AbortController()
  const late = delay(limitMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const)
  return Promise.race([ending, late]).finally(() => timer.abort())
}
