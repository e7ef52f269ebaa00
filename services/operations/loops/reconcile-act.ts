// The act that has everything compared from the beginning: it begins the rounds anew, and ends when each has ended.
import { z } from 'zod'
import type { Tx } from '../../../kernel/ports.ts'
import { anew, type Progress } from '../rules/rounds.ts'
import { countOpenDifferences, listReconciliations, saveReconciliations } from '../store/differences.ts'
import { comparing, roundsBegin } from '../rules/reasons.ts'
import type { Result } from '../rules/tally.ts'
import type { ActRow, SteppedAct } from '../store/acts.ts'
import type { ActResult } from '../vocabulary.ts'
import { type Step, stepped } from './step.ts'

const Since = z.object({ since: z.iso.datetime() })

export const reconcileAct: Step = async (act, { database, clock }) => {
  if (act.progress === null)
    return database.transaction('reconcile.anew', async (tx) => beginAnew(act, tx, await clock.now(tx)))
  const since = new Date(Since.parse(act.progress).since)
  return database.transaction('reconcile.ended', (tx) => lookHowFar(act, tx, since), { readOnly: true })
}

const beginAnew = async (act: ActRow, tx: Tx, now: Date): Promise<SteppedAct> => {
  const rows = await listReconciliations(tx)
  const steps = rows.flatMap(({ name, step, progress }) =>
    progress === null ? [] : [{ name, step, progress: anew(progress as Progress, now), waiting: null, round: null }],
  )
  const saved = await saveReconciliations(tx, steps, now)
  // A comparison that has just made a step has its turn in the next try.
  const progress = saved.length === steps.length ? { since: now.toISOString() } : null
  return { ...stepped(act, [], { progress, ended: false, total: null }), note: roundsBegin }
}

const lookHowFar = async (act: ActRow, tx: Tx, since: Date): Promise<SteppedAct> => {
  const rows = await listReconciliations(tx)
  const ended = rows.filter(({ lastRoundAt }) => lastRoundAt !== null && lastRoundAt >= since)
  if (ended.length < rows.length || rows.length === 0) {
    const open = rows.filter((row) => !ended.includes(row)).map(({ name, waiting }) => waiting ?? name)
    return { ...act, total: rows.length, done: ended.length, note: comparing(open), state: 'running' }
  }
  const { open } = await countOpenDifferences(tx)
  const compared = ended.reduce((sum, { lastRoundCompared }) => sum + (lastRoundCompared ?? 0), 0)
  const results: Result<ActResult>[] = [
    { what: 'compared', count: compared, example: null },
    { what: 'differences', count: open, example: null },
  ]
  return { ...act, state: 'done', total: rows.length, done: rows.length, failed: 0, note: null, results }
}
