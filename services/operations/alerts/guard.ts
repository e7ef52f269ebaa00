// The dead man's switch: sees from beside the watcher that it makes its rounds, says so outside, and raises the alarm.
import type { LoopContext } from '../../../kernel/service.ts'
import { raiseWatcherDead, type Telling } from './evaluate.ts'
import { catalog } from './rules/catalog.ts'
import { findRound } from './store.ts'

export type GuardContext = Pick<LoopContext, 'database' | 'clock' | 'random'>

export interface Guarded {
  /** The last round that was seen, and for how long no other one was; by a clock that nobody sets. */
  readonly round: number | null
  readonly sinceMs: number
}

/**
 * How long no round was finished, as far as whoever asks has seen: what was before its start, such as a night in which
 * nothing ran, does not count. `nowMs` is the time of a clock that nobody sets; milliseconds.
 */
export const guardRounds = (startMs: number) => {
  let seen: Guarded = { round: null, sinceMs: startMs }
  return (round: Date | null, nowMs: number): number => {
    const time = round?.getTime() ?? null
    if (time !== seen.round) seen = { round: time, sinceMs: nowMs }
    return nowMs - seen.sinceMs
  }
}

export type SilenceOf = ReturnType<typeof guardRounds>

/** Looks once. Gives for how long the watcher has made no round; raises the alert when that is too long. */
export const guardOnce = async (
  silenceOf: SilenceOf,
  nowMs: number,
  telling: Telling,
  { database, clock, random }: GuardContext,
): Promise<number> => {
  const round = await database.transaction('alerts.guard', (tx) => findRound(tx), { readOnly: true })
  const silentMs = silenceOf(round, nowMs)
  if (silentMs <= catalog.WatcherDead.threshold) return silentMs
  await database.transaction('alerts.watcher', async (tx) => {
    await raiseWatcherDead(silentMs, { tx, now: await clock.now(tx), random, telling })
  })
  return silentMs
}
