// A trace over the broker: from the request at web for a new task to the span that books its fee, while nobody can read the
// task tracker's log.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deployment } from '../faults/distributed/deployment.ts'
import { openDesk } from '../faults/distributed/desk.ts'
import { broughtByBroker } from '../faults/distributed/recovery.ts'
import { Collector, pathTo } from '../support/collector.ts'
import { eventually } from '../support/eventually.ts'

test('a trace goes with the event over the broker, from the request for a task to its fee in the ledger', async () => {
  await using collector = await Collector.start()
  const replicas = { identity: 1, 'task-tracker': 1, accounting: 1, web: 1 }
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
  await using deployment = await Deployment.open('trace over the broker', { replicas, settings, roles: [] })
  const { stage } = deployment
  const desk = await openDesk(deployment, 'manager', 'popug')
  await broughtByBroker(deployment)
  // What comes now comes by the broker or not at all.
  for (const { links } of deployment.of('accounting')) await links.services['task-tracker'].away()

  const order = stage.clients.create()
  const learned = await stage.send(desk, order)
  assert.ok('acknowledged' in learned, JSON.stringify(learned))
  const trace = await eventually(
    'the fee in the trace of the request',
    () => {
      const spans = collector.traceOf(order.request)
      return spans.some(({ name }) => name === 'transaction apply.ledger') && spans
    },
    20_000,
  )
  const path = pathTo(trace, 'transaction apply.ledger').map(({ service, name }) => `${service}: ${name}`)
  assert.deepEqual(path, [
    'ates-web: POST /api/v1/task-tracker/tasks',
    'ates-web: call task-tracker CreateTask',
    'ates-task-tracker: task-tracker CreateTask',
    'ates-task-tracker: transaction task-tracker.CreateTask',
    'ates-accounting: apply ledger',
    'ates-accounting: transaction apply.ledger',
  ])
})
