// How soon events are applied again when a fault is over.
import assert from 'node:assert/strict'
import type { Query } from './embedded-database.ts'
import type { Ground } from './grounds.ts'
import { until } from './settled.ts'
import type { Callee, Stage } from './stage.ts'

/** From the end of a fault until an event is applied that was committed after it. */
export const recoveryMs = 5_000

const look = `
  select (s.head + (select count(*) from task_tracker.outbox))::int as committed,
    coalesce((select number from accounting.position where consumer = 'ledger'), 0)::int as applied, s.published::int
  from task_tracker.stream s`

/** Numbers of the task tracker's stream: events in all, the last one in the ledger, the last one at the bus. */
export const progressOf = async (query: Query) => {
  const [row] = await query<{ committed: number; applied: number; published: number }>(look)
  return row ?? assert.fail('the task tracker has no stream')
}

/**
 * Sends commands until one of their events is in the ledger; fails when that takes too long. A fault that killed
 * something is over when what was killed is back: whoever starts a process, or waits for a server, does so before this.
 */
export const untilRecovered = async (stage: Stage<Ground>, asked: Callee): Promise<void> => {
  const begun = performance.now()
  const { committed } = await progressOf(stage.query)
  const again = async () => {
    await stage.send(asked, stage.clients.create())
    return (await progressOf(stage.query)).applied > committed
  }
  await until(() => 'a new event is applied', again)
  const tookMs = Math.round(performance.now() - begun)
  process.stdout.write(`recovered in ${tookMs} ms\n`)
  assert.ok(tookMs < recoveryMs, `the recovery took ${tookMs} ms`)
}
