// Family 2: the relay is killed at each of its steps: numbering, publishing, marking, and inside a batch.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplicationProcess } from './application-process.ts'
import type { FaultPoint } from './fault-points.ts'
import { progressOf } from './recovery.ts'
import { fetchedBy, unpublishedSeconds } from './shown.ts'
import { openStage, type Stage } from './stage.ts'

const relay = { of: 'task_tracker', nth: 1, act: 'kill' } as const
const publish = { step: 'publish', of: 'task-tracker', nth: 1 } as const
const applied = { step: 'apply.ledger', of: 'accounting', when: 'after', nth: 1, act: 'kill' } as const

/** Events that the relay gets at once, so that a batch has an inside. */
const batch = 12

interface Death {
  readonly points: readonly FaultPoint[]
  /** How many events of the batch are published when it dies. */
  readonly said: number
}

const deaths: Readonly<Record<string, Death>> = {
  'before the numbers are committed': { points: [{ ...relay, step: 'relay.number', when: 'before' }], said: 0 },
  'after numbering, before publishing': { points: [{ ...relay, step: 'relay.number', when: 'after' }], said: 0 },
  'inside a batch, when its first half is applied': {
    points: [{ ...publish, when: 'half', act: 'hang' }, applied],
    said: batch / 2,
  },
  'after publishing, before the mark is committed': {
    points: [{ ...relay, step: 'relay.mark', when: 'before' }],
    said: batch,
  },
  'when all is published and applied but not marked': {
    points: [{ ...publish, when: 'after', act: 'hang' }, applied],
    said: batch,
  },
}

const once = (count: number): number[] => Array.from({ length: count }, () => 1)

/** Gives the number of the batch's first event. */
const dieWithBatch = async (stage: Stage, process: ApplicationProcess, { points, said }: Death): Promise<number> => {
  await stage.settled()
  const { applied: before } = await progressOf(stage.query)
  process.arm(...points)
  const orders = Array.from({ length: batch }, () => stage.clients.create())
  await using held = await stage.ground.holdRelay()
  await Promise.all(orders.map((order) => stage.send(process, order)))
  await held[Symbol.asyncDispose]()
  await process.killed()
  assert.ok(stage.journal.attempts.slice(-batch).every(({ learned }) => 'acknowledged' in learned))
  if (stage.ground.broker) assert.deepEqual(await stage.copies(before + 1), once(said))
  // All of it is in the log, which nobody reads so soon: the bus has brought what was said.
  if (points.includes(applied)) assert.equal((await progressOf(stage.query)).applied, before + said)
  return before + 1
}

test('a relay that is killed at any step loses no event and gives none two numbers', async (t) => {
  await using stage = await openStage('family 2')
  let process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  for (const [step, death] of Object.entries(deaths)) {
    await t.test(step, async () => {
      const first = await dieWithBatch(stage, process, death)
      process = await stage.start()
      await stage.recovers(process)
      await stage.traffic(process, stage.draw(5, 15))
      await stage.audit()
      if (!stage.ground.broker) return
      const again = (await stage.copies(first)).slice(0, death.said).filter((times) => times > 1)
      assert.equal(again.length, death.said, 'events that were not marked were not published again')
    })
  }
  await process.stop()
})

test('what a relay that hangs does not say is shown, and read from the log; killed while it catches up, it goes on where its mark is', async () => {
  await using stage = await openStage('family 2, catching up')
  const first = await stage.start()
  await stage.invite(first, 'manager', 'popug', 'popug')
  const { committed: before } = await progressOf(stage.query)
  first.arm({ ...publish, when: 'before', act: 'hang' })
  await stage.traffic(first, 40)
  await stage.until('that they are not published is shown', async () => (await unpublishedSeconds(first)) > 0)
  await stage.until('they are read from the log', async () => {
    const now = await progressOf(stage.query)
    return now.applied === now.committed
  })
  const { committed } = await progressOf(stage.query)
  assert.ok((await fetchedBy(first)) >= committed - before, 'not all of them are shown as read from there')
  await first.kill()
  for (const when of ['before', 'after'] as const) {
    if (stage.ground.broker) assert.deepEqual(await stage.copies(1), [])
    const next = await stage.start({ ...publish, when, act: 'kill' })
    await next.killed()
  }
  const last = await stage.start()
  await stage.recovers(last)
  await stage.audit()
  assert.equal(await unpublishedSeconds(last), 0)
  if (stage.ground.broker) assert.ok((await stage.copies(1)).some((times) => times > 1))
  await last.stop()
})
