// Database servers stop, crash, are crowded, full, held up, and told a wrong time; the pooler before one dies.
import { crowd } from '../distributed/crowded.ts'
import { plantTasks } from '../planting.ts'
import { type Fault, one, someServer } from './fault.ts'
import { moment, type Scene, waits } from './scene.ts'

const endSessions = (scene: Scene): Promise<void> =>
  someServer(scene).run(`select pg_terminate_backend(pid) from pg_stat_activity where usename like 'ates%'`)

const crowdOut = async (scene: Scene): Promise<void> => {
  await using _strangers = await crowd(someServer(scene))
  await moment(scene, 200, 4_000)
}

const hourMs = 3_600_000

/** By up to an hour, in either direction, and back. */
const jump = async (scene: Scene): Promise<void> => {
  const { task_tracker: tracker, accounting } = scene.deployment.stage.ground.servers
  const server = one(scene, [tracker, accounting])
  const shiftMs = one(scene, [-1, 1]) * scene.draw(hourMs >> 4, hourMs)
  await server.clock.shift(shiftMs)
  await using hand = await server.connect()
  const { rows } = await hand.query<{ now: Date }>('select clock_timestamp() as now')
  const aheadMs = Number(rows[0]?.now) - Date.now()
  if (Math.abs(aheadMs - shiftMs) > hourMs >> 5) throw new Error(`its clock is ahead by ${aheadMs}, not ${shiftMs} ms`)
  await moment(scene, 200, 4_000)
  await server.clock.shift(0)
}

/** No event can be applied meanwhile, as if the consumer were slow. */
const holdLedger = async (scene: Scene): Promise<void> => {
  await using hand = await scene.deployment.stage.ground.servers.accounting.connect()
  await hand.query('begin')
  await hand.query(`select from accounting.position where consumer = 'ledger' for update`)
  await moment(scene, 200, 4_000)
  await hand.query('rollback')
}

/** Its events have ids that are lower than those of many a transaction that is over long before it, or never come. */
const idleInTransaction = async (scene: Scene): Promise<void> => {
  const { stage } = scene.deployment
  await using hand = await stage.ground.servers.task_tracker.connect()
  await hand.query('begin')
  const committed = await plantTasks(stage, scene.draw(1, 20), hand)
  await moment(scene, 200, 5_000)
  const isKept = scene.draw(0, 1) === 1
  await hand.query(isKept ? 'commit' : 'rollback')
  if (isKept) committed()
}

const killPooler = async (scene: Scene): Promise<void> => {
  await scene.pooler.kill()
  await moment(scene, 0, 3_000)
  await scene.pooler.start()
}

const isFull = /No space left on device|could not extend file/

/** Takes what little is left of it by a table of its own, which is gone when there is no more room for it. */
const overfill = async (scene: Scene): Promise<void> => {
  const { operations } = scene.deployment.stage.ground.servers
  operations.said = ''
  await operations
    .run('create table filler as select n, md5(n::text) from generate_series(1, 1000000) n')
    .catch(() => undefined)
  await waits(scene, 'there is no more room', async () => isFull.test(operations.said))
}

const fillDisk = async (scene: Scene): Promise<void> => {
  const { operations } = scene.deployment.stage.ground.servers
  await scene.disk.fill(scene.draw(0, 200))
  await overfill(scene)
  await moment(scene, 200, 4_000)
  await scene.disk.free()
  // Without room for what it writes ahead it ends, and somebody must start it.
  if (!(await operations.survives())) await operations.start()
}

export const databaseFaults: readonly Fault[] = [
  {
    does: 'a database server restarted at once',
    to: 'database',
    by: (scene) => someServer(scene).restartImmediately(),
  },
  { does: 'a database server crashed', to: 'database', by: (scene) => someServer(scene).crash() },
  { does: 'all sessions of a database ended', to: 'database', by: endSessions },
  { does: 'all connections of a database taken by others', to: 'database', by: crowdOut },
  { does: "a database's clock jumps and jumps back", to: 'database', by: jump },
  { does: "the ledger's position held by a long transaction", to: 'database', by: holdLedger },
  { does: 'a transaction with events idle for long', to: 'database', by: idleInTransaction },
  { does: 'a pooler killed', to: 'database', by: killPooler },
  { does: "a database's disk full", to: 'database', by: fillDisk },
]
