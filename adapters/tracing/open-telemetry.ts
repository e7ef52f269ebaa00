// Traces by the OpenTelemetry SDK, sent by OTLP over HTTP. Loaded only where tracing is on.
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Log, SpanOptions, Traced, Tracing } from '../../kernel/ports.ts'
import { describeError } from '../../kernel/failure.ts'

export interface TracingOptions {
  /** Where spans are sent: the whole address, such as http://collector:4318/v1/traces. */
  readonly url: string
  /** The share of traces that are recorded, 0 to 1. */
  readonly share: number
  /** What this process is called, unless OTEL_SERVICE_NAME says otherwise. */
  readonly name: string
  readonly log: Log
}

export interface OpenTelemetry {
  readonly tracing: Tracing
  /** Sends what is left, as far as that is possible within two seconds. */
  stop(): Promise<void>
}

/** As many as the SDK keeps links of a span; a batch may be part of more traces, of which nothing is said then. */
const mostPlaces = 128
const longestStopMs = 2_000

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const

/** Null for what is no place in a recorded trace. */
const contextAt = (place: string): Context | null => {
  const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f][13579bdf]$/.exec(place) ?? []
  if (!traceId || !spanId) return null
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1, isRemote: true })
}

const placeOf = (span: Span): string => {
  const { traceId, spanId } = span.spanContext()
  return `00-${traceId}-${spanId}-01`
}

/** Says once that nobody takes the spans, and once that somebody does again. */
const saying = (exporter: SpanExporter, log: Log): SpanExporter => {
  let failing = false
  const say = (error: Error | undefined): void => {
    if (failing === (error !== undefined)) return
    failing = error !== undefined
    if (error) log.warn({ error: describeError(error) }, 'traces cannot be sent')
    else log.info({}, 'traces are sent again')
  }
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        say(result.error)
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  }
}

const providerOf = ({ url, share, name, log }: TracingOptions): TracerProvider =>
  new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': name }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: saying(new OTLPTraceExporter({ url }), log), scheduledDelayMillis: 1_000 }),
    ],
  })

const beginSpan = (tracer: Tracer, name: string, options: SpanOptions, parent: Context): Span => {
  const { kind = 'internal', attributes = {}, sinceMs } = options
  const startTime = sinceMs === undefined ? {} : { startTime: performance.timeOrigin + sinceMs }
  return tracer.startSpan(name, { kind: kinds[kind], attributes, ...startTime }, parent)
}

/** They name each other: whoever looks at one of them finds the work, and who else waited for it. */
const linkAll = (work: Span, told: readonly Span[]): void => {
  for (const one of told) {
    one.addLink({ context: work.spanContext() })
    work.addLink({ context: one.spanContext() })
  }
}

const unrecorded = <T>(work: Traced<T>): Promise<T> => work(() => undefined)

const tracingBy = (tracer: Tracer): Tracing => {
  const running = new AsyncLocalStorage<Span>()

  /** Runs the work within the first span; the others last as long and end alike. */
  const within = async <T>(spans: readonly [Span, ...Span[]], work: Traced<T>): Promise<T> => {
    const note = (attributes: Attributes) => void spans[0].setAttributes(attributes)
    try {
      return await running.run(spans[0], () => work(note))
    } catch (error) {
      for (const span of spans) span.setStatus({ code: SpanStatusCode.ERROR, message: describeError(error) })
      throw error
    } finally {
      for (const span of spans) span.end()
    }
  }
  const here = (): Context | null => {
    const span = running.getStore()
    return span ? trace.setSpan(ROOT_CONTEXT, span) : null
  }
  return {
    place: () => {
      const span = running.getStore()
      return span ? placeOf(span) : null
    },
    root: (name, options, work) => {
      const span = beginSpan(tracer, name, options, ROOT_CONTEXT)
      return span.isRecording() ? within([span], work) : unrecorded(work)
    },
    span: (name, options, work) => {
      const parent = options.from ? contextAt(options.from) : here()
      return parent ? within([beginSpan(tracer, name, options, parent)], work) : unrecorded(work)
    },
    shared: (name, places, options, work) => {
      const parents = [...new Set(places)].flatMap((place) => (place && contextAt(place)) || []).slice(0, mostPlaces)
      const sinceMs = options.sinceMs ?? performance.now()
      const [first, ...others] = parents.map((parent) => beginSpan(tracer, name, { ...options, sinceMs }, parent))
      if (!first) return unrecorded(work)
      linkAll(first, others)
      return within([first, ...others], work)
    },
  }
}

export const startOpenTelemetry = (options: TracingOptions): OpenTelemetry => {
  const provider = providerOf(options)
  const stop = async () => {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, longestStopMs)
    await Promise.race([provider.shutdown().catch(() => undefined), late.promise])
    clearTimeout(timer)
  }
  return { tracing: tracingBy(provider.getTracer('ates')), stop }
}
