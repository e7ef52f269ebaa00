// A loop that works until nothing is left, sleeps until woken or polled, and backs off when a pass fails.
import { describeError, isTransient } from './failure.ts'
import type { Log } from './ports.ts'

/** What a pass found: more to do at once, nothing until woken, or nothing for so many milliseconds. */
export type Pass = () => Promise<'more' | 'idle' | { readonly restMs: number }>

export interface Loop {
  readonly name: string
  /** Ends the sleep. Costs nothing while the loop works. */
  wake(): void
  /** Resolves when a pass that began after this call found nothing to do. */
  drained(): Promise<void>
  /** Ends after the pass in progress. */
  stop(): Promise<void>
  /** The error of the last pass, if it failed, or that the present one hangs. */
  readonly trouble: string | null
}

export interface LoopOptions {
  readonly name: string
  readonly pass: Pass
  /** Longest sleep between passes, in milliseconds. */
  readonly pollMs: number
  readonly log: Log
}

const backoffMs = (failures: number): number => Math.random() * Math.min(2_000, 25 * 2 ** failures)

/** A pass that takes longer hangs: on a frozen server, or a connection that is half open. */
const longestPassMs = 15_000

export const startLoop = ({ name, pass, pollMs, log }: LoopOptions): Loop => {
  let stopping = false
  let woken = false
  let trouble: string | null = null
  let begun: number | null = null
  let endSleep = () => {}
  let waiting: (() => void)[] = []

  const sleep = (ms: number, wakeable: boolean) =>
    new Promise<void>((resolve) => {
      if (stopping || (wakeable && woken)) return resolve()
      const timer = setTimeout(resolve, ms)
      endSleep = () => {
        if (!wakeable && !stopping) return
        clearTimeout(timer)
        resolve()
      }
    })

  const run = async () => {
    for (let failures = 0; !stopping;) {
      woken = false
      const waitingNow = waiting.length
      begun = performance.now()
      try {
        const found = await pass()
        begun = null
        failures = 0
        trouble = null
        if (found === 'more') continue
        for (const resolve of waiting.splice(0, waitingNow)) resolve()
        await sleep(found === 'idle' ? pollMs : Math.min(found.restMs, pollMs), true)
      } catch (error) {
        begun = null
        failures += 1
        trouble = describeError(error)
        log[isTransient(error) ? 'warn' : 'error']({ loop: name, failures, err: error }, 'pass failed, trying again')
        await sleep(backoffMs(failures), false)
      }
    }
    for (const resolve of waiting) resolve()
  }

  const wake = () => {
    woken = true
    endSleep()
  }
  const running = run()
  return {
    name,
    wake,
    get trouble() {
      const forMs = begun === null ? 0 : performance.now() - begun
      return forMs > longestPassMs ? `a pass has been running for ${Math.round(forMs / 1_000)} s` : trouble
    },
    drained: () =>
      new Promise<void>((resolve) => {
        if (stopping) return resolve()
        waiting = [...waiting, resolve]
        wake()
      }),
    stop: () => {
      stopping = true
      endSleep()
      return running
    },
  }
}
