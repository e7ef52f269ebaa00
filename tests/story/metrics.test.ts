// What Prometheus sees: calls by outcome, streams with their ages, positions and parked events.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../../adapters/metrics.ts'
import type { Called } from '../../kernel/host.ts'
import { must } from '../../kernel/result.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { addPeople, as, startSystem } from '../support/system.ts'

test('metrics tell calls by outcome, heads, positions and how old what is waiting is', async () => {
  const metrics = createMetrics()
  const calls: Called[] = []
  const called = (call: Called) => {
    calls.push(call)
    metrics.called(call)
  }
  await using system = await startSystem({ called })
  const [popug] = await addPeople(system, ['popug'])
  assert.ok(popug)
  must(await system.call(taskTracker.createTask, { description: 'Count me' }, as(popug)))
  await system.call(taskTracker.completeTask, { taskId: 99 }, as(popug))
  await system.host.settle()
  const { measure, undelivered } = system.host
  const scrape = async () =>
    (await metrics.scrape({ measure, undelivered, breakers: () => ({ accounting: 'open' }) })).body
  const body = await scrape()
  const value = (line: string, text = body) =>
    Number(
      text
        .split('\n')
        .find((one) => one.startsWith(`${line} `))
        ?.split(' ')
        .at(-1),
    )
  assert.equal(value('ates_call_seconds_count{service="task-tracker",method="CreateTask",outcome="ok"}'), 1)
  assert.equal(
    value('ates_call_seconds_count{service="task-tracker",method="CompleteTask",outcome="task_not_found"}'),
    1,
  )
  assert.equal(value('ates_stream_head{service="task-tracker"}'), 1)
  assert.equal(value('ates_consumer_position{service="accounting",consumer="ledger",stream="task-tracker"}'), 1)
  assert.equal(value('ates_outbox_oldest_seconds{service="task-tracker"}'), 0)
  assert.equal(value('ates_breaker_state{service="accounting"}'), 2)
  assert.ok(calls.every(({ ms }) => ms >= 0))

  await system.host.stop()
  await system.database.query(`insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id)
    values (gen_random_uuid(), 'X', 1, '1', '{}', now() - interval '1 minute', 'test')`)
  assert.ok(value('ates_outbox_oldest_seconds{service="task-tracker"}', await scrape()) >= 60)
})
