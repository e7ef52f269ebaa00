// Comparisons that a service makes of its own tables: the tasks with their events, and the ledger with its postings.
import { must } from '../../../kernel/result.ts'
import { accounting } from '../../accounting/contract.ts'
import { taskTracker } from '../../task-tracker/contract.ts'
import { begun, isDue, newProgress } from '../rules/rounds.ts'
import type { NewDifference } from '../store/differences.ts'
import { asReconciler, type Comparison } from './comparison.ts'

interface Verified {
  readonly what: string
  readonly where: string
  readonly expected: string
  readonly found: string
  readonly lost?: boolean | undefined
}

const differenceOf = (name: string, { what, where, expected, found, lost = false }: Verified): NewDifference => ({
  name,
  about: `${where}: ${what}`,
  number: null,
  what: lost ? 'extra' : 'different',
  expected,
  found,
  explained: null,
})

/** Tasks and events, a part in each step. */
export const compareTasks: Comparison = {
  name: 'tasks-log',
  next: async ({ progress, now, call }) => {
    const round = begun(progress ?? newProgress(1, now), now)
    if (progress && !isDue(progress, now)) return null
    const after = round.mark === null ? {} : { after: round.mark }
    const part = must(await call(taskTracker.verifyTasks, after, asReconciler))
    const compared = round.compared + part.tasks + part.events
    return {
      progress: { ...round, mark: part.next, compared, cursor: compared, upTo: part.upTo },
      found: part.differences.map((one) => differenceOf('tasks-log', one)),
      ranges: null,
      ended: part.next === null,
    }
  },
}

/** Two million postings were seen to take longer than any other step may. */
const asAuditor = { ...asReconciler, timeoutMs: 5 * 60_000 }

/** Everything in one step, because its sums are over everything. */
export const compareLedger: Comparison = {
  name: 'ledger',
  next: async ({ progress, now, call }) => {
    const round = begun(progress ?? newProgress(1, now), now)
    if (progress && !isDue(progress, now)) return null
    const { postings, upTo, differences } = must(await call(accounting.verifyLedger, {}, asAuditor))
    return {
      progress: { ...round, compared: postings, cursor: upTo, upTo },
      found: differences.map((one) => differenceOf('ledger', one)),
      ranges: null,
      ended: true,
    }
  },
}
