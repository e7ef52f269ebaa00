// Waits until nothing is on its way any more, by looking into the database as anybody could.
import { setTimeout as delay } from 'node:timers/promises'

export type Query = (text: string) => Promise<readonly object[]>

/** Operations, where it runs: its own events and those it reads, and what it has not seen arrive. */
const watching = `
    union all select 'outbox of operations', (select count(*) from operations.outbox)
    union all select 'unpublished of operations', (select head - published from operations.stream)
    union all select 'names', (select head from identity.stream)
      - coalesce((select number from operations.position where consumer = 'names'), -1)
    union all select 'undelivered', (select count(*) from operations.undelivered where healed_at is null)`

const openWork = (isWatched: boolean): string => `
  select what, open from (
    select 'outbox of identity' as what, (select count(*) from identity.outbox) as open
    union all select 'outbox of task-tracker', (select count(*) from task_tracker.outbox)
    union all select 'outbox of accounting', (select count(*) from accounting.outbox)
    union all select 'jobs', (select count(*) from task_tracker.job where state in ('queued', 'running'))
    union all select 'unpublished of identity', (select head - published from identity.stream)
    union all select 'unpublished of task-tracker', (select head - published from task_tracker.stream)
    union all select 'unpublished of accounting', (select head - published from accounting.stream)
    union all select 'roster', (select head from identity.stream)
      - coalesce((select number from task_tracker.position where consumer = 'roster'), -1)
    union all select 'holders', (select head from identity.stream)
      - coalesce((select number from accounting.position where consumer = 'holders'), -1)
    union all select 'ledger', (select head from task_tracker.stream)
      - coalesce((select number from accounting.position where consumer = 'ledger'), -1)${isWatched ? watching : ''}
  ) w where open <> 0`

const pollMs = 15

/** Polls a condition. Throws with `what` when it does not hold in time. */
export const until = async (
  what: () => string,
  holds: () => Promise<boolean>,
  limitMs = 20_000,
  everyMs = pollMs,
): Promise<void> => {
  for (const end = performance.now() + limitMs; !(await holds()); await delay(everyMs)) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what()}`)
  }
}

/**
 * Resolves when every outbox is empty, no job runs, every consumer is at its head, and whoever watches, if somebody
 * does, has seen that.
 */
export const untilSettled = async (query: Query, limitMs = 30_000, isWatched = true): Promise<void> => {
  const text = openWork(isWatched)
  let open: readonly object[] = []
  const look = async () => (open = await query(text)).length === 0
  await until(() => `settled; open: ${JSON.stringify(open)}`, look, limitMs, 3 * pollMs)
}
