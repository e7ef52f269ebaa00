// GetTasks and the other questions about tasks.
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import type { taskTracker } from './contract.ts'
import { findTasks, listAssignable, listTasks, taskDescriptions } from './store.ts'
import { taskOnWire } from './wire.ts'

export const getTasks: Handler<typeof taskTracker.getTasks> = async ({ after, limit, ...filter }, { tx }) => {
  const tasks = await listTasks(tx, filter, numberInMark(after, 0, 2 ** 31), limit + 1)
  const { page, next } = pageOf(tasks, limit, ({ taskId }) => pageMarkOf(taskId))
  return ok({ tasks: page.map(taskOnWire), next })
}

export const getTask: Handler<typeof taskTracker.getTask> = async ({ taskId }, { tx }) => {
  const [task] = await findTasks(tx, [taskId])
  return task ? ok(taskOnWire(task)) : refuse('task_not_found')
}

export const describeTasks: Handler<typeof taskTracker.describeTasks> = async ({ taskIds }, { tx }) =>
  ok({ tasks: await taskDescriptions(tx, taskIds) })

export const getRoster: Handler<typeof taskTracker.getRoster> = async ({ text = '', limit }, { tx }) =>
  ok({ popugs: await listAssignable(tx, text, limit) })
