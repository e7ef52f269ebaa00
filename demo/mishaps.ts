// What goes wrong in a demo with --faults, so that the operations page has something to show: a bus that loses events for
// a while, and a program that says events which the ledger cannot believe.
import { sql } from 'kysely'
import type { Bus, Database, Random } from '../kernel/ports.ts'

export interface Mishaps {
  readonly bus: (bus: Bus) => Bus
  readonly database: (database: Database) => Database
  /** One more thing that goes wrong, or gets well again. */
  next(): Promise<void>
  /** The bus loses nothing any more; what it has lost is found by itself. */
  heal(): Promise<void>
}

const schema = 'task_tracker'

/** Says that somebody completed a task who did not: the ledger has paid another one for it, or will. */
const sayNonsense = (tracker: Database, at: Date): Promise<void> =>
  tracker.transaction('demo.nonsense', async (tx) => {
    await sql`
      insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id)
      select gen_random_uuid(), 'TaskCompleted', 1, t.id::text,
        jsonb_build_object('taskId', t.id, 'popugId', o.assignee), ${at}, 'demo-nonsense'
      from task_tracker.task t join task_tracker.task o on o.assignee <> t.assignee
      where t.state = 'completed' order by t.id desc, o.id desc limit 1`.execute(tx)
  })

export const mishaps = (random: Random): Mishaps => {
  let losing = false
  let tracker: Database | undefined
  return {
    bus: (bus) => ({
      publish: (batch) => (losing && batch.stream === 'task-tracker' ? Promise.resolve() : bus.publish(batch)),
      subscribe: (...given) => bus.subscribe(...given),
      close: () => bus.close(),
    }),
    database: (database) => {
      if (database.schema === schema) tracker = database
      return database
    },
    heal: () => {
      losing = false
      return Promise.resolve()
    },
    next: async () => {
      losing = !losing && random.integer(1, 2) === 1
      if (!losing && tracker && random.integer(1, 3) === 1) await sayNonsense(tracker, new Date())
    },
  }
}
