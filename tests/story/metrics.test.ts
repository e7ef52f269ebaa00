// What Prometheus sees: calls by outcome, streams with their ages, positions and parked events.
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { localBus } from '../../adapters/bus/local.ts'
import { roleOf } from '../../adapters/database/prepare.ts'
import { createMetrics } from '../../adapters/metrics.ts'
import { ownAlarm } from '../../alarm.ts'
import type { Called } from '../../kernel/host.ts'
import { must } from '../../kernel/result.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { eventually } from '../support/eventually.ts'
import { addPeople, as, schemas, startSystem } from '../support/system.ts'

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
  const { measure } = system.host
  const breakers = () => ({ accounting: 'open' }) as const
  const scrape = async () => (await metrics.scrape({ measure, breakers, alarm: () => Promise.resolve(null) })).body
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

test('metrics tell how many events were not brought by the bus and had to be read from the log', async () => {
  const metrics = createMetrics()
  const losing = { ...localBus(), publish: () => Promise.resolve() }
  await using system = await startSystem({ fetched: metrics.fetched, bus: losing })
  await addPeople(system, ['popug', 'popug'])
  const { measure } = system.host
  const { body } = await metrics.scrape({ measure, breakers: () => ({}), alarm: () => Promise.resolve(null) })
  const lines = body
    .split('\n')
    .filter((one) => one.startsWith('ates_consumer_fetched_events_total{consumer="holders"'))
  assert.equal(
    lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0),
    2,
  )
})

/** Names of metrics in the rules, the dashboard and the pages for operators; words of PromQL are no names. */
const namesIn = (text: string): Set<string> =>
  new Set(text.match(/\b(?:ates|process|nodejs)_[a-z0-9_]+_(?:[a-z0-9]+)\b|\bates_[a-z0-9_]+\b/g))

const root = join(import.meta.dirname, '../..')
const written = [
  'deploy/prometheus/rules.yml',
  'deploy/grafana/ates.json',
  ...globSync('docs/operate/**/*.md', { cwd: root }),
]

test('every metric that rules, dashboard and runbooks name is served', async () => {
  const metrics = createMetrics()
  await using system = await startSystem({ called: metrics.called, fetched: metrics.fetched })
  await addPeople(system, ['popug'])
  const { measure } = system.host
  const alarm = () => ownAlarm(system.host)()
  await eventually('a round of the watcher', async () => (await alarm())?.watchedAt)
  const { body } = await metrics.scrape({ measure, breakers: () => ({}), alarm })
  const served = new Set(
    [...body.matchAll(/^# TYPE (\S+) (\w+)$/gm)].flatMap(([, name = '', kind]) =>
      kind === 'histogram' ? [name, `${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  )
  const unknownIn = (text: string) => [...namesIn(text)].filter((name) => !served.has(name) && !tables.has(name))
  assert.deepEqual(unknownIn('rate(ates_no_such_total[1m]) > ates_stream_head'), ['ates_no_such_total'])
  for (const path of written) {
    const text = await readFile(join(root, path), 'utf8')
    assert.deepEqual(unknownIn(text), [], path)
  }
})

/** What begins as a metric does, and is none: roles of databases. */
const tables = new Set(schemas.map(roleOf))
