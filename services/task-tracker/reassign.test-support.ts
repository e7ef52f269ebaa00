// What the tests of reassignments share: pressing, looking, and how often each task was assigned.
import assert from 'node:assert/strict'
import type { Actor } from '../../kernel/contract.ts'
import { must } from '../../kernel/result.ts'
import { taskStates } from '../../tests/support/invariants.ts'
import type { TestDatabase } from '../../tests/support/server.ts'
import { as, type System } from '../../tests/support/system.ts'
import { taskTracker } from './contract.ts'

/** The transaction of one step. */
export const step = 'job.ReassignTasks'
/** Tasks in one step. */
export const chunk = 1_000

export const boss: Actor = { id: 1, role: 'manager' }
export const asAdmin = as({ id: 1, role: 'admin' })
export const idsOf = (actors: readonly Actor[]): number[] => actors.map(({ id }) => id ?? 0)

export const assign = async ({ call }: System, idempotencyKey?: string) =>
  must(await call(taskTracker.assignTasks, {}, as(boss, idempotencyKey === undefined ? {} : { idempotencyKey })))
export const look = async ({ call }: System, id: number) =>
  must(await call(taskTracker.getReassignment, { id }, as(boss)))
export const cancel = ({ call }: System, id: number) => call(taskTracker.cancelReassignment, { id }, as(boss))
export const complete = ({ call }: System, taskId: number, popugId: number) =>
  call(taskTracker.completeTask, { taskId }, as({ id: popugId, role: 'popug' }))
export const counters = async (system: System, id: number) => {
  const { state, total, done, moved, skipped } = await look(system, id)
  return { state, total, done, moved, skipped }
}

/** How often each task has been assigned. */
export const assignments = async ({ database }: System) =>
  new Map((await taskStates(database)).map(({ taskId, assignment }) => [taskId, assignment]))
export const holders = async ({ database }: System) =>
  new Map((await taskStates(database)).map(({ taskId, popugId }) => [taskId, popugId]))

/** Every one of these tasks has been assigned so often. */
export const assertAssigned = async (system: System, taskIds: readonly number[], times: number) => {
  const found = await assignments(system)
  assert.deepEqual(taskIds.filter((taskId) => found.get(taskId) !== times).slice(0, 10), [], `assigned ${times} times`)
}

/** Somebody waits for a lock that another one holds. */
export const somebodyWaits = async (database: TestDatabase) => {
  const waiting = await database.query(`select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`)
  return waiting.length > 0
}
