// What Prometheus scrapes at /metrics: calls as they happen, and the state of streams when it asks (prom-client).
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Fetched } from '../kernel/consume.ts'
import type { Called } from '../kernel/host.ts'
import type { ServiceState } from '../kernel/service-state.ts'

/** What operations knows of all services; only its own processes have it. */
export interface Alarm {
  readonly watchedAt: string | null
  readonly alerts: readonly { readonly name: string; readonly about: string; readonly severity: string }[]
  readonly channels: readonly { readonly channel: string; readonly failingMs: number; readonly waiting: number }[]
  readonly services: readonly { readonly name: string; readonly silentMs: number }[]
  readonly reconciliation: {
    readonly differences: number
    readonly oldestDifferenceMs: number
    readonly idleMs: number
    readonly ledgerUnbalanced: boolean
  }
}

export interface MetricsSources {
  readonly measure: () => Promise<readonly ServiceState[]>
  readonly breakers: () => Readonly<Record<string, 'closed' | 'half-open' | 'open'>>
  /** Null where operations does not run, or cannot say. */
  readonly alarm: () => Promise<Alarm | null>
}

export interface Metrics {
  readonly called: (call: Called) => void
  readonly fetched: (fetched: Fetched) => void
  /** The text that Prometheus reads, with its content type. */
  scrape(sources: MetricsSources): Promise<{ body: string; contentType: string }>
}

const breakerValues = { closed: 0, 'half-open': 1, open: 2 } as const

const makeGauges = (registry: Registry) => {
  const gauge = <const Labels extends string>(name: string, help: string, labelNames: readonly Labels[]) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] })
  const consumer = ['service', 'consumer', 'stream'] as const
  const job = ['service', 'name', 'state'] as const
  return {
    head: gauge('ates_stream_head', 'Number of the last event of a stream.', ['service']),
    published: gauge('ates_stream_published', 'Number up to which all events have reached the bus.', ['service']),
    unnumbered: gauge('ates_outbox_oldest_seconds', 'Age of the oldest committed event without a number.', ['service']),
    unpublished: gauge('ates_stream_unpublished_seconds', 'Age of the oldest event not yet on the bus.', ['service']),
    snapshot: gauge('ates_snapshot_oldest_seconds', 'Age of the oldest transaction in the database.', ['service']),
    position: gauge('ates_consumer_position', 'Number of the last applied event.', consumer),
    stopped: gauge('ates_consumer_stopped', '1 when a consumer is paused or forked.', [...consumer, 'state']),
    parked: gauge('ates_consumer_parked', 'Events that could not be applied.', consumer),
    undelivered: gauge('ates_consumer_undelivered_seconds', 'How long events are overdue.', consumer),
    jobs: gauge('ates_jobs_open', 'Jobs that have not ended.', job),
    jobAge: gauge('ates_job_oldest_seconds', 'Age of the oldest job that has not ended.', job),
    jobIdle: gauge('ates_job_idle_seconds', 'Since the first open job has gone on.', ['service', 'name']),
    breaker: gauge('ates_breaker_state', '0 closed, 1 half-open, 2 open.', ['service']),
  }
}

type Gauges = ReturnType<typeof makeGauges>
type Job = ServiceState['jobs'][number]

const setService = (gauges: Gauges, { service, now, stream, positions, undelivered, jobs }: ServiceState): void => {
  gauges.head.set({ service }, stream.head)
  gauges.published.set({ service }, stream.published)
  gauges.unnumbered.set({ service }, stream.oldestUnnumberedMs / 1_000)
  gauges.unpublished.set({ service }, stream.oldestUnpublishedMs / 1_000)
  gauges.snapshot.set({ service }, stream.oldestSnapshotMs / 1_000)
  for (const { consumer, stream: of, number, state, parked } of positions) {
    gauges.position.set({ service, consumer, stream: of }, number)
    if (state !== 'running') gauges.stopped.set({ service, consumer, stream: of, state }, 1)
    if (parked > 0) gauges.parked.set({ service, consumer, stream: of }, parked)
  }
  for (const { consumer, stream: of, forMs } of undelivered) {
    gauges.undelivered.set({ service, consumer, stream: of }, forMs / 1_000)
  }
  setJobs(gauges, service, jobs, Date.parse(now))
}

const ended: readonly Job['state'][] = ['done', 'cancelled']

const setJobs = (gauges: Gauges, service: string, jobs: ServiceState['jobs'], nowMs: number): void => {
  const open = jobs.filter(({ state }) => !ended.includes(state)).toSorted((a, b) => a.id - b.id)
  const seconds = (since: string) => Math.max(0, (nowMs - Date.parse(since)) / 1_000)
  // The latest is set first, so that the oldest one stays.
  for (const { name, state, startedAt, requestedAt } of open.toReversed()) {
    gauges.jobs.inc({ service, name, state })
    gauges.jobAge.set({ service, name, state }, seconds(startedAt ?? requestedAt))
  }
  for (const { name, state, steppedAt, startedAt, requestedAt } of open.toReversed()) {
    // One that waits looks again and again, and has not gone on.
    const stepped = state === 'waiting' ? null : steppedAt
    gauges.jobIdle.set({ service, name }, seconds(stepped ?? startedAt ?? requestedAt))
  }
}

const makeAlarmGauges = (registry: Registry) => {
  const gauge = <const Labels extends string>(name: string, help: string, labelNames: readonly Labels[] = []) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] })
  return {
    round: gauge('ates_watcher_round_timestamp_seconds', 'When the watcher last finished a round.'),
    raised: gauge('ates_alert_raised', '1 for each alert that is raised.', ['name', 'about', 'severity']),
    failing: gauge('ates_alert_channel_failing_seconds', 'How long the first message has waited.', ['channel']),
    waiting: gauge('ates_alert_deliveries_waiting', 'Messages that a channel has not taken.', ['channel']),
    silent: gauge('ates_service_silent_seconds', 'How long a service has not answered the watcher.', ['service']),
    differences: gauge('ates_reconciliation_differences', 'Effects that are not what the log says.'),
    oldestDifference: gauge('ates_reconciliation_difference_oldest_seconds', 'Age of the oldest open difference.'),
    idle: gauge('ates_reconciliation_idle_seconds', 'Since reconciliation last compared anything.'),
    unbalanced: gauge('ates_ledger_unbalanced', '1 when the ledger does not add up.'),
  }
}

const setAlarm = (gauges: ReturnType<typeof makeAlarmGauges>, alarm: Alarm): void => {
  const { watchedAt, alerts, channels, services, reconciliation } = alarm
  if (watchedAt !== null) gauges.round.set(Date.parse(watchedAt) / 1_000)
  for (const { name, about, severity } of alerts) gauges.raised.set({ name, about, severity }, 1)
  for (const { channel, failingMs, waiting } of channels) {
    gauges.failing.set({ channel }, failingMs / 1_000)
    gauges.waiting.set({ channel }, waiting)
  }
  for (const { name, silentMs } of services) gauges.silent.set({ service: name }, silentMs / 1_000)
  gauges.differences.set(reconciliation.differences)
  gauges.oldestDifference.set(reconciliation.oldestDifferenceMs / 1_000)
  gauges.idle.set(reconciliation.idleMs / 1_000)
  gauges.unbalanced.set(reconciliation.ledgerUnbalanced ? 1 : 0)
}

export const createMetrics = (): Metrics => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const calls = new Histogram({
    name: 'ates_call_seconds',
    help: 'Time a method took in the service, by outcome.',
    labelNames: ['service', 'method', 'outcome'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  })
  const fetched = new Counter({
    name: 'ates_consumer_fetched_events_total',
    help: "Events that the bus had not brought and that were read from the producer's log, by what told of them.",
    labelNames: ['consumer', 'stream', 'why'],
    registers: [registry],
  })
  const gauges = makeGauges(registry)
  // A gauge without labels says 0 when nobody sets it: they are in a registry of their own, which is read when it is true.
  const ofOperations = new Registry()
  const alarmGauges = makeAlarmGauges(ofOperations)
  return {
    called: ({ service, method, outcome, ms }) => calls.observe({ service, method, outcome }, ms / 1_000),
    fetched: ({ events, ...labels }) => fetched.inc(labels, events),
    scrape: async ({ measure, breakers, alarm }) => {
      for (const gauge of [...Object.values(gauges), ...Object.values(alarmGauges)]) gauge.reset()
      for (const state of await measure()) setService(gauges, state)
      for (const [service, state] of Object.entries(breakers())) gauges.breaker.set({ service }, breakerValues[state])
      const known = await alarm()
      if (known) setAlarm(alarmGauges, known)
      const parts = [registry, ...(known?.watchedAt ? [ofOperations] : [])]
      return { body: await Registry.merge(parts).metrics(), contentType: registry.contentType }
    },
  }
}
