// One comparison of reconciliation: what it found in a step, and how that is kept.
import type { Caller } from '../../../kernel/caller.ts'
import { serviceRole } from '../../../kernel/contract.ts'
import type { Tx } from '../../../kernel/ports.ts'
import type { LoopContext } from '../../../kernel/service.ts'
import { finished, type Progress } from '../rules/rounds.ts'
import type { Range } from '../rules/ranges.ts'
import {
  endDifferencesBefore,
  endDifferencesIn,
  type NewDifference,
  openNumbers,
  saveDifferences,
  saveReconciliations,
} from '../store/differences.ts'

export const asReconciler = {
  actor: { id: null, role: serviceRole },
  requestId: 'reconciliation',
  timeoutMs: 20_000,
} as const

export interface Seen {
  /** The last saved step, and how far it came; null before the first. */
  readonly step: number
  readonly progress: Progress | null
  readonly now: Date
  readonly call: Caller
}

/** What one step compared and found. */
export interface Compared {
  readonly progress: Progress
  readonly found: readonly NewDifference[]
  /** What was open in these ranges and was not found is gone. Null: at the end of a round, what it has not found is. */
  readonly ranges: readonly Range[] | null
  /** The step ended a round over everything. */
  readonly ended: boolean
}

export interface Comparison {
  readonly name: string
  /** Compares something, if there is anything to compare now; a reason is why it has to wait. */
  next(seen: Seen, read: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>): Promise<Compared | string | null>
}

/** More than a person reads; the first ones lead to the rest. */
export const mostOpen = 2_000

/** Keeps a step with what it found, unless another replica has kept the same step. */
export const keepStep = (
  { database, clock }: Pick<LoopContext, 'database' | 'clock'>,
  { name, step }: { readonly name: string; readonly step: number },
  compared: Compared,
): Promise<void> =>
  database.transaction('reconcile.keep', async (tx) => {
    const now = await clock.now(tx)
    const found = await thatAreKept(tx, name, compared.found)
    if (found.length > 0) await saveDifferences(tx, found, now)
    const stillThere = found.map(({ about }) => about)
    const { startedAt } = compared.progress
    if (compared.ranges) await endDifferencesIn(tx, name, compared.ranges, stillThere, now)
    else if (compared.ended && startedAt) await endDifferencesBefore(tx, [name], new Date(startedAt), now)
    const { open } = await openNumbers(tx, name, 1)
    const progress = compared.ended ? finished(compared.progress, open, now) : compared.progress
    const tookMs = startedAt === null ? 0 : Math.max(0, now.getTime() - Date.parse(startedAt))
    const round = compared.ended ? { compared: compared.progress.compared, tookMs } : null
    await saveReconciliations(tx, [{ name, step, progress, waiting: null, round }], now)
  })

const thatAreKept = async (tx: Tx, name: string, found: readonly NewDifference[]): Promise<NewDifference[]> => {
  const { open, numbers, explained } = await openNumbers(tx, name, mostOpen)
  const known = new Set([...numbers, ...explained])
  const fresh = found.filter(({ number }) => number === null || !known.has(number))
  const before = found.filter(({ number }) => number !== null && known.has(number))
  return [...before, ...fresh.slice(0, Math.max(0, mostOpen - open))]
}
