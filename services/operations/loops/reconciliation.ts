// Compares for ever: tasks with the event log, the log with the ledger, the ledger with itself. Each at a number and by
// parts, within a small share of the time; how far each is stands in the database.
import { describeError } from '../../../kernel/failure.ts'
import { type Loop, type Pass, startLoop } from '../../../kernel/loop.ts'
import type { LoopContext } from '../../../kernel/service.ts'
import { type Progress, restMs } from '../rules/rounds.ts'
import { listReconciliations, type ReconciliationRow, saveReconciliations } from '../store/differences.ts'
import { compareLog } from './compare-log.ts'
import { compareLedger, compareTasks } from './compare-whole.ts'
import { type Comparison, keepStep } from './comparison.ts'

const comparisonsOf = (): Comparison[] => [
  compareLog({ name: 'log-ledger', stream: 'task-tracker', service: 'accounting', consumer: 'ledger' }),
  compareTasks,
  compareLedger,
]

const pollMs = 1_000

export const reconciling = (context: LoopContext): Loop => {
  const comparisons = comparisonsOf().map((comparison) => ({ comparison, endedAt: -Infinity, tookMs: 0 }))
  const pass: Pass = async () => {
    if (!context.turn.held()) return 'idle'
    const { rows, now } = await look(context)
    // Who waits for it is not made to wait a second for each step: of a million tasks there are a thousand.
    let restOfAwaitedMs = pollMs
    for (const one of comparisons) {
      const begun = performance.now()
      const row = rows.find(({ name }) => name === one.comparison.name)
      const { awaited = false } = (row?.progress ?? {}) as Partial<Progress>
      if (begun < one.endedAt + restMs(one.tookMs, awaited)) continue
      const came = await step(one.comparison, row, now, context)
      if (came === 'nothing') continue
      one.endedAt = performance.now()
      one.tookMs = one.endedAt - begun
      if (awaited && came === 'compared') restOfAwaitedMs = Math.min(restOfAwaitedMs, restMs(one.tookMs, awaited))
    }
    return { restMs: restOfAwaitedMs }
  }
  return startLoop({ name: 'reconciliation', pollMs, log: context.log, pass })
}

const look = ({ database, clock }: LoopContext) =>
  database.transaction(
    'reconcile.look',
    async (tx) => ({ rows: await listReconciliations(tx), now: await clock.now(tx) }),
    { readOnly: true },
  )

/** One that cannot go on says why, and keeps no other from its turn. */
const step = async (
  comparison: Comparison,
  row: ReconciliationRow | undefined,
  now: Date,
  context: LoopContext,
): Promise<'compared' | 'waits' | 'nothing'> => {
  const seen = { step: row?.step ?? 0, progress: (row?.progress ?? null) as Progress | null, now, call: context.call }
  const read: Parameters<Comparison['next']>[1] = (work) =>
    context.database.transaction('reconcile.read', work, { readOnly: true })
  const compared = await comparison.next(seen, read).catch((error: unknown) => {
    context.log.warn({ comparison: comparison.name, err: error }, 'could not compare, trying again')
    return describeError(error)
  })
  if (compared === null) {
    if (row?.waiting != null) await keepWaiting(comparison.name, seen, null, context)
    return 'nothing'
  }
  if (typeof compared !== 'string') {
    await keepStep(context, { name: comparison.name, step: seen.step }, compared)
    return 'compared'
  }
  if (compared !== row?.waiting) await keepWaiting(comparison.name, seen, compared, context)
  return 'waits'
}

const keepWaiting = (
  name: string,
  { step: last, progress }: { readonly step: number; readonly progress: Progress | null },
  waiting: string | null,
  { database, clock }: LoopContext,
): Promise<void> =>
  database.transaction('reconcile.wait', async (tx) => {
    const now = await clock.now(tx)
    await saveReconciliations(tx, [{ name, step: last, progress, waiting, round: null }], now)
  })
