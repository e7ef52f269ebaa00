// Family 20, the watcher's death: each other process says in the documented time that nobody watches, and a page warns
// an administrator; events go on; and nobody says it any more when it is back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalog } from '../../../services/operations/alerts/rules/catalog.ts'
import { Visitor } from '../../processes/visitor.ts'
import { until } from '../settled.ts'
import { Deployment, type Part } from './deployment.ts'

/** Others look every five seconds; the rest is for a slow machine. */
const slackMs = 10_000
/** Looking costs five requests. */
const everyMs = 500
const round = 'ates_watcher_round_timestamp_seconds'

/** What a process says about the watcher to whoever runs it; null when it is content. */
const saidBy = async ({ metricsPort }: Part): Promise<string | null> => {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/health/ready`, { signal: AbortSignal.timeout(5_000) })
  const { ready, troubles } = (await response.json()) as { ready: boolean; troubles: Record<string, string> }
  assert.ok(ready, 'it serves, whoever watches')
  return troubles['the watcher'] ?? null
}

/** When the watcher last finished a round, as operations says it; null when nobody says it. */
const roundOf = async (part: Part): Promise<number | null> => {
  const samples = await part.metrics().catch(() => [])
  return samples.find(({ name }) => name === round)?.value ?? null
}

test('a watcher that was killed is missed by everybody in time, and by nobody when it is back', async () => {
  const replicas = { identity: 1, 'task-tracker': 1, accounting: 1, operations: 1, web: 1 }
  await using deployment = await Deployment.open('family 20', { replicas, roles: [] })
  const { stage, parts } = deployment
  const [watcher] = deployment.of('operations')
  const [web] = deployment.of('web')
  assert.ok(watcher && web)
  const others = parts.filter((part) => part !== watcher)
  assert.equal(others.length, 4)

  const { token } = (await stage.operate(deployment, 'identity', 'IssueFirstAdministratorLink', {})) as {
    token: string
  }
  const admin = new Visitor(`http://127.0.0.1:${web.process.port}`)
  const person = { name: 'Ada', email: 'ada@example.com', password: 'a parrot is not a password' }
  const joined = await admin.submit(`/first-run?token=${token}`, '/first-run', person)
  assert.equal(joined.status, 200)
  await stage.invite(deployment, 'manager', 'popug', 'popug')

  const warned = async () => {
    const { status, text } = await admin.page('/tasks')
    assert.equal(status, 200)
    return text.includes('The watcher is silent')
  }
  const allSay = async (silent: boolean) => {
    const said = await Promise.all(others.map(saidBy))
    return said.every((one) => (one !== null) === silent) && (await warned()) === silent
  }

  await stage.until('rounds', async () => (await roundOf(watcher)) !== null)
  const before = (await roundOf(watcher)) ?? 0
  assert.ok(await allSay(false))

  const begun = performance.now()
  await watcher.process.kill()
  await stage.traffic(deployment, 40)
  await stage.audit()
  assert.equal(await roundOf(watcher), null)
  assert.deepEqual(new Set(await Promise.all(others.map(saidBy))), new Set([null]), 'a short absence is no silence')
  const limitMs = catalog.WatcherDead.threshold + slackMs
  await until(
    () => 'all miss the watcher',
    () => allSay(true),
    limitMs,
    everyMs,
  )
  assert.ok(performance.now() - begun < limitMs)
  for (const said of await Promise.all(others.map(saidBy))) assert.match(said ?? '', /^no round for \d+ s: /)

  await watcher.start()
  await until(
    () => 'nobody misses it',
    () => allSay(false),
    slackMs * 2,
    everyMs,
  )
  assert.ok(((await roundOf(watcher)) ?? 0) > before)
  await stage.traffic(deployment, 10)
  await stage.audit()
})
