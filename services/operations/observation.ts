// What operations has seen of the services, at one moment: the whole input of what judges it.

import type { ServiceState } from '../../kernel/service-state.ts'

/** What a service's database, and the process that answered, said of themselves: the answer of `GetState`. */
export type State = ServiceState
export type BreakerState = State['breakers'][string]

/** One service, as seen last. */
export interface ServiceSeen {
  readonly name: string
  /** How long it has not answered; 0 when it answers. */
  readonly silentMs: number
  /** Why it does not answer. */
  readonly silentReason: string | null
  /** How long it has answered without a break, as far as this watcher has seen. */
  readonly answeringMs: number
  /** Its last answer, however old; null when there was never one. */
  readonly state: State | null
}

/** One process of a service, seen in the last half minute; or one without a database, which has just reported. */
export interface InstanceSeen {
  readonly service: string
  readonly instance: string
  readonly startedAt: string
  readonly seenMs: number
  readonly troubles: Readonly<Record<string, string>>
  readonly breakers: Readonly<Record<string, BreakerState>>
}

/** How far a consumer is behind what its producer is known to have said. */
export interface Lag {
  readonly service: string
  readonly consumer: string
  readonly stream: string
  readonly number: number
  /** The highest head that was seen; null when the producer was never seen. */
  readonly head: number | null
  /**
   * How long a head above the position has been known without the position reaching it; 0 when there is none. Time in
   * which nobody watched, or before which the service did not answer, does not count.
   */
  readonly behindMs: number
  /** How long the position has not moved, while it was watched. */
  readonly movedMs: number
  readonly state: State['positions'][number]['state']
  readonly reason: string | null
}

/** Events that a producer has and a consumer does not get: a gap, or the end of the stream. */
export interface UndeliveredSeen {
  readonly service: string
  readonly consumer: string
  readonly stream: string
  readonly after: number
  readonly head: number
  readonly openMs: number
  readonly reason: string
}

/** What reconciliation has found and not seen mended. */
export interface DifferencesSeen {
  readonly open: number
  /** Since when the oldest open one is known. */
  readonly oldestMs: number
  /** When the whole log was last compared to its end. */
  readonly lastRoundAt: Date | null
  /** How long ago reconciliation last did anything. */
  readonly idleMs: number
  readonly ledgerUnbalanced: boolean
}

export interface Observation {
  /** By the clock of operations' database. */
  readonly at: Date
  /** How long this watcher has watched without a break: what it has not seen, it must not judge. */
  readonly watchingMs: number
  readonly services: readonly ServiceSeen[]
  readonly instances: readonly InstanceSeen[]
  readonly lags: readonly Lag[]
  readonly undelivered: readonly UndeliveredSeen[]
  readonly differences: DifferencesSeen
}

/** Where the history that a forked consumer knows and its producer's present one part. */
export interface ForkSeen {
  readonly service: string
  readonly consumer: string
  readonly stream: string
  /** The position's number and epoch when it was looked for. */
  readonly number: number
  readonly epoch: number
  /** The last event that both histories have. */
  readonly agreedAt: number
}
