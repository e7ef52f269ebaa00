// Chance with a seed, so that what happened can be repeated: for tests and for the demo.
import type { Random } from '../kernel/ports.ts'

/** Mulberry32: small, fast, and the same everywhere. */
export const generator = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const hex = (next: () => number, digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(next() * 16).toString(16)).join('')

export const seededRandom = (seed: number): Random => {
  const next = generator(seed)
  return {
    integer: (from, to) => from + Math.floor(next() * (to - from + 1)),
    uuid: () => `${hex(next, 8)}-${hex(next, 4)}-4${hex(next, 3)}-8${hex(next, 3)}-${hex(next, 12)}`,
  }
}
