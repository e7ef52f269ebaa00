// GetTakenTasks: which tasks a popug has lost to others since a moment, told by the fees that followed their own.
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { accountants } from '../vocabulary.ts'
import type { accounting } from './contract.ts'
import { takenTasks } from './store/questions.ts'

export const getTakenTasks: Handler<typeof accounting.getTakenTasks> = async (
  { popugId, since, limit },
  { tx, actor },
) => {
  if (popugId !== actor.id && !accountants.some((role) => role === actor.role)) return refuse('not_own_account')
  const { whole, tasks } = await takenTasks(tx, popugId, new Date(since), limit + 1)
  return ok({
    tasks: tasks.slice(0, limit).map(({ at, ...task }) => ({ ...task, at: at.toISOString() })),
    more: tasks.length > limit ? 'some' : whole ? 'none' : 'unknown',
  })
}
