// Spans of one process as a collector gets them: shares, batches of several traces, failures, and no collector.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../../kernel/ports.ts'
import { Collector } from '../../tests/support/collector.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { silent } from '../../tests/support/silent.ts'
import { type OpenTelemetry, startOpenTelemetry } from './open-telemetry.ts'
import { tracedRequests } from './traced.ts'

const starting = (url: string, share = 1, log: Log = silent): OpenTelemetry =>
  startOpenTelemetry({ url: `${url}/v1/traces`, share, name: 'tested', log })

/** The places of so many traces that have been begun. */
const begun = ({ tracing }: OpenTelemetry, count: number): Promise<(string | null)[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => tracing.root(`click ${n}`, {}, async () => tracing.place())))

test('a batch is told in each trace it is part of, and the spans name each other', async () => {
  await using collector = await Collector.start()
  const telemetry = starting(collector.url)
  const places = await begun(telemetry, 3)
  const { tracing } = telemetry
  const gave = await tracing.shared('batch', [null, ...places, places[0], undefined], { kind: 'consumer' }, () =>
    tracing.span('inside', {}, async () => 'done'),
  )
  await telemetry.stop()
  assert.equal(gave, 'done')
  const batches = collector.spans.filter(({ name }) => name === 'batch')
  assert.deepEqual(
    batches.map(({ traceId, parentSpanId }) => `${traceId}-${parentSpanId}`).toSorted(),
    places.map((place) => String(place).slice(3, -3)).toSorted(),
  )
  const inside = collector.spans.find(({ name }) => name === 'inside')
  const work = batches.find(({ spanId }) => spanId === inside?.parentSpanId)
  assert.equal(work?.traceId, places[0]?.split('-')[1])
  assert.ok(work)
  const others = batches.filter((span) => span !== work)
  assert.deepEqual(work.links.map(({ spanId }) => spanId).toSorted(), others.map(({ spanId }) => spanId).toSorted())
  for (const { links } of others) assert.deepEqual(links, [{ traceId: work.traceId, spanId: work.spanId }])
})

test('a batch tells a bounded number of traces', async () => {
  await using collector = await Collector.start()
  const telemetry = starting(collector.url)
  const places = await begun(telemetry, 200)
  await telemetry.tracing.shared('batch', places, {}, async () => undefined)
  await telemetry.stop()
  assert.equal(collector.spans.filter(({ name }) => name === 'batch').length, 128)
})

test('work outside of a trace, or of one that is not recorded, is done and not told', async () => {
  await using collector = await Collector.start()
  const telemetry = starting(collector.url, 0)
  const { tracing } = telemetry
  assert.equal(await tracing.root('click', {}, () => tracing.span('part', {}, async () => tracing.place())), null)
  const unsampled = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`
  assert.equal(await tracing.span('alone', {}, async () => 1), 1)
  assert.equal(await tracing.span('alone', { from: unsampled }, async () => 2), 2)
  assert.equal(await tracing.shared('batch', [null, 'nonsense', unsampled], {}, async () => 3), 3)
  await telemetry.stop()
  assert.deepEqual(collector.spans, [])
})

test('what throws is thrown on, and stands in the span as a failure', async () => {
  await using collector = await Collector.start()
  const telemetry = starting(collector.url)
  const { tracing } = telemetry
  const failing = tracing.root('click', { attributes: { before: 1 } }, async (note) => {
    note({ after: 'two' })
    throw new Error('it broke')
  })
  await assert.rejects(failing, /it broke/)
  assert.equal(tracing.place(), null)
  await telemetry.stop()
  const [span] = collector.spans
  assert.deepEqual([span?.name, span?.service, span?.status.code], ['click', 'tested', 2])
  assert.match(span?.status.message ?? '', /it broke/)
  assert.deepEqual(span?.attributes, { before: 1, after: 'two' })
})

test('requests are named by their form; assets and health are not told', async () => {
  await using collector = await Collector.start()
  const telemetry = starting(collector.url)
  const answer = tracedRequests(() => new Response('no', { status: 404 }), telemetry.tracing)
  for (const path of ['/assets/look.css', '/health/ready', '/tasks/17/complete?token=secret'])
    await answer(new Request(`http://here${path}`, { method: 'POST' }))
  await telemetry.stop()
  const said = collector.spans.map(({ name, attributes }) => [name, attributes['http.response.status_code']])
  assert.deepEqual(said, [['POST /tasks/{n}/complete', 404]])
  assert.doesNotMatch(JSON.stringify(collector.spans.map(({ attributes }) => attributes)), /secret/)
})

test('a collector that refuses is said once, and that it takes spans again', async () => {
  await using collector = await Collector.start()
  const said: string[] = []
  const say = (_fields: object, message: string) => void said.push(message)
  const telemetry = starting(collector.url, 1, { ...silent, warn: say, info: say })
  collector.refusing = true
  await begun(telemetry, 1)
  await eventually('a warning', () => said.length > 0)
  collector.refusing = false
  await begun(telemetry, 1)
  await telemetry.stop()
  assert.deepEqual(said, ['traces cannot be sent', 'traces are sent again'])
})

test('a collector that is gone does not hold up the stop', async () => {
  const collector = await Collector.start()
  const { url } = collector
  await collector[Symbol.asyncDispose]()
  const telemetry = starting(url)
  await begun(telemetry, 1)
  const before = performance.now()
  await telemetry.stop()
  assert.ok(performance.now() - before < 5_000)
})
