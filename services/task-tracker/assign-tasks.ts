// AssignTasks and its kin: start the job, look at it, list all, cancel.
import { cancelJob, countQueuedJobs, enqueueJob, findJob, type JobRow, listJobs } from '../../kernel/jobs.ts'
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import type { Tx } from '../../kernel/ports.ts'
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import type { taskTracker } from './contract.ts'
import { type ReassignProgress, reassignTasks } from './reassign-tasks.ts'
import { popugNames, previewOpenTasks } from './store.ts'
import { reassignmentOnWire } from './wire.ts'

const schema = 'task_tracker'

const onWire = async (tx: Tx, jobs: readonly JobRow<ReassignProgress>[]) => {
  const names = await popugNames(
    tx,
    jobs.flatMap(({ requestedBy }) => requestedBy ?? []),
  )
  return jobs.map((job) => reassignmentOnWire(job, names))
}

const oneOnWire = async (tx: Tx, job: JobRow<ReassignProgress>) => {
  const [reassignment] = await onWire(tx, [job])
  if (!reassignment) throw new Error('one job became none')
  return ok(reassignment)
}

/** Each draws everything anew, so that more of them in a row do nobody any good and cost everybody fees. */
const mostQueued = 100

export const assignTasks: Handler<typeof taskTracker.assignTasks> = async (_input, context) => {
  const queued = await countQueuedJobs(schema, reassignTasks, context.tx)
  if (queued >= mostQueued) return refuse('too_many_reassignments', { most: mostQueued })
  return oneOnWire(context.tx, await enqueueJob(schema, reassignTasks, context))
}

export const previewReassignment: Handler<typeof taskTracker.previewReassignment> = async (_input, { tx }) =>
  ok({ ...(await previewOpenTasks(tx)), exact: true, assignableExact: true })

export const getReassignment: Handler<typeof taskTracker.getReassignment> = async ({ id }, { tx }) => {
  const job = await findJob(schema, reassignTasks, tx, id)
  return job ? oneOnWire(tx, job) : refuse('reassignment_not_found')
}

export const listReassignments: Handler<typeof taskTracker.listReassignments> = async ({ after, limit }, { tx }) => {
  const jobs = await listJobs(schema, reassignTasks, tx, numberInMark(after, 0, 2 ** 31), limit + 1)
  const { page, next } = pageOf(jobs, limit, ({ id }) => pageMarkOf(id))
  return ok({ reassignments: await onWire(tx, page), next })
}

export const cancelReassignment: Handler<typeof taskTracker.cancelReassignment> = async ({ id }, { tx, now }) => {
  const cancelled = await cancelJob(schema, reassignTasks, tx, id, now)
  if (cancelled) return oneOnWire(tx, cancelled)
  const job = await findJob(schema, reassignTasks, tx, id)
  if (!job) return refuse('reassignment_not_found')
  return job.state === 'cancelled' ? oneOnWire(tx, job) : refuse('reassignment_finished')
}
