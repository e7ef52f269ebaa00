// Processes of web say how they are: what they said last counts like what a service says, and their silence means nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../kernel/ports.ts'
import { must } from '../../kernel/result.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { asService, startSystem } from '../../tests/support/system.ts'
import { operations } from './contract.ts'
import { admin, overviewOf } from './operations.test-support.ts'

type BreakerState = 'closed' | 'half-open' | 'open'

const [one, other] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002']
const startedAt = '2026-01-01T00:00:00.000Z'
const report = (instance: string, state: BreakerState, what = 'no round') => ({
  process: 'web' as const,
  instance,
  startedAt,
  troubles: [{ part: 'the watcher', what }],
  breakers: [{ service: 'task-tracker', state }],
})

const openSystem = async () => {
  const time = { ms: Date.parse(startedAt) }
  const clock: Clock = { now: () => Promise.resolve(new Date(time.ms)) }
  const system = await startSystem({ clock })
  const { call, database } = system
  /** Rounds of the watcher, each five seconds after the one before; commands wake it, refused ones too. */
  const watch = async (rounds: number) => {
    for (let round = 0; round < rounds; round += 1) {
      time.ms += 5_000
      const isSeen = async () => {
        await call(operations.cancelAct, { id: 1 }, admin)
        return (await overviewOf(system)).observedAt === new Date(time.ms).toISOString()
      }
      await eventually('a round', isSeen)
    }
  }
  return {
    watch,
    say: async (...said: Parameters<typeof report>) =>
      must(await call(operations.reportProcess, report(...said), asService)),
    /** As if this was the last that it said, so long ago. */
    grow: (instance: string, seconds: number) =>
      database.query(
        `update operations.process_report set reported_at = now() - interval '${seconds} s' where instance = '${instance}'`,
      ),
    web: async () => (await overviewOf(system)).services.find(({ name }) => name === 'web'),
    kept: () => database.query('select instance from operations.process_report order by 1'),
    alerts: async () => {
      const { alerts } = must(await call(operations.listAlerts, {}, admin))
      return alerts.map(({ name, about }) => `${name}, ${about}`)
    },
    [Symbol.asyncDispose]: () => system[Symbol.asyncDispose](),
  }
}

const rounds = { ofHalfAMinute: 7, ofAMinute: 13 }

test('a breaker of web that is open for half a minute raises an alert, which ends when that process says no more', async () => {
  await using system = await openSystem()
  await system.say(one, 'open', 'cut off')
  await system.say(other, 'closed')
  // Reports wake the watcher: it may have had a round before the first of these.
  await system.watch(rounds.ofHalfAMinute - 2)
  assert.deepEqual(await system.alerts(), [])
  await system.watch(2)
  assert.deepEqual(await system.alerts(), ['BreakerOpen, web to task-tracker'])
  const web = await system.web()
  assert.deepEqual([web?.stream, web?.silentSince], [null, null])
  assert.deepEqual(
    web?.instances.map(({ instance, troubles, breakers }) => [instance, troubles[0]?.what, breakers[0]?.state]),
    [
      [one, 'cut off', 'open'],
      [other, 'no round', 'closed'],
    ],
  )
  await system.grow(one, 21)
  await system.watch(rounds.ofHalfAMinute)
  assert.deepEqual(await system.alerts(), [])
  assert.deepEqual(
    (await system.web())?.instances.map(({ instance }) => instance),
    [other],
  )
})

test('that web reports no more raises nothing, and is forgotten after a minute', async () => {
  await using system = await openSystem()
  await system.say(one, 'closed')
  await system.watch(1)
  assert.equal((await system.web())?.instances.length, 1)
  await system.grow(one, 61)
  await system.watch(rounds.ofAMinute)
  assert.equal(await system.web(), undefined)
  assert.deepEqual(await system.alerts(), [])
  await system.say(other, 'closed')
  assert.deepEqual(await system.kept(), [{ instance: other }])
})

test('what a process says last replaces what it said before', async () => {
  await using system = await openSystem()
  for (const state of ['open', 'half-open', 'closed'] as const) await system.say(one, state)
  await system.watch(1)
  assert.deepEqual(
    (await system.web())?.instances.map(({ breakers }) => breakers),
    [[{ service: 'task-tracker', state: 'closed' }]],
  )
})

test('a report that is none, or too large, is refused, and so is one of a person', async () => {
  await using system = await startSystem({ loops: false })
  const good = report(one, 'open')
  const bad: readonly object[] = [
    { process: 'accounting' },
    { instance: 'one' },
    { startedAt: 'yesterday' },
    { breakers: [{ service: 'task-tracker', state: 'ajar' }] },
    { breakers: Array.from({ length: 51 }, () => good.breakers[0]) },
    { troubles: Array.from({ length: 51 }, () => good.troubles[0]) },
    { troubles: [{ part: 'the watcher', what: 'x'.repeat(1_001) }] },
    { troubles: [{ part: 'the watcher', what: 'a\0b' }] },
  ]
  for (const change of bad) {
    const refused = await system.call(operations.reportProcess, { ...good, ...change }, asService)
    assert.equal('refused' in refused && refused.refused, 'invalid_input', JSON.stringify(change).slice(0, 100))
  }
  const forbidden = await system.call(operations.reportProcess, good, admin)
  assert.equal('refused' in forbidden && forbidden.refused, 'forbidden')
  assert.deepEqual(await system.database.query('select from operations.process_report'), [])
})
