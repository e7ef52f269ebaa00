// ReassignTasks: the long job behind AssignTasks. Each step draws an assignee for the next open tasks, in one transaction.
import type { Job, Step } from '../../kernel/service.ts'
import { taskTracker } from './contract.ts'
import { drawAssignees } from './rules.ts'
import {
  assignablePopugs,
  countCompletedSince,
  forgetThoseWithNothing,
  lockOpenTasks,
  type OpenRange,
  openTaskRange,
  saveAssignees,
} from './store.ts'

export interface ReassignProgress {
  /** The last task that was looked at. */
  readonly cursor: number
  /** The last task that existed at the start. */
  readonly upTo: number
  /** Estimate: tasks that were open at the start. */
  readonly total: number
  readonly done: number
  readonly moved: number
  readonly skipped: number
  readonly startedAt: string
}

/** Tasks per step: long enough to be quick over all, short enough not to keep those who complete a task waiting. */
const chunk = 1_000

export const reassignTasks: Job<ReassignProgress> = {
  name: 'ReassignTasks',
  async step({ tx, now, random, emit, progress }) {
    const before = progress ?? beginning(await openTaskRange(tx), now)
    // The candidates come first: their row is not locked, and a step must not hold tasks while it finds nobody.
    const candidates = await assignablePopugs(tx)
    if (candidates.length === 0) return { state: 'waiting', progress: before, reason: 'nobody_assignable' }
    const taskIds = await lockOpenTasks(tx, before.cursor, before.upTo, chunk)
    const assigned = await saveAssignees(tx, taskIds, drawAssignees(taskIds.length, candidates, random.integer), now)
    emit(taskTracker.taskAssigned, assigned)
    const cursor = taskIds.length < chunk ? before.upTo : (taskIds.at(-1) ?? before.upTo)
    if (cursor >= before.upTo) await forgetThoseWithNothing(tx)
    const completed = await countCompletedSince(tx, before.cursor, cursor, new Date(before.startedAt))
    return after(before, { cursor, moved: assigned.length, skipped: completed })
  },
}

const beginning = (range: OpenRange, now: Date): ReassignProgress => ({
  ...range,
  cursor: 0,
  done: 0,
  moved: 0,
  skipped: 0,
  startedAt: now.toISOString(),
})

const after = (
  before: ReassignProgress,
  { cursor, moved, skipped }: Pick<ReassignProgress, 'cursor' | 'moved' | 'skipped'>,
): Step<ReassignProgress> => ({
  state: cursor >= before.upTo ? 'done' : 'running',
  progress: {
    ...before,
    cursor,
    done: before.done + moved + skipped,
    moved: before.moved + moved,
    skipped: before.skipped + skipped,
  },
})
