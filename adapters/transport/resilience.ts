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
  /** How long it stays open before one call probes; grows while probes fail. Milliseconds. */
  readonly openMs?: number
}

export interface Resilience {
  /** `work` is one attempt. Throws `Fault`; `unavailable` when it was not even tried. */
  run<T>(work: (signal: AbortSignal) => Promise<T>, call: { deadlineMs: number; repeatable: boolean }): Promise<T>
  state(): 'closed' | 'half-open' | 'open'
}

/** Faults of the other side. Refusals are answers and do not count. */
const isFailure = (error: unknown): boolean => error instanceof Fault

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

const firstBackoffMs = 50
const longestBackoffMs = 1_000

/** Full jitter: anything between nothing and a bound that doubles. Ends early at the deadline. */
const backoff = (attempt: number, deadlineMs: number) => {
  const jitterMs = Math.random() * Math.min(longestBackoffMs, firstBackoffMs * 2 ** attempt)
  return new Promise<void>((resolve) => {
    setTimeout(resolve, Math.max(0, Math.min(jitterMs, deadlineMs - performance.now())))
  })
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
    halfOpenAfter: new ExponentialBackoff({ initialDelay: openMs, maxDelay: 10_000 }),
    breaker: new SamplingBreaker({ threshold: failureShare, duration: windowMs, minimumRps: 1 }),
  })
  const budget = retryBudget()

  const attempt = async <T>(work: (signal: AbortSignal) => Promise<T>, deadlineMs: number): Promise<T> => {
    const remainingMs = deadlineMs - performance.now()
    if (remainingMs <= 0) throw new Fault('deadline', 'no time left to call')
    const signal = AbortSignal.timeout(Math.ceil(remainingMs))
    return breaker
      .execute(() => work(signal))
      .catch((error: unknown) => {
        if (error instanceof BrokenCircuitError)
          throw new Fault('unavailable', 'the circuit breaker is open', { cause: error })
        throw error
      })
  }
  const persist = async <T>(
    work: (signal: AbortSignal) => Promise<T>,
    deadlineMs: number,
    repeatable: boolean,
  ): Promise<T> => {
    budget.earn()
    for (let tried = 1; ; tried += 1) {
      try {
        return await attempt(work, deadlineMs)
      } catch (error) {
        // What was refused before it was sent may always be sent again, but an open breaker says to leave it alone.
        const open = breaker.state === CircuitState.Open
        const final = !repeatable || open || tried >= attempts || performance.now() >= deadlineMs
        if (final || !isFailure(error) || !budget.spend()) throw error
        await backoff(tried, deadlineMs)
      }
    }
  }
  return {
    run: (work, { deadlineMs, repeatable }) =>
      places
        .execute(() => persist(work, deadlineMs, repeatable))
        .catch((error: unknown) => {
          if (error instanceof BulkheadRejectedError)
            throw new Fault('unavailable', 'too many calls in progress', { cause: error })
          throw error
        }),
    state: () => (breaker.state === CircuitState.Isolated ? 'open' : stateNames[breaker.state]),
  }
}
