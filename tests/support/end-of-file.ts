// Preloaded into each file of tests: one that leaves something open ends all the same, after its results are written.
// Node's own --test-force-exit ends it before, and results that are still on their way are lost.
import { after } from 'node:test'

/** Longer than any file of ours takes to stop what it started, for that may only begin now. */
const graceMs = 20_000

// This timeout by itself keeps no process alive.
after(() => AbortSignal.timeout(graceMs).addEventListener('abort', () => process.exit()))
