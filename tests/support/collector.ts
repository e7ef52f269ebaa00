// A collector of OpenTelemetry in the test's own process: takes OTLP over HTTP as JSON and keeps the spans.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { z } from 'zod'

const Value = z.object({ stringValue: z.string().optional(), intValue: z.coerce.number().optional() })
const Attributes = z.array(z.object({ key: z.string(), value: Value })).default([])

const Span = z.object({
  traceId: z.string().length(32),
  spanId: z.string().length(16),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.int(),
  startTimeUnixNano: z.coerce.bigint(),
  endTimeUnixNano: z.coerce.bigint(),
  attributes: Attributes,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
  status: z.object({ code: z.int().default(0), message: z.string().optional() }),
})

const Exported = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(Span) })),
    }),
  ),
})

export interface CollectedSpan extends Omit<z.output<typeof Span>, 'attributes'> {
  /** What sent it. */
  readonly service: string
  readonly attributes: Readonly<Record<string, string | number>>
}

const plain = (attributes: z.output<typeof Attributes>): Record<string, string | number> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? '']))

/** The spans from the trace's root to the first of this name. */
export const pathTo = (trace: readonly CollectedSpan[], name: string): CollectedSpan[] => {
  const path: CollectedSpan[] = []
  for (let span = trace.find((one) => one.name === name); span;) {
    path.unshift(span)
    const { parentSpanId } = span
    span = trace.find(({ spanId }) => spanId === parentSpanId)
  }
  return path
}

export class Collector implements AsyncDisposable {
  readonly spans: CollectedSpan[] = []
  /** Answers as one that wants none of it. */
  refusing = false
  private readonly server = createServer((request, response) => {
    void this.take(request).then(
      () => response.setHeader('content-type', 'application/json').end('{}'),
      (error: unknown) => response.writeHead(400).end(String(error)),
    )
  })

  static async start(): Promise<Collector> {
    const collector = new Collector()
    await once(collector.server.listen(0, '127.0.0.1'), 'listening')
    return collector
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** The spans of the trace of this request, by the id that its answer named; none while they are on their way. */
  traceOf(requestId: string): CollectedSpan[] {
    const root = this.spans.find((span) => !span.parentSpanId && span.attributes['ates.request_id'] === requestId)
    return root ? this.spans.filter(({ traceId }) => traceId === root.traceId) : []
  }

  private async take(request: IncomingMessage): Promise<void> {
    if (this.refusing) throw new Error('refusing')
    const { resourceSpans } = z.parse(Exported, await json(request))
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = String(plain(resource.attributes)['service.name'])
      for (const span of scopeSpans.flatMap(({ spans }) => spans))
        this.spans.push({ ...span, service, attributes: plain(span.attributes) })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    await once(this.server.close(), 'close')
  }
}
