// What the tests of accounting share: tasks that cost and earn, events said by hand, parked ones looked at and mended.
import type { Actor } from '../../kernel/contract.ts'
import { must } from '../../kernel/result.ts'
import { standardContract } from '../../kernel/standard.ts'
import { addPeople, as, asService, type System } from '../../tests/support/system.ts'
import { taskTracker } from '../task-tracker/contract.ts'
import { accounting } from './contract.ts'

const boss: Actor = { id: 1, role: 'manager' }
export const asAdmin = as({ id: 1, role: 'admin' })
const { getParked, retryParked } = standardContract('accounting')

export interface Said {
  readonly type: 'TaskAssigned' | 'TaskCompleted'
  readonly data: object
}

/** Calls around the ledger, on the system that there is when they are made, or on the one given. */
export const ledgerOf = (system: () => System) => ({
  newPopug: async (of = system()): Promise<number> => (await addPeople(of, ['popug']))[0]?.id ?? 0,
  createTask: async (popugId: number, of = system()): Promise<number> =>
    must(await of.call(taskTracker.createTask, { description: 'x', popugId }, as(boss))).taskId,
  completeTask: async (taskId: number, popugId: number, of = system()) =>
    must(await of.call(taskTracker.completeTask, { taskId }, as({ id: popugId, role: 'popug' }))),
  accountOfPopug: async (popugId: number) => {
    await system().host.settle()
    return must(await system().call(accounting.getAccountInfo, { popugId, limit: 200 }, asAdmin))
  },
  pricesOf: async (taskIds: number[]) => must(await system().call(accounting.getPrices, { taskIds }, asAdmin)).prices,
  /** Says events as if the task tracker had, all in one transaction. */
  say: async (events: readonly Said[]): Promise<void> => {
    await system().database.query(
      `insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id)
       select gen_random_uuid(), type, 1, 'a test', data, now(), 'a test'
       from jsonb_to_recordset($1) as e(type text, data jsonb)`,
      [JSON.stringify(events)],
    )
    await system().host.settle()
  },
  parkedOf: async (taskId: number) => {
    const { parked } = must(await system().call(getParked, { limit: 1_000 }, asService))
    return parked.filter(({ data }) => (data as { taskId?: unknown }).taskId === taskId)
  },
  retry: async (number: number): Promise<string> =>
    must(await system().call(retryParked, { consumer: 'ledger', number }, asService)).result,
  mend: (number: number, data: object) =>
    system().database.query(`update accounting.parked set data = $1 where consumer = 'ledger' and number = $2`, [
      data,
      number,
    ]),
})
