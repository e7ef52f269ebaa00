// What the tests of the task tracker share: people of each role, and calls on their behalf.
import assert from 'node:assert/strict'
import type { Behalf } from '../../kernel/caller.ts'
import type { Actor } from '../../kernel/contract.ts'
import { must } from '../../kernel/result.ts'
import { addPeople, as, type System } from '../../tests/support/system.ts'
import { identity } from '../identity/contract.ts'
import { taskTracker } from './contract.ts'

export interface Cast {
  readonly manager: Actor
  readonly admin: Actor
  readonly accountant: Actor
  readonly popugs: readonly Actor[]
}

export const addCast = async (system: System): Promise<Cast> => {
  const [manager, admin, accountant, ...popugs] = await addPeople(system, [
    'manager',
    'admin',
    'accountant',
    'popug',
    'popug',
  ])
  assert.ok(manager && admin && accountant)
  return { manager, admin, accountant, popugs }
}

export const idOf = (actor: Actor | undefined): number => actor?.id ?? 0
export const asManager = as({ id: 1, role: 'manager' })
export const asAdmin = as({ id: 1, role: 'admin' })

/** Calls of the task tracker, on the system that there is when they are made. */
export const tasksOf = (system: () => System) => ({
  create: (description: string, behalf: Behalf = asManager, popugId?: number) =>
    system().call(taskTracker.createTask, { description, popugId }, behalf),
  complete: (taskId: number, popugId: number) =>
    system().call(taskTracker.completeTask, { taskId }, as({ id: popugId, role: 'popug' })),
  find: async (
    filter: {
      readonly popugId?: number
      readonly state?: 'open' | 'completed'
      readonly text?: string
      readonly order?: 'newest' | 'oldest' | 'completed'
    },
    behalf: Behalf = asManager,
  ) => must(await system().call(taskTracker.getTasks, { ...filter, limit: 200 }, behalf)).tasks,
  /** Resolves when a change of people has reached the roster. */
  change: async (popugId: number, wanted: { name?: string; active?: boolean; role?: 'popug' | 'manager' }) => {
    must(await system().call(identity.changePerson, { popugId, ...wanted }, asAdmin))
    await system().host.settle()
  },
})
