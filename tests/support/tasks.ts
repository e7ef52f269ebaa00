// Many tasks at once, for tests that need thousands of them.
import { databaseClock } from '../../adapters/database/postgres.ts'
import { systemRandom } from '../../adapters/random.ts'
import { insertOutbox, outboxOf } from '../../kernel/outbox.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { insertTasks } from '../../services/task-tracker/store.ts'
import type { System } from './system.ts'

/** One open task for each assignee given, with its event, as if each had been created. Gives their ids. */
export const addTasks = async ({ databases }: System, assignees: readonly number[]): Promise<number[]> => {
  const database = databases['task_tracker']
  if (!database) throw new Error('there is no task tracker')
  return database.transaction('add tasks', async (tx) => {
    const now = await databaseClock.now(tx)
    const tasks = assignees.map((assigneeId, index) => ({ description: `Task ${index + 1}`, assigneeId }))
    const taskIds = await insertTasks(tx, tasks, 1, now)
    const { emit, collected } = outboxOf(systemRandom)
    emit(
      taskTracker.taskAssigned,
      taskIds.map((taskId, index) => ({ taskId, popugId: assignees[index] ?? 0, assignment: 1 })),
    )
    await insertOutbox(tx, database.schema, collected, { at: now, requestId: 'many tasks', actor: 1, trace: null })
    return taskIds
  })
}

/** `count` numbers, taken from `among` in turn. */
export const inTurn = (count: number, among: readonly number[]): number[] =>
  Array.from({ length: count }, (_, index) => among[index % among.length] ?? 0)
