// GetHappenings: what has happened to the tasks of a popug since an event, for whoever has come to that one only.
import { ok } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { taskTracker } from './contract.ts'
import { type Recent, recentHappenings } from './store/recent.ts'

export const getHappenings: Handler<typeof taskTracker.getHappenings> = async (
  { popugId, fromNumber, fromEpoch, limit },
  { tx },
) => {
  const from = { number: fromNumber, epoch: fromEpoch }
  const { head, whole, happenings } = await recentHappenings(tx, popugId, from, limit + 1)
  return ok({
    head,
    complete: whole && happenings.length <= limit,
    happenings: happenings.slice(0, limit).map(onWire),
  })
}

const onWire = ({ type, taskId, description, assignment, at, number, eventId }: Recent) => ({
  what: type === taskTracker.taskAssigned.name ? ('assigned' as const) : ('completed' as const),
  taskId,
  description,
  assignment,
  at: at.toISOString(),
  number,
  eventId,
})
