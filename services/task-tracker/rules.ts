// What may happen to tasks, decided over sets, without IO: time and chance are arguments.
import { ok, type Outcome, refuse } from '../../kernel/result.ts'

export interface Task {
  readonly taskId: number
  readonly description: string
  readonly state: 'open' | 'completed'
  readonly assigneeId: number
  readonly assigneeName: string
  readonly assigneeActive: boolean
  readonly assigneeAssignable: boolean
  readonly assignment: number
  readonly createdBy: number
  readonly createdAt: Date
  readonly assignedAt: Date
  readonly completedAt: Date | null
}

/** A uniform integer, both ends included. */
export type Draw = (from: number, to: number) => number

export const mayBeAssigned = ({ role, active }: { role: string; active: boolean }): boolean =>
  active && role !== 'manager' && role !== 'admin'

const mayChoose = (role: string): boolean => role === 'manager' || role === 'admin'

/** Draws an assignee for each of `count` tasks, each uniformly among all candidates. Needs at least one candidate. */
export const drawAssignees = (count: number, candidates: readonly number[], draw: Draw): number[] =>
  Array.from({ length: count }, () => candidates[draw(0, candidates.length - 1)] as number)

type ChoiceRefusal = 'nobody_assignable' | 'popug_not_assignable' | 'may_not_choose'

/** Who gets a new task: the one that a manager names, otherwise one drawn among all candidates. */
export const chooseAssignee = (
  wanted: number | undefined,
  actorRole: string,
  candidates: readonly number[],
  draw: Draw,
): Outcome<number, ChoiceRefusal> => {
  if (wanted !== undefined && !mayChoose(actorRole)) return refuse('may_not_choose')
  if (wanted !== undefined)
    return candidates.includes(wanted) ? ok(wanted) : refuse('popug_not_assignable', { popugId: wanted })
  const [drawn] = candidates.length > 0 ? drawAssignees(1, candidates, draw) : []
  return drawn === undefined ? refuse('nobody_assignable') : ok(drawn)
}

export interface Completion {
  readonly task: Task
  /** It was completed before; nothing happens again. */
  readonly already: boolean
}

/** Only the assignee completes a task. Who comes after a reassignment is told who holds it now. */
export const complete = (
  task: Task | undefined,
  popugId: number | null,
  now: Date,
): Outcome<Completion, 'task_not_found' | 'not_assignee'> => {
  if (!task) return refuse('task_not_found')
  const { taskId, assigneeId, assigneeName } = task
  if (assigneeId !== popugId) return refuse('not_assignee', { taskId, assigneeId, assigneeName })
  if (task.state === 'completed') return ok({ task, already: true })
  return ok({ task: { ...task, state: 'completed', completedAt: now }, already: false })
}
