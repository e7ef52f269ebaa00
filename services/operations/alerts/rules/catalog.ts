// Every alert: when it is raised, how long its condition must hold, and why so. docs/operate/alerts.md is made from this.

export type Severity = 'critical' | 'warning'

export interface Alert {
  readonly severity: Severity
  /** What is wrong, in words; the number in it is `threshold`. */
  readonly when: string
  /** The limit that the condition compares with; milliseconds, or a count where `when` says so. */
  readonly threshold: number
  /** How long the condition must be seen without interruption before anybody is told; milliseconds. */
  readonly holdMs: number
  /** Why this limit and this time. */
  readonly why: string
}

const second = 1_000
const minute = 60 * second

export const catalog = {
  EventsUnnumbered: {
    severity: 'critical',
    when: 'a committed event has waited for its number for more than 10 s',
    threshold: 10 * second,
    holdMs: 20 * second,
    why: 'Numbering takes milliseconds after the commit. The age counts from the begin of the transaction, so that a slow one is old the moment it commits; it does not stay.',
  },
  EventsUnpublished: {
    severity: 'warning',
    when: 'a numbered event has not reached the bus for more than 30 s',
    threshold: 30 * second,
    holdMs: 30 * second,
    why: 'Consumers read the log meanwhile: nothing is lost, everything is a few seconds later. A restart of the broker takes less.',
  },
  EventsUndelivered: {
    severity: 'critical',
    when: 'events that a producer has said have not reached a consumer for more than 10 s, and it does not move',
    threshold: 10 * second,
    holdMs: 15 * second,
    why: 'A consumer fetches what it misses after one second. A restart of the consumer or of its producer takes less than this in all.',
  },
  ProducerSilent: {
    severity: 'critical',
    when: 'a service has not answered the watcher for more than 15 s',
    threshold: 15 * second,
    holdMs: 15 * second,
    why: 'A restart and a rolling upgrade are done in a few seconds; with replicas there is no silence at all.',
  },
  EventsParked: {
    severity: 'warning',
    when: 'more than 0 events stand parked by a consumer; said again when they become more',
    threshold: 0,
    holdMs: 10 * second,
    why: 'Each parked event waits for a person. One that a retry has just put right needs nobody.',
  },
  ConsumerLag: {
    severity: 'warning',
    when: 'a consumer moves, but has not reached a number that was known more than 60 s ago',
    threshold: minute,
    holdMs: minute,
    why: 'Catching up after a restart, and a reassignment of many thousand tasks, are over by then.',
  },
  ConsumerStopped: {
    severity: 'critical',
    when: 'a consumer is paused or stopped by a fork',
    threshold: 0,
    holdMs: minute,
    why: 'A person who pauses a consumer for a moment knows it; one that is forgotten, and one that stopped by itself, stand still until somebody acts.',
  },
  BreakerOpen: {
    severity: 'warning',
    when: 'the circuit breaker between two services is not closed: it is open, or tries',
    threshold: 0,
    holdMs: 30 * second,
    why: 'A breaker opens in every restart of the other side and closes at the first answer. To try is not to be well: each try waits as long as the other side hangs.',
  },
  ReconciliationDifference: {
    severity: 'critical',
    when: 'reconciliation has found events whose effects are missing, too many, or different, more than 10 s ago',
    threshold: 10 * second,
    holdMs: 10 * second,
    why: 'A difference is looked at again in the next round; what remains is none of the moment.',
  },
  ReconciliationStalled: {
    severity: 'warning',
    when: 'reconciliation has compared nothing for more than 10 min',
    threshold: 10 * minute,
    holdMs: minute,
    why: 'It compares all the time, new events at once. Differences would be seen by nobody.',
  },
  LedgerUnbalanced: {
    severity: 'critical',
    when: 'the ledger does not add up to zero, or a balance is not the sum of its entries',
    threshold: 0,
    holdMs: 0,
    why: 'It is computed in one snapshot, in which this is never true for a moment.',
  },
  JobStuck: {
    severity: 'warning',
    when: 'a job has made no step, or has waited for its reason to pass, for more than 2 min',
    threshold: 2 * minute,
    holdMs: minute,
    why: 'A step is one short transaction. Any replica takes the next one.',
  },
  OldSnapshot: {
    severity: 'warning',
    when: 'a transaction in the database of a service has kept its snapshot for more than 15 min',
    threshold: 15 * minute,
    holdMs: minute,
    why: 'Every statement of the relay steps over what was deleted since: measured 23 ms, then 70 ms after 400,000 rows. A backup may take some minutes.',
  },
  AlertChannelDown: {
    severity: 'critical',
    when: 'an alert could not be delivered to a channel for more than 60 s',
    threshold: minute,
    holdMs: 0,
    why: 'Several tries have failed by then. It is shown in the banner and told to the other channel.',
  },
  WatcherDead: {
    severity: 'critical',
    when: 'the watcher has not finished a round for more than 30 s',
    threshold: 30 * second,
    holdMs: 0,
    why: 'It makes a round each second, and another replica takes over within five. Counted only while somebody was there to see it, so that a start after a long stop raises nothing.',
  },
} as const satisfies Record<string, Alert>

export type AlertName = keyof typeof catalog

export const alertNames = Object.keys(catalog) as readonly AlertName[]

/** A raised alert is cleared when its condition has not been seen for so long; milliseconds. */
export const clearAfterMs = 30 * second
