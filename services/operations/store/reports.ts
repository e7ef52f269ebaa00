// Statements on what processes said of themselves. Their age is told by the database's clock, as that of a lease is: it
// is about what runs now and no business time.
import { sql } from 'kysely'
import type { Tx } from '../../../kernel/ports.ts'
import type { InstanceSeen } from '../observation.ts'

export interface Report extends Pick<InstanceSeen, 'instance' | 'startedAt' | 'troubles' | 'breakers'> {
  readonly process: string
}

/** A process reports every five seconds; one whose last report is older may have been stopped for good. */
const countsForMs = 20_000
const keptForMs = 60_000

/** Replaces what these processes said before. */
export const saveReports = async (tx: Tx, reports: readonly Report[]): Promise<void> => {
  await sql`
    insert into operations.process_report (process, instance, started_at, reported_at, troubles, breakers)
    select r.process, r.instance, r."startedAt", now(), r.troubles, r.breakers
    from jsonb_to_recordset(${JSON.stringify(reports)}::jsonb) as r(
      process text, instance uuid, "startedAt" timestamptz, troubles jsonb, breakers jsonb)
    on conflict (process, instance) do update set reported_at = excluded.reported_at,
      troubles = excluded.troubles, breakers = excluded.breakers`.execute(tx)
}

/** Those from a future, before the clock was set back, are gone as well. Who reports just now is not waited for. */
export const forgetReports = async (tx: Tx): Promise<void> => {
  await sql`
    delete from operations.process_report where (process, instance) in (
      select process, instance from operations.process_report
      where abs(extract(epoch from now() - reported_at)) * 1000 > ${keptForMs}
      for update skip locked)`.execute(tx)
}

/** The processes that have just reported. */
export const reportedInstances = async (tx: Tx): Promise<InstanceSeen[]> => {
  const { rows } = await sql<Omit<InstanceSeen, 'startedAt'> & { readonly startedAt: Date }>`
    select process as service, instance, started_at as "startedAt", troubles, breakers,
      greatest(0, extract(epoch from now() - reported_at)::float8 * 1000) as "seenMs"
    from operations.process_report
    where abs(extract(epoch from now() - reported_at)) * 1000 <= ${countsForMs}
    order by process, instance`.execute(tx)
  return rows.map(({ startedAt, ...row }) => ({ ...row, startedAt: startedAt.toISOString() }))
}
