// Waits for what another part does in its own time: bounded, and by looking, never by guessing how long it takes.
import { setTimeout as pause } from 'node:timers/promises'

/** Gives the first value that is neither undefined, null nor false. Throws with `what` after `withinMs` (10,000). */
export const eventually = async <T>(
  what: string,
  look: () => T | Promise<T>,
  withinMs = 10_000,
): Promise<Exclude<T, undefined | null | false>> => {
  const end = performance.now() + withinMs
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | null | false>
    if (performance.now() >= end) throw new Error(`waited ${withinMs} ms in vain: ${what}`)
    await pause(5)
  }
}
