// Waits for what another part does in its own time: bounded, and by looking, never by guessing how long it takes.
import { setTimeout as pause } from 'node:timers/promises'

/** Looks often at first, and then so seldom that looking takes nothing from what is waited for. */
const pauseMsAfter = (elapsedMs: number): number => Math.min(100, Math.max(5, elapsedMs / 10))

/** Gives the first value that is neither undefined, null nor false. Throws with `what` after `withinMs` (30,000). */
export const eventually = async <T>(
  what: string,
  look: () => T | Promise<T>,
  withinMs = 30_000,
): Promise<Exclude<T, undefined | null | false>> => {
  const start = performance.now()
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | null | false>
    const elapsedMs = performance.now() - start
    if (elapsedMs >= withinMs) throw new Error(`waited ${withinMs} ms in vain: ${what}`)
    await pause(pauseMsAfter(elapsedMs))
  }
}
