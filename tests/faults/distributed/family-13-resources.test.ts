// Family 13: the disk of a database or of the broker is full, also when an event is to be parked; a database takes no
// more connections.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBroker } from '../../nats/broker.ts'
import type { OwnPostgres } from '../../servers/own-postgres.ts'
import { SmallDisk } from '../../servers/small-disk.ts'
import type { Draw } from '../clients.ts'
import type { ServiceGround } from '../grounds.ts'
import type { Order } from '../journal.ts'
import { type Forged, numbersOf, plantTasks, sayForged } from '../planting.ts'
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
/**
 * Of files of what is written ahead that are used again and never removed: one that is removed gives its room only when
 * the last session lets it go, at some moment when the disk shall be full.
 */
const keptMb = 40
const isFull = /No space left on device|could not extend file/

/** Some events that cannot be applied, each too large for what room the tables have left. */
const poison = (draw: Draw): Forged[] =>
  Array.from({ length: draw(1, 3) }, () => {
    const words = Array.from({ length: 4_000 }, () => draw(0, 2 ** 31).toString(36)).join(' ')
    return { data: { taskId: 0, words } }
  })

/** How often a server had no room for a parked event. */
const refusals = ({ said: log }: OwnPostgres): number =>
  [...log.matchAll(/No space left on device\n.*\n.*STATEMENT:\s+insert into "accounting"\."parked"/g)].length

interface Late {
  readonly undelivered: readonly { readonly consumer: string; readonly reason: string }[]
}

const parkedNumbers = async ({ stage }: Deployment<ServiceGround>): Promise<number[]> => {
  const rows = await stage.query<{ number: number }>('select number::int from accounting.parked order by number')
  return rows.map(({ number }) => number)
}

test('what has no more room takes no event along, and all goes on when there is some', async (t) => {
  await using ends = new AsyncDisposableStack()
  const disk = async (megabytes: number) => ends.use(await SmallDisk.open(megabytes))
  const disks = {
    task_tracker: await disk(clusterMb),
    accounting: await disk(clusterMb + keptMb),
    broker: await disk(brokerMb),
  }
  const settings = { max_connections: '25', max_wal_size: '4MB', min_wal_size: '2MB' }
  // Nor does a vacuum take room or give any, at a moment of its own.
  const kept = { max_wal_size: `${keptMb}MB`, min_wal_size: `${keptMb}MB`, autovacuum: 'off' }
  const ground = await serversGround({
    task_tracker: { disk: disks.task_tracker, walSegmentMb: 1, settings },
    accounting: { disk: disks.accounting, walSegmentMb: 1, settings: { ...settings, ...kept } },
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

  await t.test('a full disk when events are to be parked: they keep their turn, and what follows waits', async () => {
    const server = ground.servers.accounting
    await using ledger = await server.connect()
    // What is written ahead has a new file: only tables find no room, and the server lives.
    await ledger.query('select pg_switch_wal()')
    await ledger.query('checkpoint')
    await disks.accounting.fill()
    server.said = ''
    await using hand = await ground.servers.task_tracker.connect()
    const ids = await sayForged(stage, poison(stage.draw), hand)
    await stage.until('the first of them finds no room', async () => refusals(server) > 0)
    await stage.traffic(deployment, 20)
    await complains(deployment, /accounting: consumer ledger of task-tracker: .*53100/)
    await stage.until('its state says so, too', async () => {
      const { undelivered } = (await stage.operate(deployment, 'accounting', 'GetState', {})) as Late
      return undelivered.some(({ consumer, reason }) => consumer === 'ledger' && reason.includes('53100'))
    })
    await stage.until('it is tried again and again', async () => refusals(server) > 5)
    const numbers = await numbersOf(stage, ids)
    assert.equal(numbers.length, ids.length)
    assert.equal((await progress(deployment)).applied + 1, numbers[0])
    assert.deepEqual(await parkedNumbers(deployment), [])
    await disks.accounting.free()
    await recovers(deployment)
    await healthy(deployment)
    assert.deepEqual(await parkedNumbers(deployment), numbers)
    await stage.audit({ parked: numbers })
  })
})
