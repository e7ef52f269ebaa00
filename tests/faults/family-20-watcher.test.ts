// Family 20, the watcher itself: what only looks like a loss is told to nobody, whatever is restarted meanwhile; and when
// the reconciler alone has died, the watcher says so.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { must } from '../../kernel/result.ts'
import type { ServiceState } from '../../kernel/service-state.ts'
import type { ApplicationProcess } from './application-process.ts'
import { plantTasks } from './planting.ts'
import { firstOfEach, openWebhook } from './receivers.ts'
import { until } from './settled.ts'
import { openStage, type Stage } from './stage.ts'

const second = 1_000
const everyMs = 100

/** A business time that goes so much faster than that of the tests. */
const fastClock = (speed: number) => {
  const from = Date.now()
  return {
    settings: { ATES_TEST_CLOCK: `${from} ${speed}` },
    now: () => new Date(from + (Date.now() - from) * speed),
  }
}

const begun = async (stage: Stage): Promise<ApplicationProcess> => {
  const process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  await stage.traffic(process, 20)
  await stage.settled()
  return process
}

/** Every alert that people were ever told of. */
const alertsOf = async (process: ApplicationProcess): Promise<string[]> => {
  const asked = { service: 'operations', method: 'ListAlerts', input: { state: 'all' }, requestId: 'alerts' }
  const listed = must(await process.call({ ...asked, actor: { id: 1, role: 'manager' } }))
  return (listed as { alerts: readonly { name: string; about: string }[] }).alerts.map(
    ({ name, about }) => `${name}, ${about}`,
  )
}

/** What the watcher sees to be wrong, told or not. */
const suspected = async (stage: Stage): Promise<unknown[]> => {
  const rows = await stage.query('select name from operations.alert where cleared_at is null')
  return rows.map(({ name }) => name as unknown)
}

const oldestSnapshotMs = async (stage: Stage, process: ApplicationProcess): Promise<number> => {
  const { stream } = (await stage.operate(process, 'task-tracker', 'GetState', {})) as ServiceState
  return stream.oldestSnapshotMs
}

const stalled = 'ReconciliationStalled, reconciliation'
/** A look of the reconciler, what it reads, and what it keeps: it hangs when one of them is done. */
const steps = ['reconcile.look', 'reconcile.read', 'reconcile.keep'] as const

/** Most of this is waiting for the times that alerts need. */
describe('the watcher', { concurrency: 2 }, () => {
  test('tells nobody of a slow transaction, over a restart of everything and with the oldest event there was', async () => {
    await using webhook = await openWebhook()
    const clock = fastClock(10)
    await using stage = await openStage('family 20, slow', { ...webhook.settings, ...clock.settings })
    const trafficUntil = (process: ApplicationProcess, end: number) =>
      until(
        () => 'so long',
        async () => {
          await stage.traffic(process, 2)
          return clock.now().getTime() >= end
        },
        undefined,
        everyMs,
      )
    const first = await begun(stage)

    await using slow = await stage.ground.connect()
    await slow.query('begin')
    const begins = clock.now()
    const committed = await plantTasks(stage, stage.draw(1, 5), slow, { at: begins })
    const lastsMs = stage.draw(30, 60) * second
    await trafficUntil(first, begins.getTime() + lastsMs / 2)
    await first.kill()
    const next = await stage.start()
    await stage.recovers(next)
    await trafficUntil(next, begins.getTime() + lastsMs)
    await stage.until('the transaction is seen', async () => (await oldestSnapshotMs(stage, next)) > second)

    // The watcher looks just when it was committed and has no numbers yet: as if they had waited all the time.
    await using held = await stage.ground.holdRelay()
    await slow.query('commit')
    committed()
    await stage.until('it is suspected', async () => (await suspected(stage)).includes('EventsUnnumbered'))
    await held[Symbol.asyncDispose]()
    await stage.recovers(next)
    await stage.until('nothing is suspected any more', async () => (await suspected(stage)).length === 0)
    await stage.audit()
    assert.deepEqual([await alertsOf(next), webhook.told], [[], []])
    await next.stop()
  })

  test('says that the reconciler hangs, and that it compares again', async () => {
    await using webhook = await openWebhook()
    await using stage = await openStage('family 20, reconciler', { ...webhook.settings, ...fastClock(120).settings })
    const told = () => firstOfEach(webhook.told).map(({ what }) => what)
    const isTold = (what: string) =>
      until(
        () => `${what}; told: ${told().join('; ')}`,
        async () => told().includes(what),
        60 * second,
        everyMs,
      )
    const first = await begun(stage)
    const compared = 'select from operations.reconciliation where last_round_at is not null'
    await stage.until('everything was compared', async () => (await stage.query(compared)).length === 3)
    assert.deepEqual(told(), [])

    first.arm({ step: stage.clients.pick(steps), of: 'operations', when: 'after', nth: 1, act: 'hang' })
    await isTold(`raised: ${stalled}`)
    assert.deepEqual(await alertsOf(first), [stalled])
    await stage.traffic(first, 10)
    await stage.audit()

    await first.kill()
    const next = await stage.start()
    await stage.recovers(next)
    await isTold(`cleared: ${stalled}`)
    assert.deepEqual(told(), [`raised: ${stalled}`, `cleared: ${stalled}`])
    await stage.traffic(next, 10)
    await stage.audit()
    await next.stop()
  })
})
