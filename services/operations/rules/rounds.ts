// When a comparison goes on, and with what: what is new at once, everything else round and round.

/** How far a comparison is; moments are ISO 8601. */
export interface Progress {
  readonly epoch: number
  /** What is new has been compared up to this number. */
  readonly upTo: number
  /** Where the round over everything is. */
  readonly cursor: number
  readonly mark: string | null
  readonly compared: number
  /** When the present round began; null between rounds. */
  readonly startedAt: string | null
  /** When the next one begins. */
  readonly dueAt: string
  /** Somebody waits for the present round. */
  readonly awaited: boolean
}

export const newProgress = (epoch: number, now: Date): Progress => ({
  epoch,
  upTo: 0,
  cursor: 0,
  mark: null,
  compared: 0,
  startedAt: null,
  dueAt: now.toISOString(),
  awaited: false,
})

const minuteMs = 60_000
/** Between the end of a round and the next one; sooner while there is something to be seen mended. */
const pauseMs = minuteMs
const pauseWithDifferencesMs = 5_000
/** A moment further ahead than any pause is of a clock that was set back. */
const longestPauseMs = 2 * minuteMs

export const isDue = ({ startedAt, dueAt }: Progress, now: Date): boolean => {
  const aheadMs = Date.parse(dueAt) - now.getTime()
  return startedAt !== null || aheadMs <= 0 || aheadMs > longestPauseMs
}

/** The round that begins, or the one that goes on. */
export const begun = (progress: Progress, now: Date): Progress =>
  progress.startedAt === null
    ? { ...progress, cursor: 0, mark: null, compared: 0, startedAt: now.toISOString() }
    : progress

export const finished = (progress: Progress, openDifferences: number, now: Date): Progress => ({
  ...progress,
  startedAt: null,
  awaited: false,
  dueAt: new Date(now.getTime() + (openDifferences > 0 ? pauseWithDifferencesMs : pauseMs)).toISOString(),
})

/** From the beginning, now, for somebody who waits for it. */
export const anew = (progress: Progress, now: Date): Progress => ({
  ...progress,
  startedAt: null,
  dueAt: now.toISOString(),
  awaited: true,
})

/** Comparing takes at most this share of the time, so that it is never what makes others slow. */
const share = 0.1
const shareWhenAwaited = 0.5

export const restMs = (tookMs: number, awaited: boolean): number =>
  tookMs * (1 / (awaited ? shareWhenAwaited : share) - 1)
