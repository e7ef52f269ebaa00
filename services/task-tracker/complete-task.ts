// CompleteTask: the assignee is done and earns the reward. Said again, it gives the same answer and no second event.
import { isRefusal, ok } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { taskTracker } from './contract.ts'
import { complete } from './rules.ts'
import { lockTask, saveCompleted } from './store.ts'
import { taskOnWire } from './wire.ts'

export const completeTask: Handler<typeof taskTracker.completeTask> = async ({ taskId }, { tx, actor, now, emit }) => {
  const outcome = complete(await lockTask(tx, taskId), actor.id, now)
  if (isRefusal(outcome)) return outcome
  const { task, already } = outcome.ok
  if (!already) {
    await saveCompleted(tx, [task])
    emit(taskTracker.taskCompleted, [{ taskId, popugId: task.assigneeId }])
  }
  return ok(taskOnWire(task))
}
