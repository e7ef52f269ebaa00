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
  /** That an id is not of a task before this one, where that can be told by ids. */
  readonly from: (id: RawBuilder<unknown>, first: RawBuilder<unknown>) => readonly RawBuilder<unknown>[]
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
  newest: {
    by: sql`t.id desc`,
    only: [],
    behind: beyondId(sql`<`),
    from: (id, first) => [sql`${id} <= ${first}`],
  },
  oldest: { by: sql`t.id`, only: [], behind: beyondId(sql`>`), from: (id, first) => [sql`${id} >= ${first}`] },
  completed: {
    by: sql`t.completed_at desc, t.id desc`,
    only: [sql`t.state = 'completed'`],
    behind: ({ taskId, completedAt }) => sql`(t.completed_at, t.id) < (${completedAt}::timestamptz, ${taskId}::bigint)`,
    from: () => [],
  },
}

/** A page that is asked for: what belongs to it, in which order, and behind which place. */
interface Asked {
  readonly filter: TaskFilter
  readonly order: Order
  readonly place: TaskPlace | null
  readonly limit: number
}

const allOf = (wanted: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  sql.join([sql`true`, ...wanted], sql` and `)

/** Whatever is said of the text. `ids` are those of the tables that are read. */
const wantedOf = ({ filter, order, place }: Asked, ids: readonly RawBuilder<unknown>[]): RawBuilder<unknown>[] => [
  ...order.only,
  ...conditions(filter),
  ...(place === null ? [] : [order.behind(place, ids)]),
]

/** Ids of the page, read in its order; of one popug's tasks, which are few enough, each text is looked at. */
const inOrder = (asked: Asked): RawBuilder<unknown> => {
  const { filter, order, limit } = asked
  const ownText = sql`(select x.description from task_tracker.task_text x where x.task_id = t.id)`
  const fitting = filter.text === undefined ? [] : [sql`${ownText} ilike ${containing(filter.text)}`]
  return sql`
    select t.id from task_tracker.task t where ${allOf([...wantedOf(asked, [sql`t.id`]), ...fitting])}
    order by ${order.by} limit ${limit}`
}

/**
 * Ids of the page, found by way of the texts: the planner knows whether a text is in so many that the order of the page
 * leads to it sooner than its index. Texts are read from the first task on that is asked for, as far as ids tell: the
 * newest may all be of tasks in another state.
 */
const byText = (asked: Asked, fitting: readonly RawBuilder<unknown>[]): RawBuilder<unknown> => {
  const { filter, order, limit } = asked
  const first = sql`(select t.id from task_tracker.task t where ${allOf(wantedOf(asked, [sql`t.id`]))} order by ${order.by} limit 1)`
  const begun = filter.state === undefined ? [] : order.from(sql`x.task_id`, first)
  return sql`
    select t.id from task_tracker.task t join task_tracker.task_text x on x.task_id = t.id
    where ${allOf([...wantedOf(asked, [sql`t.id`, sql`x.task_id`]), ...begun, ...fitting])} ${forItsValues}
    order by ${order.by} limit ${limit}`
}

const hasTrigram = (text: string): boolean => Array.from(text).length >= shortestSearch

/** Words as the index takes them; a few are enough to find a text by. */
const wordsOf = (text: string): string[] => (text.match(/[\p{L}\p{N}]+/gu) ?? []).filter(hasTrigram).slice(0, 8)

/** What more of the newest hundred texts have than this. */
const commonAmongHundred = 30

/** Those of the words that most tasks have: they say hardly anything, and are what takes the index longest to read. */
const commonWords = async (tx: Tx, words: readonly string[]): Promise<ReadonlySet<string>> => {
  const { rows } = await sql<{ word: string }>`
    with newest as materialized (
      select lower(description) as text from task_tracker.task_text order by task_id desc limit 100)
    select w.word from unnest(${words}::text[], ${words.map(containing)}::text[]) as w(word, pattern), newest n
    where n.text like lower(w.pattern) group by w.word having count(*) > ${commonAmongHundred}`.execute(tx)
  return new Set(rows.map(({ word }) => word))
}

/** What is said of a text so that the index finds it by the words that are rare. */
const fittingOf = async (tx: Tx, text: string): Promise<RawBuilder<unknown>[]> => {
  const words = wordsOf(text)
  const common = words.length > 1 ? await commonWords(tx, words) : new Set()
  const telling = words.filter((word) => !common.has(word))
  const whole = containing(text)
  if (common.size === 0 || telling.length === 0) return [sql`x.description ilike ${whole}`]
  // The text itself is said in a way in which the index is not asked for it, and so not for its common words.
  return [
    ...telling.map((word) => sql`x.description ilike ${containing(word)}`),
    sql`x.description || '' ilike ${whole}`,
  ]
}

const pageOf = async (tx: Tx, asked: Asked): Promise<RawBuilder<unknown>> => {
  const { popugId, text } = asked.filter
  return text === undefined || popugId !== undefined ? inOrder(asked) : byText(asked, await fittingOf(tx, text))
}

/** Those behind a place, or from the start. A text that is too short to be looked for is left out of account. */
export const listTasks = async (
  tx: Tx,
  { order, text, ...filter }: TaskFilter & { readonly order: TaskOrder },
  place: TaskPlace | null,
  limit: number,
): Promise<Task[]> => {
  const sought = text !== undefined && hasTrigram(text) ? { text } : {}
  const page = await pageOf(tx, { filter: { ...filter, ...sought }, order: orders[order], place, limit })
  // The page first and then what is shown of it: otherwise texts and names may be read from the first one on.
  const { rows } = await sql<Task>`
    select ${taskColumns}
    from (${page}) as page join task_tracker.task t on t.id = page.id join ${textAndAssignee}
    order by ${orders[order].by}`.execute(tx)
  return rows
}
