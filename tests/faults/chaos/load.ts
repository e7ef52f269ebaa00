// What people do during chaos: some create and complete tasks all the time, and a manager has all open tasks drawn anew
// as often as the wanted number of events needs.
import type { Order } from '../journal.ts'
import { plantTasks } from '../planting.ts'
import type { Callee, Desk } from '../stage.ts'
import { type Scene, waits } from './scene.ts'
import type { Watch } from './watch.ts'

export interface Wanted {
  readonly events: number
  readonly lastsMs: number
}

const clientCount = 4
/** Each reassignment says so many events, and those who complete tasks meanwhile meet it. */
const mostTasks = 20_000
const reassignments = 50
const planted = 2_000

export const tasksFor = ({ events }: Wanted): number =>
  Math.min(mostTasks, Math.max(500, Math.ceil(events / reassignments)))

/** Open tasks from the beginning, as many as a company with so many events has. */
export const plantAll = async ({ deployment }: Scene, wanted: Wanted): Promise<void> => {
  const { stage } = deployment
  await using hand = await stage.ground.servers.task_tracker.connect()
  for (let left = tasksFor(wanted); left > 0; left -= planted) {
    const committed = await plantTasks(stage, Math.min(planted, left), hand)
    committed()
  }
}

/** Sends a command with its key until its outcome is known. */
const insist = ({ deployment, signal }: Scene, order: Order, by: Callee | Desk): Promise<void> =>
  waits({ signal }, `${order.command} ${order.request} is known`, async () => {
    const learned = await deployment.stage.send(by, order)
    return !('unknown' in learned)
  })

const client = async (scene: Scene, by: Callee | Desk, goesOn: () => boolean): Promise<void> => {
  const { clients, draw } = scene.deployment.stage
  while (goesOn()) await insist(scene, draw(0, 1) === 0 ? clients.create() : clients.complete(), by)
}

const isReassigning = async ({ deployment }: Scene): Promise<boolean> => {
  const [row] = await deployment.stage.query<{ open: number }>(
    `select count(*)::int as open from task_tracker.job where state in ('queued', 'running')`,
  )
  return row?.open !== 0
}

/** Events come evenly over the time. */
const reassign = async (scene: Scene, watch: Watch, { events, lastsMs }: Wanted, goesOn: () => boolean) => {
  const { clients } = scene.deployment.stage
  const begun = performance.now()
  const isDue = async () => {
    if (!goesOn()) return true
    const dueByNow = Math.min(1.05, (performance.now() - begun) / lastsMs) * events
    return watch.committed < dueByNow && !(await isReassigning(scene).catch(() => true))
  }
  while (goesOn()) {
    await waits(scene, 'the next reassignment', isDue, { limitMs: Infinity, everyMs: 250 })
    if (goesOn()) await insist(scene, clients.order('AssignTasks', clients.manager()), scene.deployment)
  }
}

/** Resolves when `goesOn` says no more and every command has its answer. */
export const people = (scene: Scene, watch: Watch, wanted: Wanted, goesOn: () => boolean): Promise<unknown> => {
  const ways = [scene.deployment, scene.desk]
  const clients = Array.from({ length: clientCount }, (_, place) =>
    client(scene, ways[place % ways.length] ?? scene.desk, goesOn),
  )
  return Promise.all([...clients, reassign(scene, watch, wanted, goesOn)])
}
