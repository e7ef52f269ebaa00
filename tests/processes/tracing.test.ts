// Four processes, one trace: it goes with the call to the task tracker and with the event to accounting.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Collector } from '../support/collector.ts'
import { eventually } from '../support/eventually.ts'
import { freshDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'
import { Apart } from './apart.ts'
import { Visitor } from './visitor.ts'

const password = 'a parrot is not a password'

test('a trace begins at web and ends in the ledger, three processes further', async () => {
  await using database = await freshDatabase(schemas)
  await using collector = await Collector.start()
  await using apart = await Apart.start(database, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
  const admin = new Visitor(apart.get('web').url)
  const link = /at the address of web: (\/first-run\?token=\w+)/.exec(apart.get('identity').said)?.[1] ?? ''
  await admin.submit(link, '/first-run', { name: 'Ada', email: 'ada@example.com', password })

  const ended = await eventually(
    "the sign-up's event in accounting",
    () => collector.spans.find(({ name, service }) => service === 'ates-accounting' && name.startsWith('apply')),
    20_000,
  )
  const trace = await eventually('its root', () => {
    const spans = collector.spans.filter(({ traceId }) => traceId === ended.traceId)
    return spans.some(({ parentSpanId }) => !parentSpanId) && spans
  })
  const path: string[] = []
  for (let span = trace.find(({ spanId }) => spanId === ended.spanId); span;) {
    path.unshift(`${span.service}: ${span.name}`)
    const { parentSpanId } = span
    span = trace.find(({ spanId }) => spanId === parentSpanId)
  }
  assert.deepEqual(path, [
    'ates-web: POST /first-run',
    'ates-web: call identity CreateFirstAdministrator',
    'ates-identity: identity CreateFirstAdministrator',
    'ates-identity: transaction identity.CreateFirstAdministrator',
    'ates-accounting: apply holders',
  ])
})
