// Processes apart, one trace: it goes with the call to identity and, without a broker, with the event to accounting.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Collector, pathTo } from '../support/collector.ts'
import { eventually } from '../support/eventually.ts'
import { freshDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'
import { Apart } from './apart.ts'
import { Visitor } from './visitor.ts'

const password = 'a parrot is not a password'

test('a trace begins at web and ends where accounting has taken in the event, two processes further', async () => {
  await using database = await freshDatabase(schemas)
  await using collector = await Collector.start()
  await using apart = await Apart.start(database, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
  const admin = new Visitor(apart.get('web').url)
  const link = /at the address of web: (\/first-run\?token=\w+)/.exec(apart.get('identity').said)?.[1] ?? ''
  const first = await admin.submit(link, '/first-run', { name: 'Ada', email: 'ada@example.com', password })
  assert.equal(first.status, 200, first.text)

  const ended = await eventually(
    "the sign-up's event in accounting",
    () => collector.spans.find(({ name }) => name === 'apply holders'),
    20_000,
  )
  const trace = await eventually('its root', () => {
    const spans = collector.spans.filter(({ traceId }) => traceId === ended.traceId)
    return spans.some(({ parentSpanId }) => !parentSpanId) && spans
  })
  const path = pathTo(trace, ended.name).map(({ service, name }) => `${service}: ${name}`)
  assert.deepEqual(path, [
    'ates-web: POST /first-run',
    'ates-web: call identity CreateFirstAdministrator',
    'ates-identity: identity CreateFirstAdministrator',
    'ates-identity: transaction identity.CreateFirstAdministrator',
    'ates-accounting: apply holders',
  ])
})
