// Family 2: the relay is killed at each of its steps: numbering, publishing, marking, and inside a batch.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplicationProcess } from './application-process.ts'
import type { FaultPoint } from './fault-points.ts'
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

test('a relay that is killed while it catches up goes on where its mark is', async () => {
  await using stage = await openStage('family 2, catching up')
  const first = await stage.start()
  await stage.invite(first, 'manager', 'popug', 'popug')
  first.arm({ ...publish, when: 'before', act: 'hang' })
  await stage.traffic(first, 40)
  await first.kill()
  for (const when of ['before', 'after'] as const) {
    const next = await stage.start({ ...publish, when, act: 'kill' })
    await next.killed()
  }
  const last = await stage.start()
  await stage.recovers(last)
  await stage.audit()
  await last.stop()
})
