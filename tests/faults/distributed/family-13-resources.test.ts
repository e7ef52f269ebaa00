// Family 13: the disk of a database or of the broker is full; a database takes no more connections.
import { test } from 'node:test'
import { openBroker } from '../../nats/broker.ts'
import { SmallDisk } from '../../servers/small-disk.ts'
import type { ServiceGround } from '../grounds.ts'
import type { Order } from '../journal.ts'
import { plantTasks } from '../planting.ts'
import { crowd } from './crowded.ts'
import { Deployment } from './deployment.ts'
import { amidTraffic, broughtByBroker, healthy, progress, recovers, troublesOf, unpublishedShown } from './recovery.ts'
import { serversGround } from './servers-ground.ts'

/** What processes say is wrong with them. */
const said = async ({ parts }: Deployment<ServiceGround>): Promise<string> =>
  (await Promise.all(parts.map(troublesOf))).join()

const complains = (deployment: Deployment<ServiceGround>, pattern: RegExp): Promise<void> =>
  deployment.stage.until(`somebody says ${pattern}`, async () => pattern.test(await said(deployment)))

/** Resolves when what is committed by now is in the ledger. */
const applied = async (deployment: Deployment<ServiceGround>): Promise<void> => {
  const { committed } = await progress(deployment)
  await deployment.stage.until('all is applied', async () => (await progress(deployment)).applied >= committed)
}

/** Room for a new cluster and little more, and for streams to which each AssignTasks adds 9,000 events in the end. */
const [clusterMb, brokerMb] = [90, 40]
const isFull = /No space left on device|could not extend file/

test('what has no more room takes no event along, and all goes on when there is some', async (t) => {
  await using ends = new AsyncDisposableStack()
  const disk = async (megabytes: number) => ends.use(await SmallDisk.open(megabytes))
  const disks = {
    task_tracker: await disk(clusterMb),
    accounting: await disk(clusterMb),
    broker: await disk(brokerMb),
  }
  const settings = { max_connections: '25', max_wal_size: '4MB', min_wal_size: '2MB' }
  const small = { walSegmentMb: 1, settings }
  const ground = await serversGround({
    task_tracker: { disk: disks.task_tracker, ...small },
    accounting: { disk: disks.accounting, ...small },
  })
  const broker = await openBroker({ disk: disks.broker, mostBytes: 2 ** 30 })
  await using deployment = await Deployment.on(ground, 'family 13', { broker })
  const { stage } = deployment
  await broughtByBroker(deployment)

  for (const schema of ['task_tracker', 'accounting'] as const) {
    await t.test(`a full disk under the database of ${schema}`, async () => {
      const server = ground.servers[schema]
      await disks[schema].fill(stage.draw(0, 200))
      const open: Order[] = []
      await stage.until(`the disk of ${schema} is full and somebody says so`, async () => {
        open.push(...(await stage.traffic(deployment, 40, 8)))
        const noticed = open.length > 0 || (await said(deployment)) !== ''
        return noticed && isFull.test(server.said)
      })
      await disks[schema].free()
      // When not even its log has room the server ends, and somebody must start it.
      if (!(await server.survives())) await server.start()
      await recovers(deployment)
      for (const order of open) await stage.insist(() => deployment, order)
      await healthy(deployment)
      await stage.audit()
    })
  }

  await t.test('a full disk when committed events are to get their numbers', async () => {
    const server = ground.servers.task_tracker
    await using hand = await server.connect()
    await using holder = await server.connect()
    await holder.query('begin')
    await holder.query('select from task_tracker.stream for update')
    const committed = await plantTasks(stage, 3_000, hand)
    committed()
    await disks.task_tracker.fill(stage.draw(0, 200))
    server.said = ''
    await holder.query('rollback')
    await stage.until('they find no room', async () => isFull.test(server.said))
    await disks.task_tracker.free()
    if (!(await server.survives())) await server.start()
    await recovers(deployment)
    await healthy(deployment)
    await stage.audit()
  })

  await t.test('a full disk for what the database of the task tracker writes ahead', async () => {
    const server = ground.servers.task_tracker
    await using hand = await server.connect()
    // As while a standby is away.
    const keep = async (size: string, by: typeof hand) => {
      await by.query(`alter system set wal_keep_size = '${size}'`)
      await by.query('select pg_reload_conf()')
    }
    await keep('1GB', hand)
    await disks.task_tracker.fill(stage.draw(0, 200))
    const open: Order[] = []
    server.said = ''
    await stage.until('there is no room for what is written ahead', async () => {
      open.push(...(await stage.traffic(deployment, 16, 8)))
      await hand.query('select pg_switch_wal()').catch(() => undefined)
      return /PANIC.*No space left on device/.test(server.said)
    })
    await disks.task_tracker.free()
    if (!(await server.survives())) await server.start()
    await using again = await server.connect()
    await keep('0', again)
    await recovers(deployment)
    for (const order of open) await stage.insist(() => deployment, order)
    await healthy(deployment)
    await stage.audit()
  })

  await t.test(
    'a full disk under the broker, which is started again when it has room: meanwhile the log serves',
    async () => {
      await disks.broker.fill()
      await using hand = await ground.servers.task_tracker.connect()
      // More than the replicas have in hand when the broker refuses: they must go on giving numbers.
      const committed = await plantTasks(stage, 6_000, hand)
      committed()
      await applied(deployment)
      await complains(deployment, /task-tracker: relay task-tracker: .*the broker did not take events/)
      await unpublishedShown(deployment)
      await disks.broker.free()
      await broker.kill()
      await broker.start()
      await recovers(deployment)
      await broughtByBroker(deployment)
      await healthy(deployment)
      await stage.audit()
    },
  )

  await t.test('databases that take no more connections', async () => {
    for (const server of Object.values(ground.servers)) {
      await amidTraffic(deployment, 40, async () => {
        await using _others = await crowd(server)
        await complains(deployment, /53300/)
      })
      await recovers(deployment)
    }
    await healthy(deployment)
    await stage.audit()
  })
})
