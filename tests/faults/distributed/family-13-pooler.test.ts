// Family 13: PgBouncer in transaction mode, with fewer sessions than there are connections, dies amid the traffic.
import { test } from 'node:test'
import { PgBouncer } from '../../servers/pg-bouncer.ts'
import { Deployment } from './deployment.ts'
import { amidTraffic, healthy, recovers } from './recovery.ts'
import { serversGround } from './servers-ground.ts'

const sessions = 3

test('poolers that are killed, and servers that are restarted behind them, take along nothing that was committed', async (t) => {
  const ground = await serversGround({ task_tracker: {}, accounting: {} })
  await using ends = new AsyncDisposableStack()
  const { task_tracker: tracker, accounting } = ground.servers
  const open = async (port: number) => ends.use(await PgBouncer.open({ port, sessions }))
  const [ofTracker, ofLedger] = await Promise.all([open(tracker.port), open(accounting.port)])
  ground.detour('task_tracker', ofTracker.port)
  ground.detour('accounting', ofLedger.port)
  const settings = { ATES_NAMED_STATEMENTS: 'false' }
  await using deployment = await Deployment.on(ground, 'family 13, poolers', { settings })
  const again = async (...killed: readonly PgBouncer[]) => {
    for (const bouncer of killed) await bouncer.kill()
    for (const bouncer of killed) await bouncer.start()
  }
  const harms: Readonly<Record<string, () => Promise<unknown>>> = {
    "the task tracker's is killed": () => again(ofTracker),
    "the ledger's is killed": () => again(ofLedger),
    'both are killed': () => again(ofTracker, ofLedger),
    'the servers are restarted': () => Promise.all([tracker.restartImmediately(), accounting.restartImmediately()]),
  }
  for (const [which, harm] of Object.entries(harms)) {
    await t.test(which, async () => {
      await amidTraffic(deployment, 60, harm)
      await recovers(deployment)
      await deployment.stage.audit()
    })
  }
  await healthy(deployment)
})
