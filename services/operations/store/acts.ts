// Statements on the operator log.
import { sql } from 'kysely'
import type { Tx } from '../../../kernel/ports.ts'
import type { Result } from '../rules/tally.ts'

export interface NewAct {
  readonly kind: string
  readonly service: string | null
  readonly consumer: string | null
  readonly input: unknown
  readonly reason: string | null
  readonly requestedBy: number | null
  /** As somebody at the command line calls themselves. */
  readonly requestedAs: string | null
}

export interface ActRow extends Omit<NewAct, 'requestedAs'> {
  readonly id: number
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled'
  /** How many steps were saved: who saves the next one must have seen this one. */
  readonly step: number
  readonly progress: unknown
  readonly total: number | null
  readonly done: number
  readonly failed: number
  readonly note: string | null
  readonly results: readonly Result[]
  /** Null while the name of a person is not known yet, and for who did not say it at the command line. */
  readonly requestedByName: string | null
  readonly requestedAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

const columns = sql`id, kind, service, consumer, input, reason, state, step, progress, total, done, failed, note, results,
  requested_by as "requestedBy",
  coalesce((select p.name from operations.popug p where p.id = requested_by), requested_as) as "requestedByName",
  requested_at as "requestedAt", started_at as "startedAt", finished_at as "finishedAt"`

/** In the order given. */
export const insertActs = async (tx: Tx, acts: readonly NewAct[], now: Date): Promise<ActRow[]> => {
  const { rows } = await sql<ActRow>`
    with inserted as (
      insert into operations.act (kind, service, consumer, input, reason, requested_by, requested_as, requested_at)
      select a->>'kind', a->>'service', a->>'consumer', a->'input', a->>'reason', (a->>'requestedBy')::int,
        a->>'requestedAs', ${now}
      from jsonb_array_elements(${JSON.stringify(acts)}::jsonb) with ordinality as given(a, place) order by place
      returning ${columns}
    ) select * from inserted order by id`.execute(tx)
  return rows
}

/** Newest first, those with an id below `before`. */
export const listActs = async (tx: Tx, before: number, limit: number): Promise<ActRow[]> => {
  const { rows } = await sql<ActRow>`
    select ${columns} from operations.act where id < ${before}::bigint order by id desc limit ${limit}`.execute(tx)
  return rows
}

export const findAct = async (tx: Tx, id: number): Promise<ActRow | undefined> => {
  const { rows } = await sql<ActRow>`select ${columns} from operations.act where id = ${id}`.execute(tx)
  return rows[0]
}

/** Of those that have not ended, the oldest one of each consumer, or of what else it is about: they take turns. */
export const nextActs = async (tx: Tx, limit: number): Promise<ActRow[]> => {
  const { rows } = await sql<ActRow>`
    select ${columns} from operations.act a where state in ('queued', 'running') and not exists (
      select from operations.act b where b.state in ('queued', 'running') and b.id < a.id
        and b.service is not distinct from a.service and b.consumer is not distinct from a.consumer)
    order by id limit ${limit}`.execute(tx)
  return rows
}

export const countOpenActs = async (tx: Tx): Promise<number> => {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from operations.act where state in ('queued', 'running')`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Those that had not ended; the step in progress, if there is one, finds that it may not be saved any more. */
export const cancelActs = async (tx: Tx, ids: readonly number[], now: Date): Promise<ActRow[]> => {
  const { rows } = await sql<ActRow>`
    update operations.act set state = 'cancelled', step = step + 1, started_at = coalesce(started_at, ${now}), finished_at = ${now}
    where id = any(${ids}::int[]) and state in ('queued', 'running') returning ${columns}`.execute(tx)
  return rows
}

export type SteppedAct = Pick<
  ActRow,
  'id' | 'step' | 'state' | 'progress' | 'total' | 'done' | 'failed' | 'note' | 'results'
>

/** Saves one more step of each act whose last saved step is the one given; gives the ids of those it saved. */
export const saveSteps = async (tx: Tx, acts: readonly SteppedAct[], now: Date): Promise<number[]> => {
  const { rows } = await sql<{ id: number }>`
    update operations.act o
    set step = o.step + 1, state = a->>'state', progress = a->'progress', total = (a->>'total')::int,
      done = (a->>'done')::int, failed = (a->>'failed')::int, note = a->>'note', results = a->'results',
      started_at = coalesce(o.started_at, ${now}),
      finished_at = case when a->>'state' in ('done', 'failed') then ${now}::timestamptz end
    from jsonb_array_elements(${JSON.stringify(acts)}::jsonb) as given(a)
    where o.id = (a->>'id')::int and o.step = (a->>'step')::int and o.state in ('queued', 'running')
    returning o.id`.execute(tx)
  return rows.map(({ id }) => id)
}
