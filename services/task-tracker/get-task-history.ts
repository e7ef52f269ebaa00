// GetTaskHistory: a task's story as its own events tell it, so that no second record of it can differ.
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { taskTracker } from './contract.ts'
import { findTasks, type Happening, popugNames, taskHappenings } from './store.ts'
import { taskOnWire } from './wire.ts'

export const getTaskHistory: Handler<typeof taskTracker.getTaskHistory> = async ({ taskId, after, limit }, { tx }) => {
  const [task] = await findTasks(tx, [taskId])
  if (!task) return refuse('task_not_found')
  const happenings = await taskHappenings(tx, taskId, numberInMark(after, 0, 0, 2 ** 31 - 1), limit + 1)
  const { page, next } = pageOf(happenings, limit, ({ place }) => pageMarkOf(place))
  const people = page.flatMap(({ popugId, byId }) => [popugId, byId ?? popugId])
  const names = await popugNames(tx, [...new Set([task.createdBy, ...people])])
  return ok({
    task: taskOnWire(task),
    createdByName: names.get(task.createdBy) ?? null,
    happenings: page.map((happening) => onWire(happening, names)),
    next,
  })
}

const onWire = ({ type, place: _place, at, ...happening }: Happening, names: ReadonlyMap<number, string>) => ({
  ...happening,
  what: type === taskTracker.taskAssigned.name ? ('assigned' as const) : ('completed' as const),
  popugName: names.get(happening.popugId) ?? null,
  byName: names.get(happening.byId ?? 0) ?? null,
  at: at.toISOString(),
})
