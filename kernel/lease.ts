// Who of several replicas does a job now: a row with an end on the database's clock. It saves work that others would do
// in vain; that nothing happens twice is the business of numbers and positions, not of this.
import { sql } from 'kysely'
import { startLoop } from './loop.ts'
import type { Database, Log } from './ports.ts'

export interface Lease {
  readonly name: string
  /** True while this replica may believe that no other one does the job. */
  held(): boolean
  /** Lets another replica have the job, if there is one, before this one asks for it again. */
  yield(): Promise<void>
  /** True from then on until this replica has asked for it again. */
  yielded(): boolean
  /** Gives the job away at once. */
  stop(): Promise<void>
}

export interface LeaseOptions {
  readonly database: Database
  readonly name: string
  readonly log: Log
  /** Called when this replica gets the job. */
  readonly gained: () => void
}

/** How long a holder that says nothing more keeps the job. */
const validMs = 3_000
const renewMs = 1_000
/** Every other replica asks once in this time. */
const yieldMs = 2 * renewMs

/**
 * True when the job is ours now: it was ours, or its holder let its time run out. An end further ahead than anybody may
 * claim is of a clock that was set back.
 */
const claim = ({ database, name }: LeaseOptions, holder: string): Promise<boolean> =>
  database.transaction('lease.claim', async (tx) => {
    // Losing this row in a crash means that another replica may take over sooner: no need to wait for the disk.
    await sql`set local synchronous_commit = off`.execute(tx)
    const { rows } = await sql`
      insert into ${sql.id(database.schema, 'lease')} as l (name, holder, until)
      values (${name}, ${holder}, clock_timestamp() + ${validMs} * interval '1 millisecond')
      on conflict (name) do update set holder = excluded.holder, until = excluded.until
      where l.holder = excluded.holder or l.until not between clock_timestamp() and excluded.until
      returning name`.execute(tx)
    return rows.length > 0
  })

const release = ({ database, name }: LeaseOptions, holder: string): Promise<void> =>
  database.transaction('lease.release', async (tx) => {
    await sql`delete from ${sql.id(database.schema, 'lease')} where name = ${name} and holder = ${holder}`.execute(tx)
  })

export const startLease = (options: LeaseOptions): Lease => {
  const holder = crypto.randomUUID()
  let believedUntil = -Infinity
  let yieldedUntil: number | null = null
  const held = () => performance.now() < believedUntil
  const loop = startLoop({
    name: `lease ${options.name}`,
    pollMs: renewMs,
    log: options.log,
    pass: async () => {
      if (yieldedUntil !== null && performance.now() < yieldedUntil) return 'idle'
      const asked = performance.now()
      const before = held()
      const ours = await claim(options, holder)
      believedUntil = ours ? asked + validMs : -Infinity
      yieldedUntil = null
      if (ours && !before) options.gained()
      return 'idle'
    },
  })
  // Whoever cannot say so any more is replaced when the time has run out.
  const giveUp = async () => {
    believedUntil = -Infinity
    await release(options, holder).catch(() => undefined)
  }
  return {
    name: options.name,
    held,
    yielded: () => yieldedUntil !== null,
    yield: () => {
      yieldedUntil = performance.now() + yieldMs
      return giveUp()
    },
    stop: async () => {
      await loop.stop()
      await giveUp()
    },
  }
}

const nothing = () => Promise.resolve()

/** Before the first claim has been answered. */
export const notYetHeld: Lease = {
  name: 'none',
  held: () => false,
  yield: nothing,
  yielded: () => false,
  stop: nothing,
}

/** For a process that is the only one by other means. */
export const alwaysHeld: Lease = {
  name: 'always',
  held: () => true,
  yield: nothing,
  yielded: () => false,
  stop: nothing,
}
