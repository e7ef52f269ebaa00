// VerifyTasks: tasks against their events, a part at a time, each part as it stood at one moment.
import { numberInMark, pageMarkOf } from '../../kernel/page.ts'
import { ok } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { taskTracker } from './contract.ts'
import { differingTasks, reachOf, strayEvents } from './verification.ts'

const names = { assigned: taskTracker.taskAssigned.name, completed: taskTracker.taskCompleted.name }

export const verifyTasks: Handler<typeof taskTracker.verifyTasks> = async ({ after, limit }, { tx }) => {
  const afterTask = numberInMark(after, 0, 0, 2 ** 31 - 1)
  const afterNumber = numberInMark(after, 1, 0)
  const { tasks, lastTask, events, lastNumber, head } = await reachOf(tx, afterTask, afterNumber, limit)
  const differences = [
    ...(await differingTasks(tx, names, afterTask, lastTask)),
    ...(await strayEvents(tx, names, afterNumber, lastNumber)),
  ]
  const ended = tasks < limit && events < limit
  return ok({ upTo: head, tasks, events, differences, next: ended ? null : pageMarkOf(lastTask, lastNumber) })
}
