// One trace leads from a click to the ledger's line; without a collector nobody traces anything.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { serviceRole } from '../../kernel/contract.ts'
import type { Log } from '../../kernel/ports.ts'
import { must } from '../../kernel/result.ts'
import { standardContract } from '../../kernel/standard.ts'
import { refusePrices } from '../../services/operations/operations.test-support.ts'
import { type Running, startRunning } from '../support/application.ts'
import { type CollectedSpan, Collector, pathTo } from '../support/collector.ts'
import { eventually } from '../support/eventually.ts'
import { freshDatabase, type TestDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'

const foreignTrace = '0123456789abcdef0123456789abcdef'

/** Sends a form's worth of JSON as the manager and gives the id of the request. */
const click = async ({ url, members }: Running, path: string, body: object = {}): Promise<string> => {
  const response = await fetch(`${url}/api/v1/task-tracker${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: {
      'content-type': 'application/json',
      traceparent: `00-${foreignTrace}-0123456789abcdef-01`,
      cookie: members.manager.cookie,
    },
  })
  assert.equal(response.status, 200, await response.text())
  return response.headers.get('x-request-id') ?? ''
}

const namesTo = (trace: readonly CollectedSpan[], name: string): string[] =>
  pathTo(trace, name).map((span) => span.name)

describe('with a collector', () => {
  let database: TestDatabase
  let collector: Collector
  let running: Running
  const logged: { fields: Record<string, unknown>; message: string }[] = []
  before(async () => {
    database = await freshDatabase(schemas)
    collector = await Collector.start()
    running = await startRunning({
      database,
      settings: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
      log: recording(logged),
    })
  })
  after(async () => {
    await running[Symbol.asyncDispose]()
    await collector[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })
  const traceWith = (requestId: string, name: string) =>
    eventually(`${name} in the trace of ${requestId}`, () => {
      const trace = collector.traceOf(requestId)
      return trace.some((span) => span.name === name) && trace
    })

  test('one trace has the request, the call, its transaction, the relay and the ledger', async () => {
    const requestId = await click(running, '/tasks', { description: 'Follow me' })
    const trace = await traceWith(requestId, 'apply ledger')
    assert.deepEqual(namesTo(trace, 'transaction apply.ledger'), [
      'POST /api/v1/task-tracker/tasks',
      'task-tracker CreateTask',
      'transaction task-tracker.CreateTask',
      'apply ledger',
      'transaction apply.ledger',
    ])
    assert.deepEqual(namesTo(trace, 'publish task-tracker').slice(-2), ['relay task-tracker', 'publish task-tracker'])
    const known = new Set(trace.map(({ spanId }) => spanId))
    for (const { name, parentSpanId, startTimeUnixNano, endTimeUnixNano } of trace) {
      assert.ok(!parentSpanId || known.has(parentSpanId), `${name} hangs on nothing`)
      assert.ok(startTimeUnixNano <= endTimeUnixNano, name)
    }
    assert.ok(trace.every(({ traceId, service }) => traceId !== foreignTrace && service === 'ates'))
    const [event] = await database.query<{ requestId: string; trace: string }>(
      'select request_id as "requestId", trace from task_tracker.event order by number desc limit 1',
    )
    assert.equal(event?.requestId, requestId)
    const said = trace.find(({ name }) => name === 'transaction task-tracker.CreateTask')
    assert.equal(event.trace, `00-${said?.traceId}-${said?.spanId}-01`)
  })

  test('a job and all that it draws belong to the click that asked for it', async () => {
    const requestId = await click(running, '/reassignments')
    await running.application.host.settle()
    const trace = await traceWith(requestId, 'apply ledger')
    assert.deepEqual(namesTo(trace, 'apply ledger').slice(-2), ['job ReassignTasks', 'apply ledger'])
  })

  test('an event that is set aside keeps its place in the trace, and what a person makes of it is a part of that', async () => {
    const [next] = await database.query<{ id: number }>(
      'select coalesce(max(id), 0)::int + 1 as id from task_tracker.task',
    )
    const mend = await refusePrices({ database }, [next?.id ?? 0])
    const requestId = await click(running, '/tasks', { description: 'Set me aside' })
    await running.application.host.settle()
    const [parked] = await database.query<{ number: number; requestId: string; trace: string }>(
      `select number::int, request_id as "requestId", trace from accounting.parked where state = 'parked'`,
    )
    assert.equal(parked?.requestId, requestId)
    await mend()
    const { retryParked } = standardContract('accounting')
    const operator = { actor: { id: null, role: serviceRole }, requestId: 'a retry' }
    const retry = { consumer: 'ledger', number: parked.number }
    assert.deepEqual(must(await running.application.host.call(retryParked, retry, operator)), { result: 'applied' })
    const trace = await traceWith(requestId, 'retry ledger')
    assert.equal(parked.trace.split('-')[1], trace[0]?.traceId)
    assert.deepEqual(namesTo(trace, 'retry ledger').slice(-2), ['transaction task-tracker.CreateTask', 'retry ledger'])
  })

  test('a refusal is told as an outcome, a line of the log names the trace', async () => {
    const answer = await fetch(`${running.url}/api/v1/task-tracker/tasks/999/complete`, {
      method: 'POST',
      headers: { cookie: running.members.popug.cookie },
    })
    const requestId = answer.headers.get('x-request-id') ?? ''
    const trace = await traceWith(requestId, 'task-tracker CompleteTask')
    const call = trace.find(({ name }) => name === 'task-tracker CompleteTask')
    assert.equal(call?.attributes['ates.outcome'], 'task_not_found')
    const line = logged.find(({ fields, message }) => message === 'called' && fields['requestId'] === requestId)
    assert.equal(line?.fields['traceId'], call.traceId)
    assert.equal(trace.find(({ parentSpanId }) => !parentSpanId)?.name, 'POST /api/v1/task-tracker/tasks/{n}/complete')
  })
})

const recording = (lines: { fields: Record<string, unknown>; message: string }[]): Log => {
  const keep = (fields: object, message: string) => void lines.push({ fields: { ...fields }, message })
  return { debug: keep, info: keep, warn: keep, error: keep, child: () => recording(lines) }
}

test('what traces is not even loaded where nobody traces', async () => {
  const program = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    await import('./application.ts')
    console.log(loaded.filter((url) => /opentelemetry.(?:sdk|exporter|otlp)/.test(url)).join(), loaded.length > 100)`
  const run = promisify(execFile)(process.execPath, ['--import', './runtime.js', '--input-type=module', '-e', program])
  assert.equal((await run).stdout.trim(), 'true')
})
