// AssignTasks and its kin: start the job, look at it, list all, cancel.
import { cancelJob, enqueueJob, findJob, listJobs } from '../../kernel/jobs.ts'
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import type { taskTracker } from './contract.ts'
import { reassignTasks } from './reassign-tasks.ts'
import { reassignmentOnWire } from './wire.ts'

const schema = 'task_tracker'

export const assignTasks: Handler<typeof taskTracker.assignTasks> = async (_input, context) =>
  ok(reassignmentOnWire(await enqueueJob(schema, reassignTasks, context)))

export const getReassignment: Handler<typeof taskTracker.getReassignment> = async ({ id }, { tx }) => {
  const job = await findJob(schema, reassignTasks, tx, id)
  return job ? ok(reassignmentOnWire(job)) : refuse('reassignment_not_found')
}

export const listReassignments: Handler<typeof taskTracker.listReassignments> = async ({ after, limit }, { tx }) => {
  const jobs = await listJobs(schema, reassignTasks, tx, numberInMark(after, 0, 2 ** 31), limit + 1)
  const { page, next } = pageOf(jobs, limit, ({ id }) => pageMarkOf(id))
  return ok({ reassignments: page.map(reassignmentOnWire), next })
}

export const cancelReassignment: Handler<typeof taskTracker.cancelReassignment> = async ({ id }, { tx, now }) => {
  const cancelled = await cancelJob(schema, reassignTasks, tx, id, now)
  if (cancelled) return ok(reassignmentOnWire(cancelled))
  const job = await findJob(schema, reassignTasks, tx, id)
  if (!job) return refuse('reassignment_not_found')
  return job.state === 'cancelled' ? ok(reassignmentOnWire(job)) : refuse('reassignment_finished')
}
