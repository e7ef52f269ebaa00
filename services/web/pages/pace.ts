// How fast a reassignment goes, and how long the rest will take at this pace.

interface Progress {
  readonly state: string
  readonly done: number
  readonly total: number
  readonly startedAt: string | null
}

export interface Pace {
  /** Tasks. */
  readonly perSecond: number
  readonly secondsLeft: number
}

/** Null while nothing can be said: not running, just begun, nothing done yet, or more than was estimated. */
export const paceOf = ({ state, done, total, startedAt }: Progress, now: Date): Pace | null => {
  const seconds = startedAt === null ? 0 : (now.getTime() - Date.parse(startedAt)) / 1000
  if (state !== 'running' || seconds < 1 || done === 0 || done >= total) return null
  const perSecond = done / seconds
  return { perSecond: Math.max(1, Math.round(perSecond)), secondsLeft: Math.ceil((total - done) / perSecond) }
}
