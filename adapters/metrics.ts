// What Prometheus scrapes at /metrics: calls as they happen, and the state of streams when it asks (prom-client).
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Called } from '../kernel/host.ts'
import type { Measures } from '../kernel/measure.ts'

export interface MetricsSources {
  readonly measure: () => Promise<readonly Measures[]>
  readonly undelivered: () => readonly {
    consumer: string
    stream: string
    after: number
    head: number
    forMs: number
  }[]
  readonly breakers: () => Readonly<Record<string, 'closed' | 'half-open' | 'open'>>
}

export interface Metrics {
  readonly called: (call: Called) => void
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
    position: gauge('ates_consumer_position', 'Number of the last applied event.', consumer),
    stopped: gauge('ates_consumer_stopped', '1 when a consumer is paused or forked.', [...consumer, 'state']),
    parked: gauge('ates_consumer_parked', 'Events that could not be applied.', consumer),
    undelivered: gauge('ates_consumer_undelivered_seconds', 'How long events are overdue.', ['consumer', 'stream']),
    jobs: gauge('ates_jobs_open', 'Jobs that have not ended.', job),
    jobAge: gauge('ates_job_oldest_seconds', 'Age of the oldest job that has not ended.', job),
    breaker: gauge('ates_breaker_state', '0 closed, 1 half-open, 2 open.', ['service']),
  }
}

type Gauges = ReturnType<typeof makeGauges>

const setService = (gauges: Gauges, { service, positions, parked, openJobs, ...stream }: Measures): void => {
  gauges.head.set({ service }, stream.head)
  gauges.published.set({ service }, stream.published)
  gauges.unnumbered.set({ service }, stream.oldestUnnumberedSeconds)
  gauges.unpublished.set({ service }, stream.oldestUnpublishedSeconds)
  for (const { consumer, stream: of, number, state } of positions) {
    gauges.position.set({ service, consumer, stream: of }, number)
    if (state !== 'running') gauges.stopped.set({ service, consumer, stream: of, state }, 1)
  }
  for (const { consumer, stream: of, count } of parked) gauges.parked.set({ service, consumer, stream: of }, count)
  for (const { name, state, count, oldestSeconds } of openJobs) {
    gauges.jobs.set({ service, name, state }, count)
    gauges.jobAge.set({ service, name, state }, oldestSeconds)
  }
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
  const gauges = makeGauges(registry)
  return {
    called: ({ service, method, outcome, ms }) => calls.observe({ service, method, outcome }, ms / 1_000),
    scrape: async ({ measure, undelivered, breakers }) => {
      for (const gauge of Object.values(gauges)) gauge.reset()
      for (const measures of await measure()) setService(gauges, measures)
      for (const { consumer, stream, forMs } of undelivered()) {
        gauges.undelivered.set({ consumer, stream }, forMs / 1_000)
      }
      for (const [service, state] of Object.entries(breakers())) gauges.breaker.set({ service }, breakerValues[state])
      return { body: await registry.metrics(), contentType: registry.contentType }
    },
  }
}
