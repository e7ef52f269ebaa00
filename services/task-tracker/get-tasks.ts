// GetTasks and the other questions about tasks.
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import type { taskTracker } from './contract.ts'
import { countGiven, findTasks, listPopugs, taskDescriptions } from './store.ts'
import { listTasks, type TaskOrder, type TaskPlace } from './store/list.ts'
import { taskOnWire } from './wire.ts'

/** The end of the year 9999. */
const mostMs = 253_402_300_799_999

/** The last task of the page before; from another order or not ours at all, the list begins at its start. */
const placeInMark = (after: string | undefined, order: TaskOrder): TaskPlace | null => {
  const taskId = numberInMark(after, 0, 0, 2 ** 31)
  const completedAt = numberInMark(after, 1, 0, mostMs)
  if (taskId === 0 || (order === 'completed') !== completedAt > 0) return null
  return { taskId, completedAt: new Date(completedAt) }
}

export const getTasks: Handler<typeof taskTracker.getTasks> = async ({ order, after, limit, ...filter }, { tx }) => {
  const tasks = await listTasks(tx, { ...filter, order }, placeInMark(after, order), limit + 1)
  const { page, next } = pageOf(tasks, limit, ({ taskId, completedAt }) =>
    order === 'completed' ? pageMarkOf(taskId, completedAt?.getTime() ?? 0) : pageMarkOf(taskId),
  )
  return ok({ tasks: page.map(taskOnWire), next })
}

export const countGivenTasks: Handler<typeof taskTracker.countGivenTasks> = async (
  { popugId, since, most },
  { tx },
) => {
  const found = await countGiven(tx, popugId, new Date(since), most + 1)
  return ok({ tasks: Math.min(found, most), exact: found <= most })
}

export const getTask: Handler<typeof taskTracker.getTask> = async ({ taskId }, { tx }) => {
  const [task] = await findTasks(tx, [taskId])
  return task ? ok(taskOnWire(task)) : refuse('task_not_found')
}

export const describeTasks: Handler<typeof taskTracker.describeTasks> = async ({ taskIds }, { tx }) =>
  ok({ tasks: await taskDescriptions(tx, taskIds) })

export const getRoster: Handler<typeof taskTracker.getRoster> = async ({ who, text = '', limit }, { tx }) =>
  ok({ popugs: await listPopugs(tx, who, text, limit) })
