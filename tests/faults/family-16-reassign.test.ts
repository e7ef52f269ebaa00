// Family 16: a reassignment is killed in each chunk, pressed twice at once, cancelled in the middle, raced by
// completions and new tasks, and resumed after a deploy.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultPoint } from './fault-points.ts'
import type { Order } from './journal.ts'
import { plantTasks } from './planting.ts'
import { openStage, type Stage } from './stage.ts'

/** Tasks that a job draws in one transaction. */
const chunk = 1_000

const reassign = ({ clients }: Stage): Order => clients.order('AssignTasks', clients.manager())

const planted = async (stage: Stage, count: number): Promise<void> => {
  const committed = await plantTasks(stage, count)
  committed()
  await stage.settled()
}

interface JobRow {
  readonly id: number
  readonly state: string
  readonly moved: number
}

const jobs = (stage: Stage): Promise<JobRow[]> =>
  stage.query(`select id, state, coalesce((progress->>'moved')::int, 0) as moved from task_tracker.job order by id`)

test('a reassignment that is killed before and after the commit of each chunk draws every task once', async () => {
  await using stage = await openStage('family 16, killed')
  const step = (when: FaultPoint['when']): FaultPoint => ({
    step: 'job.ReassignTasks',
    of: 'task_tracker',
    nth: 1,
    when,
    act: 'kill',
  })
  const first = await stage.start()
  await stage.invite(first, 'manager', 'popug', 'popug', 'popug')
  await planted(stage, 2 * chunk + stage.draw(1, chunk - 1))
  first.arm(step('before'))
  await stage.send(first, reassign(stage))
  await first.killed()
  const moved: number[] = []
  for (const when of ['after', 'before', 'after', 'before', 'after'] as const) {
    await (await stage.start(step(when))).killed()
    moved.push(...(await jobs(stage)).map((job) => job.moved))
  }
  const all = stage.clients.open.size
  assert.deepEqual(moved, [chunk, chunk, 2 * chunk, 2 * chunk, all])
  const last = await stage.start()
  await stage.recovers(last)
  await stage.audit()
  await last.stop()
})

test('reassignments that are pressed at once run one after another, and one key is one job', async () => {
  await using stage = await openStage('family 16, pressed')
  const process = await stage.start()
  await stage.invite(process, 'manager', 'manager', 'popug', 'popug')
  await planted(stage, 200)
  const twice = reassign(stage)
  await Promise.all([twice, twice, reassign(stage), reassign(stage)].map((order) => stage.send(process, order)))
  await stage.insist(() => process, twice)
  await stage.audit()
  assert.deepEqual(
    (await jobs(stage)).map(({ state, moved }) => [state, moved]),
    Array.from({ length: 3 }, () => ['done', 200]),
  )
  await process.stop()
})

/** Keeps whoever wants this task waiting, a chunk of a reassignment included. */
const holdTask = async (stage: Stage, place: number) => {
  const held = await stage.ground.connect()
  await held.query('begin')
  const id = '(select id from task_tracker.task order by id offset $1 limit 1)'
  await held.query(`select from task_tracker.task where id = ${id} for update`, [place])
  return held
}

/** Somebody waits for a lock, in a statement that begins like this. */
const waits = async (stage: Stage, statement: string): Promise<boolean> => {
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  return (await stage.query(`${waiting} and query ~ '^\\s*${statement}'`)).length > 0
}

test('a reassignment that is cancelled in the middle keeps what it drew and draws no more', async () => {
  await using stage = await openStage('family 16, cancelled')
  const process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  await planted(stage, 6 * chunk)
  await using held = await holdTask(stage, chunk + stage.draw(0, chunk - 1))
  const started = await stage.insist(() => process, reassign(stage))
  assert.ok('acknowledged' in started)
  await stage.until('the second chunk waits for a task', () => waits(stage, 'select id from task_tracker.task'))
  const { id } = started.acknowledged
  const cancel = stage.clients.order('CancelReassignment', stage.clients.manager(), { id })
  const cancelled = stage.insist(() => process, cancel)
  await stage.until('the cancellation waits for the chunk', () => waits(stage, 'update "task_tracker"."job"'))
  await held.query('commit')
  await cancelled
  await stage.recovers(process)
  await stage.traffic(process, 20)
  await stage.audit()
  // The next chunk may overtake the cancellation in the queue for the job's row.
  const [job] = await jobs(stage)
  assert.deepEqual([job?.id, job?.state], [id, 'cancelled'])
  assert.ok(job && job.moved >= 2 * chunk && job.moved < 6 * chunk && job.moved % chunk === 0, `${job?.moved} moved`)
  await process.stop()
})

test('completions, new tasks, other reassignments and a deploy in the middle leave no task drawn twice or forgotten', async () => {
  await using stage = await openStage('family 16, raced')
  let process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug', 'popug')
  await planted(stage, 2 * chunk)
  for (let deploy = 0; deploy < 2; deploy += 1) {
    const running = process
    const before = (await jobs(stage)).length
    const orders = [reassign(stage), reassign(stage)]
    const racing = [...orders.map((order) => stage.send(running, order)), stage.traffic(running, 80, 8)]
    await stage.until('a job draws', async () => (await jobs(stage)).slice(before).some(({ moved }) => moved > 0))
    await running.stop()
    await Promise.all(racing)
    process = await stage.start()
    await stage.recovers(process)
    for (const order of orders) await stage.insist(() => process, order)
  }
  await stage.traffic(process, 40, 8)
  await stage.audit()
  await process.stop()
})
