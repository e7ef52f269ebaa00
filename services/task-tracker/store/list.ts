// The list of tasks: filtered, in one of three orders, a page from any place.
import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../../../kernel/ports.ts'
import { containing, forItsValues } from '../../../kernel/search.ts'
import type { Task } from '../rules.ts'
import { taskColumns, textAndAssignee } from '../store.ts'

export interface TaskFilter {
  readonly popugId?: number | undefined
  readonly state?: 'open' | 'completed' | undefined
  readonly text?: string | undefined
}

/** Fewer than three characters have no trigram to search by. */
const shortestSearch = 3

const conditions = ({ popugId, state }: TaskFilter): RawBuilder<unknown>[] => [
  ...(popugId === undefined ? [] : [sql`t.assignee = ${popugId}`]),
  // As it stands, so that a plan for any value can use the index of this state.
  ...(state === undefined ? [] : [sql`t.state = ${sql.lit(state)}`]),
]

interface Searched {
  readonly from: RawBuilder<unknown>
  readonly ids: readonly RawBuilder<unknown>[]
  readonly fitting: readonly RawBuilder<unknown>[]
}

/**
 * Where tasks are looked for, and by what of their text. One popug's are few, and each is looked at; among all, the
 * planner knows whether the text is in so many that the order of the page leads to it sooner than its index.
 */
const searched = ({ popugId, text }: TaskFilter): Searched => {
  const tasks = { from: sql`task_tracker.task t`, ids: [sql`t.id`] }
  if (text === undefined || Array.from(text).length < shortestSearch) return { ...tasks, fitting: [] }
  const pattern = containing(text)
  if (popugId !== undefined) {
    const ownText = sql`(select x.description from task_tracker.task_text x where x.task_id = t.id)`
    return { ...tasks, fitting: [sql`${ownText} ilike ${pattern}`] }
  }
  return {
    from: sql`${tasks.from} join task_tracker.task_text x on x.task_id = t.id`,
    ids: [...tasks.ids, sql`x.task_id`],
    fitting: [sql`x.description ilike ${pattern} ${forItsValues}`],
  }
}

export type TaskOrder = 'newest' | 'oldest' | 'completed'

/** The task behind which a page begins; when it was completed counts only in that order. */
export interface TaskPlace {
  readonly taskId: number
  readonly completedAt: Date
}

interface Order {
  readonly by: RawBuilder<unknown>
  /** What belongs to it, and what comes behind a place in it. */
  readonly only: readonly RawBuilder<unknown>[]
  readonly behind: (place: TaskPlace, ids: readonly RawBuilder<unknown>[]) => RawBuilder<unknown>
}

/** Said of the ids of all tables that are read, or one of them would be read from its start. */
const beyondId =
  (sign: RawBuilder<unknown>): Order['behind'] =>
  ({ taskId }, ids) =>
    sql.join(
      ids.map((id) => sql`${id} ${sign} ${taskId}::bigint`),
      sql` and `,
    )

/** Each is that of an index, so that a page costs the same wherever it is. */
const orders: Readonly<Record<TaskOrder, Order>> = {
  newest: { by: sql`t.id desc`, only: [], behind: beyondId(sql`<`) },
  oldest: { by: sql`t.id`, only: [], behind: beyondId(sql`>`) },
  completed: {
    by: sql`t.completed_at desc, t.id desc`,
    only: [sql`t.state = 'completed'`],
    behind: ({ taskId, completedAt }) => sql`(t.completed_at, t.id) < (${completedAt}::timestamptz, ${taskId}::bigint)`,
  },
}

/** Those behind a place, or from the start. */
export const listTasks = async (
  tx: Tx,
  { order, ...filter }: TaskFilter & { readonly order: TaskOrder },
  place: TaskPlace | null,
  limit: number,
): Promise<Task[]> => {
  const { by, only, behind } = orders[order]
  const { from, ids, fitting } = searched(filter)
  const where = sql.join(
    [sql`true`, ...only, ...conditions(filter), ...fitting, ...(place === null ? [] : [behind(place, ids)])],
    sql` and `,
  )
  // The page first and then what is shown of it: otherwise texts and names may be read from the first one on.
  const { rows } = await sql<Task>`
    select ${taskColumns}
    from (select t.id from ${from} where ${where} order by ${by} limit ${limit}) as page
    join task_tracker.task t on t.id = page.id join ${textAndAssignee} order by ${by}`.execute(tx)
  return rows
}
