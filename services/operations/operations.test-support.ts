// Operations through its contract, on a running system, for its tests.
import { must } from '../../kernel/result.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { as, type System } from '../../tests/support/system.ts'
import type { Output } from '../../kernel/contract.ts'
import { operations } from './contract.ts'

export const admin = as({ id: 1, role: 'admin' })

export type Overview = Output<typeof operations.getOverview>
export type Act = Output<typeof operations.getAct>

export const overviewOf = async ({ call }: Pick<System, 'call'>): Promise<Overview> =>
  must(await call(operations.getOverview, {}, admin))

/** The first overview that is as it is looked for. */
export const seen = (what: string, system: Pick<System, 'call'>, look: (overview: Overview) => boolean) =>
  eventually(what, async () => {
    const overview = await overviewOf(system)
    return look(overview) && overview
  })

/** The act as it ended. */
export const ended = (system: Pick<System, 'call'>, { id }: Pick<Act, 'id'>): Promise<Act> =>
  eventually(
    `act ${id} ends`,
    async () => {
      const act = must(await system.call(operations.getAct, { id }, admin))
      return act.finishedAt !== null && act
    },
    30_000,
  )

/** While this holds, no price can be drawn for these tasks, and what speaks of them is parked. */
export const refusePrices = async ({ database }: Pick<System, 'database'>, taskIds: readonly number[]) => {
  await database.query(`
    create or replace function public.no_price() returns trigger language plpgsql as $$
      begin raise exception 'no price for task %', new.task_id using errcode = 'check_violation'; end $$;
    create or replace trigger no_price before insert on accounting.price for each row
      when (new.task_id = any('{${taskIds.join()}}'::int[])) execute function public.no_price()`)
  return () => database.query('drop function public.no_price() cascade')
}
