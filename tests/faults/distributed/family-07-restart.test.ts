// Family 7: the PostgreSQL servers of services are stopped without any order and started again, or crash by themselves.
import { test } from 'node:test'
import type { OwnPostgres } from '../../servers/own-postgres.ts'
import { Deployment } from './deployment.ts'
import { amidTraffic, recovers } from './recovery.ts'
import { serversGround } from './servers-ground.ts'

const restart = (...servers: readonly OwnPostgres[]) =>
  Promise.all(servers.map((server) => server.restartImmediately()))

test('whatever database server is restarted at once amid the traffic, nothing is lost of what was committed', async (t) => {
  const ground = await serversGround({ identity: {}, task_tracker: {}, accounting: {} })
  await using deployment = await Deployment.on(ground, 'family 7, restart')
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
})
