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

const deaths: Readonly<Record<string, readonly FaultPoint[]>> = {
  'before the numbers are committed': [{ ...relay, step: 'relay.number', when: 'before' }],
  'after numbering, before publishing': [{ ...relay, step: 'relay.number', when: 'after' }],
  'inside a batch, when its first half is applied': [{ ...publish, when: 'half', act: 'hang' }, applied],
  'after publishing, before the mark is committed': [{ ...relay, step: 'relay.mark', when: 'before' }],
  'when all is published and applied but not marked': [{ ...publish, when: 'after', act: 'hang' }, applied],
}

/** The relay gets several events at once, so that a batch has an inside. */
const dieWithBatch = async (stage: Stage, process: ApplicationProcess, points: readonly FaultPoint[]) => {
  await stage.settled()
  process.arm(...points)
  const orders = Array.from({ length: 12 }, () => stage.clients.create())
  await using held = await stage.ground.holdRelay()
  await Promise.all(orders.map((order) => stage.send(process, order)))
  await held[Symbol.asyncDispose]()
  await process.killed()
  assert.ok(stage.journal.attempts.slice(-12).every(({ learned }) => 'acknowledged' in learned))
}

test('a relay that is killed at any step loses no event and gives none two numbers', async (t) => {
  await using stage = await openStage('family 2')
  let process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  for (const [step, points] of Object.entries(deaths)) {
    await t.test(step, async () => {
      await dieWithBatch(stage, process, points)
      process = await stage.start()
      await stage.recovers(process)
      await stage.traffic(process, stage.draw(5, 15))
      await stage.audit()
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
    const next = await stage.start({ ...publish, when, act: 'kill' })
    await next.killed()
  }
  const last = await stage.start()
  await stage.recovers(last)
  await stage.audit()
  assert.equal(await unpublishedSeconds(last), 0)
  await last.stop()
})
