// What goes wrong seldom, put into the databases as it would stand there: an event set aside, an act that waits.
import { eventually } from './eventually.ts'
import type { TestDatabase } from './server.ts'

/** The number of the event that `plantParked` sets aside, in the stream of the task tracker. */
export const parkedNumber = 4_001

/** Sets an event aside that accounting's ledger could not apply, and waits until operations has seen accounting. */
export const plantParked = async ({ query }: TestDatabase): Promise<void> => {
  await query(
    `insert into accounting.parked (consumer, stream, number, event_id, type, version, about, data, at,
       request_id, error, fingerprint, attempts, parked_at)
     values ('ledger', 'task-tracker', $1, gen_random_uuid(), 'TaskAssigned', 1, '1', '{}', now(), 'r', 'e', 'abc', 3, now())`,
    [parkedNumber],
  )
  await eventually('operations has seen accounting', async () => {
    const [watch] = await query<{ seen: boolean }>(
      `select observation::text like '%"ledger"%' as seen from operations.watch`,
    )
    return watch?.seen
  })
}

/** Gives the number of an act that waits for a service that does not answer, and so can be cancelled. */
export const plantAct = async ({ query }: TestDatabase, requestedBy: number): Promise<number> => {
  const [act] = await query<{ id: number }>(
    `insert into operations.act (kind, service, consumer, input, requested_by, requested_at)
     values ('resume', 'nowhere', 'ledger-' || $1, '{}', $1::int, now()) returning id`,
    [requestedBy],
  )
  if (!act) throw new Error('no act was planted')
  return act.id
}
