// CreateTask: a new task is assigned at once, and its assignee owes the fee.
import { isRefusal, ok } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { taskTracker } from './contract.ts'
import { chooseAssignee } from './rules.ts'
import { assignablePopugs, findTasks, insertTasks } from './store.ts'
import { taskOnWire } from './wire.ts'

export const createTask: Handler<typeof taskTracker.createTask> = async (
  { description, popugId },
  { tx, actor, now, random, emit },
) => {
  const assignee = chooseAssignee(popugId, actor.role, await assignablePopugs(tx), random.integer)
  if (isRefusal(assignee)) return assignee
  const taskIds = await insertTasks(tx, [{ description, assigneeId: assignee.ok }], actor.id ?? 0, now)
  emit(
    taskTracker.taskAssigned,
    taskIds.map((taskId) => ({ taskId, popugId: assignee.ok, assignment: 1 })),
  )
  const [task] = await findTasks(tx, taskIds)
  if (!task) throw new Error('the new task is not there')
  return ok(taskOnWire(task))
}
