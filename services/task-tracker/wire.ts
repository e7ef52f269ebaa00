// Rows of the task tracker as its contract says them.
import type { z } from 'zod'
import type { JobRow } from '../../kernel/jobs.ts'
import type { Reassignment as ReassignmentSchema, Task as TaskSchema } from './contract.ts'
import type { ReassignProgress } from './reassign-tasks.ts'
import type { Task } from './rules.ts'

export const taskOnWire = (task: Task): z.input<typeof TaskSchema> => ({
  ...task,
  createdAt: task.createdAt.toISOString(),
  assignedAt: task.assignedAt.toISOString(),
  completedAt: task.completedAt?.toISOString() ?? null,
})

export const reassignmentOnWire = (
  job: JobRow<ReassignProgress>,
  names: ReadonlyMap<number, string>,
): z.input<typeof ReassignmentSchema> => {
  const { total, done, moved, skipped } = job.progress ?? { total: 0, done: 0, moved: 0, skipped: 0 }
  return {
    id: job.id,
    state: job.state,
    reason: job.reason,
    total,
    done,
    moved,
    skipped,
    requestedBy: job.requestedBy ?? 0,
    requestedByName: names.get(job.requestedBy ?? 0) ?? null,
    requestedAt: job.requestedAt.toISOString(),
    startedAt: job.startedAt?.toISOString() ?? null,
    finishedAt: job.finishedAt?.toISOString() ?? null,
  }
}
