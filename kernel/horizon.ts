// How long the oldest snapshot in the database has been open. Dead rows of the outbox stay until it ends.
import { sql } from 'kysely'
import type { Tx } from './ports.ts'

/** When a transaction id was seen to be the next one. */
interface Sample {
  readonly next: number
  readonly seenAt: number
}

const everyMs = 5_000
const mostSamples = 720

/**
 * Sessions of other roles hide since when they run, but not the oldest transaction that they still see. What this
 * process remembers of how transaction ids went on makes an age of that: at least so many milliseconds, 0 for none.
 */
export const snapshotAge = () => {
  const samples: Sample[] = []
  return async (tx: Tx): Promise<number> => {
    const { next, oldest } = await readHorizon(tx)
    const seenAt = performance.now()
    if (seenAt - (samples.at(-1)?.seenAt ?? -Infinity) >= everyMs) samples.push({ next, seenAt })
    if (samples.length > mostSamples) samples.shift()
    const passed = samples.find((sample) => sample.next > oldest)
    return passed ? seenAt - passed.seenAt : 0
  }
}

/** The next transaction id, and the oldest that a session of this database may still see as running. */
const readHorizon = async (tx: Tx): Promise<{ next: number; oldest: number }> => {
  const { rows } = await sql<{ next: number; held: number }>`
    select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next,
      coalesce((select max(greatest(age(backend_xmin), age(backend_xid))) from pg_stat_activity
        where datname = current_database() and usename is not null and pid <> pg_backend_pid()), 0) as held`.execute(tx)
  const { next, held } = rows[0] ?? { next: 0, held: 0 }
  return { next, oldest: next - held }
}
