// Family 7: the PostgreSQL servers of services are stopped without any order and started again, or crash by themselves; or
// they answer no commit, and whoever waits for them is told to stop.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OwnPostgres } from '../../servers/own-postgres.ts'
import { Deployment } from './deployment.ts'
import { amidTraffic, recovers } from './recovery.ts'
import { serversGround } from './servers-ground.ts'

const restart = (...servers: readonly OwnPostgres[]) =>
  Promise.all(servers.map((server) => server.restartImmediately()))

test('whatever database server is restarted at once amid the traffic, nothing is lost of what was committed', async (t) => {
  const ground = await serversGround({ identity: {}, task_tracker: {}, accounting: {} })
  const settings = { ATES_STOP_SECONDS: '2' }
  await using deployment = await Deployment.on(ground, 'family 7, restart', { settings })
  const { identity, task_tracker: tracker, accounting } = ground.servers
  const { stage } = deployment
  const harms: Readonly<Record<string, () => Promise<unknown>>> = {
    'that of identity': () => restart(identity),
    'that of the task tracker': () => restart(tracker),
    'that of accounting': () => restart(accounting),
    'all of them': () => restart(identity, tracker, accounting),
    'that of the task tracker, by a crash of its own': () => tracker.crash(),
    'that of accounting, by a crash of its own': () => accounting.crash(),
  }
  for (const [which, harm] of Object.entries(harms)) {
    await t.test(which, async () => {
      await amidTraffic(deployment, 60, async () => {
        await harm()
        await recovers(deployment)
      })
      await stage.invite(deployment, 'popug')
      await stage.audit()
    })
  }
  await t.test(
    'commits of the task tracker wait for a standby that is gone, and its processes are told to stop',
    async () => {
      await using hand = await tracker.connect()
      const standby = async (name: string) => {
        await hand.query(`alter system set synchronous_standby_names = '${name}'`)
        await hand.query('select pg_reload_conf()')
      }
      const waiting = async () =>
        (await hand.query(`select from pg_stat_activity where wait_event = 'SyncRep'`)).rows.length > 0
      await standby('gone')
      const orders = Array.from({ length: 8 }, () => stage.clients.create())
      await stage.until('commits wait', async () => {
        await Promise.all(orders.map((order) => stage.send(deployment, order, { timeoutMs: 500 })))
        return waiting()
      })
      const parts = deployment.of('task-tracker')
      for (const { process } of parts) process.signal('SIGTERM')
      for (const { process } of parts) {
        await stage.until('it ends', async () => !process.isAlive, 30_000)
        assert.equal(await process.died, 1)
        assert.match(process.said, /stopping takes too long: connections to databases are cut/)
        assert.doesNotMatch(process.said, /left behind/)
      }
      await standby('')
      await Promise.all(parts.map((part) => part.start()))
      await recovers(deployment)
      for (const order of orders) await stage.insist(() => deployment, order)
      await stage.audit()
    },
  )
})
