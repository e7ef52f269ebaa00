// What stands between a caller and a service that may be slow, full or gone: deadline, bulkhead, retry, breaker.
import {
  BrokenCircuitError,
  bulkhead,
  BulkheadRejectedError,
  circuitBreaker,
  CircuitState,
  ExponentialBackoff,
  handleWhen,
  SamplingBreaker,
  TaskCancelledError,
} from 'cockatiel'
import { Fault } from '../../kernel/result.ts'

export interface ResilienceOptions {
  /** Calls in progress at once, and calls that wait for a place. */
  readonly parallel?: number
  readonly waiting?: number
  /** Attempts in all for a call that may be repeated. */
  readonly attempts?: number
  /** The breaker opens when this share of calls within `windowMs` failed. */
  readonly failureShare?: number
  readonly windowMs?: number
  /** How long it stays open before one call probes; grows while probes fail, up to 2,000. Milliseconds. */
  readonly openMs?: number
}

/** One attempt. It ends when its signal says so. */
type Work<T> = (signal: AbortSignal) => Promise<T>

export interface Resilience {
  /** Throws `Fault`, by the deadline; `unavailable` when the work was not even tried. */
  run<T>(work: Work<T>, call: { deadlineMs: number; repeatable: boolean }): Promise<T>
  state(): 'closed' | 'half-open' | 'open'
}

/** The service answers, and lets this process in no more; another replica may. */
export class TurnedAway extends Fault {
  constructor(message: string) {
    super('unavailable', message)
  }
}

/** Faults of the other side. Refusals are answers and do not count. */
const isFailure = (error: unknown): boolean => error instanceof Fault && !(error instanceof TurnedAway)

/** Each call earns a tenth of a retry, so that retries never multiply the load of an outage. */
const retryBudget = () => {
  const most = 10
  let left = most
  return {
    earn: () => {
      left = Math.min(most, left + 0.1)
    },
    spend: () => {
      if (left < 1) return false
      left -= 1
      return true
    },
  }
}

/** Whoever depends on a service that is back goes on within five seconds, so that this must be a part of them. */
const longestOpenMs = 2_000

const firstBackoffMs = 50
const longestBackoffMs = 1_000

/** Full jitter: anything between nothing and a bound that doubles. Ends early at the deadline. */
const backoff = (attempt: number, deadlineMs: number) => {
  const jitterMs = Math.random() * Math.min(longestBackoffMs, firstBackoffMs * 2 ** attempt)
  return new Promise<void>((resolve) => {
    setTimeout(resolve, Math.max(0, Math.min(jitterMs, deadlineMs - performance.now())))
  })
}

/** How far a call has come. */
interface Progress {
  readonly deadlineMs: number
  /** An attempt on its way ends by its own signal. */
  sending: boolean
  /** An attempt whose answer was lost. */
  unknown?: Fault
}

/** Waiting for a place, for another call's probe or for the next attempt ends at the deadline. */
const endOfWaiting = (progress: Progress) => {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = () => {
    if (!progress.sending) reject(progress.unknown ?? new Fault('deadline', 'waited until the deadline'))
  }
  const timer = setTimeout(end, Math.max(0, progress.deadlineMs - performance.now()))
  return { ended, cancel: () => clearTimeout(timer) }
}

const stateNames = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Open]: 'open',
} as const

export const resilience = (options: ResilienceOptions = {}): Resilience => {
  const { parallel = 64, waiting = 256, attempts = 3, failureShare = 0.5, windowMs = 5_000, openMs = 500 } = options
  const places = bulkhead(parallel, waiting)
  const breaker = circuitBreaker(handleWhen(isFailure), {
    halfOpenAfter: new ExponentialBackoff({ initialDelay: openMs, maxDelay: longestOpenMs }),
    breaker: new SamplingBreaker({ threshold: failureShare, duration: windowMs, minimumRps: 1 }),
  })
  const budget = retryBudget()

  const attempt = async <T>(work: Work<T>, progress: Progress): Promise<T> => {
    const remainingMs = progress.deadlineMs - performance.now()
    if (remainingMs <= 0) throw new Fault('deadline', 'no time left to call')
    const signal = AbortSignal.timeout(Math.ceil(remainingMs))
    const send = () => {
      progress.sending = true
      return work(signal).finally(() => (progress.sending = false))
    }
    return breaker.execute(send, signal).catch((error: unknown) => {
      if (error instanceof BrokenCircuitError)
        throw new Fault('unavailable', 'the circuit breaker is open', { cause: error })
      if (error instanceof TaskCancelledError) throw new Fault('deadline', 'no time left after a probe')
      throw error
    })
  }
  const persist = async <T>(work: Work<T>, progress: Progress, repeatable: boolean): Promise<T> => {
    const { deadlineMs } = progress
    budget.earn()
    for (let tried = 1; ; tried += 1) {
      try {
        return await attempt(work, progress)
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        if (error.kind === 'outcome_unknown') progress.unknown = error
        const open = breaker.state === CircuitState.Open
        const final = !repeatable || open || tried >= attempts || performance.now() >= deadlineMs
        // That a later attempt did nothing says nothing about the one whose answer was lost.
        if (final || !budget.spend()) throw progress.unknown ?? error
        await backoff(tried, deadlineMs)
      }
    }
  }
  return {
    run: async (work, { deadlineMs, repeatable }) => {
      const progress: Progress = { deadlineMs, sending: false }
      const late = endOfWaiting(progress)
      try {
        return await Promise.race([places.execute(() => persist(work, progress, repeatable)), late.ended])
      } catch (error) {
        if (error instanceof BulkheadRejectedError)
          throw new Fault('unavailable', 'too many calls in progress', { cause: error })
        throw error
      } finally {
        late.cancel()
      }
    },
    state: () => (breaker.state === CircuitState.Isolated ? 'open' : stateNames[breaker.state]),
  }
}
