// Family 4: two of everything on the same databases, one of them frozen past its turn and woken later.
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { ApplicationProcess } from './application-process.ts'
import type { FaultPoint } from './fault-points.ts'
import type { Order } from './journal.ts'
import { plantTasks } from './planting.ts'
import { fetchedBy } from './shown.ts'
import { openStage, type Stage } from './stage.ts'

interface Turn {
  readonly point: Omit<FaultPoint, 'nth' | 'act'>
  /** What makes the process come to the step. */
  readonly order: (stage: Stage) => Order
  /** What the frozen one has heard the other one must read from the log, and says so. */
  readonly isFetched?: true
}

const create = ({ clients }: Stage) => clients.create()
const reassign = ({ clients }: Stage) => clients.order('AssignTasks', clients.manager())
const complete = ({ clients }: Stage) => {
  const [taskId, holder] = clients.pick([...clients.open])
  return clients.order('CompleteTask', holder, { taskId })
}

type Turns = Readonly<Record<string, Turn>>

const relayTurns: Turns = {
  'holding the stream, numbering': {
    point: { step: 'relay.number', of: 'task_tracker', when: 'before' },
    order: create,
  },
  'having numbered, not published': {
    point: { step: 'relay.number', of: 'task_tracker', when: 'after' },
    order: create,
  },
  'having published, not marked': { point: { step: 'publish', of: 'task-tracker', when: 'after' }, order: create },
}

const consumerTurns: Turns = {
  'holding the position, applying': {
    point: { step: 'apply.ledger', of: 'accounting', when: 'before' },
    order: create,
    isFetched: true,
  },
  'having applied': {
    point: { step: 'apply.ledger', of: 'accounting', when: 'after' },
    order: create,
    isFetched: true,
  },
}

const taskTurns: Turns = {
  'holding the job and its tasks': {
    point: { step: 'job.ReassignTasks', of: 'task_tracker', when: 'before' },
    order: reassign,
  },
  'holding a task, completing it': {
    point: { step: 'task-tracker.CompleteTask', of: 'task_tracker', when: 'before' },
    order: complete,
  },
}

const mostRounds = 50

type Pair = readonly [ApplicationProcess, ApplicationProcess]

/** What a client asks of the first one comes to the step there; of consumers, only the one that holds the lease applies. */
const freezeAt = async (stage: Stage, pair: Pair, { point, order }: Turn) => {
  const able = point.step.startsWith('apply.') ? pair : pair.slice(0, 1)
  let sleeper: ApplicationProcess | undefined
  const stopped = Promise.race(able.map((process) => process.frozen().then(() => (sleeper = process))))
  for (const process of able) process.arm({ ...point, nth: 1, act: 'freeze' })
  const waiting: Promise<unknown>[] = []
  for (let round = 0; round < mostRounds && !sleeper; round += 1) {
    const sent = stage.send(pair[0], order(stage))
    waiting.push(sent)
    await Promise.race([sent, stopped])
  }
  const frozen = await stopped
  const other = pair[0] === frozen ? pair[1] : pair[0]
  other.arm()
  return { frozen, other, waiting }
}

/** Everything goes on at the other process, a reassignment of all tasks included. */
const goOn = async (stage: Stage, process: ApplicationProcess): Promise<void> => {
  assert.ok('acknowledged' in (await stage.send(process, reassign(stage))))
  assert.deepEqual(await stage.traffic(process, 12), [])
  await stage.settled(15_000)
}

const openPair = async (stage: Stage): Promise<Pair> => {
  const pair = [await stage.start(), await stage.start()] as const
  await stage.invite(pair[0], 'manager', 'popug', 'popug', 'popug')
  await stage.traffic(pair[0], 20)
  await stage.settled()
  return pair
}

const stopAll = (pair: Pair) => Promise.all(pair.map((process) => process.stop()))

const freezeAtEach = async (t: TestContext, name: string, turns: Turns): Promise<void> => {
  await using stage = await openStage(`family 4, ${name}`)
  const pair = await openPair(stage)
  for (const [step, turn] of Object.entries(turns)) {
    await t.test(step, async () => {
      const { length: came } = stage.ground.broker ? await stage.copies(1) : []
      const { frozen, other, waiting } = await freezeAt(stage, pair, turn)
      const before = await fetchedBy(other)
      await goOn(stage, other).finally(() => frozen.signal('SIGCONT'))
      await stage.recovers(frozen)
      if (turn.isFetched)
        assert.ok((await fetchedBy(other)) > before, 'it is not shown that the log had what was missing')
      await Promise.all(waiting)
      await stage.traffic(frozen, 5)
      await stage.audit()
      // Whoever was awake published again what the frozen one had not marked.
      if (stage.ground.broker && turn.point.step === 'publish')
        assert.ok((await stage.copies(came + 1)).some((times) => times > 1))
    })
  }
  await stopAll(pair)
}

/** Most of this is waiting for a frozen one to lose its session or its lease. */
describe('two at once', { concurrency: 2 }, () => {
  test('a relay that is frozen holds nobody up, and does no harm when it wakes', (t) =>
    freezeAtEach(t, 'relay', relayTurns))
  test('a consumer that is frozen holds nobody up, and does no harm when it wakes', (t) =>
    freezeAtEach(t, 'consumer', consumerTurns))
  test('whoever is frozen holding tasks holds nobody up, and does no harm when it wakes', (t) =>
    freezeAtEach(t, 'tasks', taskTurns))

  test('a command that froze with its process is done once when it is sent again to another one', async (t) => {
    await using stage = await openStage('family 4, frozen command')
    const pair = await openPair(stage)
    for (const when of ['before', 'after'] as const) {
      await t.test(`${when} its commit`, async () => {
        const order = stage.clients.create()
        const point = { step: 'task-tracker.CreateTask', of: 'task_tracker', when }
        const { frozen, other, waiting } = await freezeAt(stage, pair, { point, order: () => order })
        assert.ok('acknowledged' in (await stage.insist(() => other, order)))
        frozen.signal('SIGCONT')
        await stage.recovers(frozen)
        const [late] = await Promise.all(waiting)
        assert.ok('acknowledged' in (late as object), 'the woken process does not know the answer')
        await stage.audit()
      })
    }
    await stopAll(pair)
  })

  test('two runners take turns at the chunks of the same reassignments', async () => {
    await using stage = await openStage('family 4, runners')
    const pair = await openPair(stage)
    const committed = await plantTasks(stage, stage.draw(2_100, 2_900))
    committed()
    const orders = Array.from({ length: 4 }, () => reassign(stage))
    await Promise.all(orders.map((order, index) => stage.send(pair[index % 2 === 0 ? 0 : 1], order)))
    await stage.audit()
    await stopAll(pair)
  })

  test('two processes share all work, also while one of them is stopped at any moment', async () => {
    await using stage = await openStage('family 4, shared')
    const pair = await openPair(stage)
    for (let round = 0; round < 3; round += 1) {
      const [stopped, other] = stage.draw(0, 1) === 0 ? pair : ([pair[1], pair[0]] as const)
      const traffic = stage.traffic(stopped, 60, 8)
      const moment = stage.journal.attempts.length + stage.draw(1, 50)
      await stage.until('some answers', async () => stage.journal.attempts.length >= moment)
      stopped.signal('SIGSTOP')
      await stage.traffic(other, 30, 8)
      await stage.settled()
      stopped.signal('SIGCONT')
      await stage.recovers(stopped)
      await traffic
      await stage.audit()
    }
    await stopAll(pair)
  })
})
