// Family 18: an old and a new version side by side under load. The new one migrates the schemas under the old one, says
// events that the old one does not know, takes over what it left unfinished; the old one may start again meanwhile.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplicationProcess } from './application-process.ts'
import { plantTasks } from './planting.ts'
import { releaseSetting } from './releases.ts'
import { openStage, type Stage } from './stage.ts'
import { load } from './steady-load.ts'

/** Everything in one process, of the version after this one. */
const startNext = (stage: Stage): Promise<ApplicationProcess> =>
  stage.launch({ ...stage.ground.environment(), [releaseSetting]: 'next' }, [])

const some = async (stage: Stage, count: number) => {
  const wanted = stage.journal.attempts.length + count
  await stage.until(`${count} more answers`, async () => stage.journal.attempts.length >= wanted)
}

const count = async (stage: Stage, text: string): Promise<number> => {
  const [row] = await stage.query(`select (${text})::int as count`)
  return Number((row as { count?: number }).count)
}

interface State {
  readonly undelivered: readonly { readonly reason: string }[]
}

const versions = `select count(distinct version) from task_tracker.event where type = 'TaskCompleted'`
const praised = `select count(*) from task_tracker.event where version = 2`

test('old and new work side by side under load, whichever comes and goes, and nothing is lost or done twice', async () => {
  await using stage = await openStage('family 18')
  let alive: ApplicationProcess[] = []
  const [first, second] = [await stage.start(), await stage.start()]
  alive = [first, second]
  await stage.invite(first, 'manager', 'popug', 'popug', 'popug')
  const stop = load(stage, () => alive)
  await some(stage, 40)

  // It brings the schemas up to date while the old ones work on them.
  const next = await startNext(stage)
  alive = [first, second, next]
  await stage.recovers(next)
  assert.equal(await count(stage, `select count(*) from task_tracker.migration where name = '9001-praise'`), 1)
  await some(stage, 60)
  await stage.until('both say TaskCompleted', async () => (await count(stage, versions)) === 2)
  assert.ok(await count(stage, praised))

  // An old one that starts again finds a schema that is newer than itself.
  alive = [first, next]
  await second.kill()
  const again = await stage.start()
  alive = [first, again, next]
  await stage.recovers(again)
  await some(stage, 40)

  alive = [next]
  await Promise.all([first.stop(), again.stop()])
  const last = await startNext(stage)
  alive = [next, last]
  await stage.recovers(last)
  await some(stage, 40)
  await stop()
  await stage.audit()
  for (const process of alive) await process.stop()
})

test('events that only a newer version knows wait for one, are never parked, and are applied by it at once', async () => {
  await using stage = await openStage('family 18, older consumer')
  const next = await startNext(stage)
  await stage.invite(next, 'manager', 'popug', 'popug')
  await stage.traffic(next, 20)
  await stage.settled()
  // The ledger cannot apply what the newer version says last, and then the company goes back to the old version.
  const holding = await stage.ground.connect()
  await holding.query('begin')
  await holding.query('select from accounting.position for update')
  await stage.traffic(next, 30)
  await next.kill()
  await holding[Symbol.asyncDispose]()
  const old = await stage.start()
  await stage.until('it waits for a version that can read it', async () => {
    const { undelivered } = (await stage.operate(old, 'accounting', 'GetState', {})) as State
    return undelivered.some(({ reason }) => reason === 'waiting for a version that knows TaskCompleted 2')
  })
  const applied = `select number from accounting.position where consumer = 'ledger'`
  const before = await count(stage, applied)
  assert.ok(before < (await count(stage, 'select head from task_tracker.stream')))
  await stage.traffic(old, 10)
  assert.equal(await count(stage, 'select count(*) from accounting.parked'), 0)
  assert.equal(await count(stage, applied), before)
  const newer = await startNext(stage)
  await stage.recovers(newer)
  await stage.settled()
  assert.ok((await count(stage, applied)) > before)
  await stage.audit()
  await Promise.all([old.stop(), newer.stop()])
})

test('a reassignment that the old version began is finished by the new one', async () => {
  await using stage = await openStage('family 18, reassign')
  const old = await stage.start()
  await stage.invite(old, 'manager', 'popug', 'popug', 'popug')
  const committed = await plantTasks(stage, 2_000 + stage.draw(1, 900))
  committed()
  await stage.settled()
  old.arm({ step: 'job.ReassignTasks', of: 'task_tracker', when: 'before', nth: 2, act: 'kill' })
  await stage.send(old, stage.clients.order('AssignTasks', stage.clients.manager()))
  await old.killed()
  const next = await startNext(stage)
  await stage.recovers(next)
  await stage.traffic(next, 20)
  await stage.audit()
  // The clients may have asked for more.
  assert.equal(await count(stage, `select count(*) from task_tracker.job where state = 'done' and id = 1`), 1)
  await next.stop()
})
