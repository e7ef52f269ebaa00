// What nobody of us would say, published by somebody who can write to the broker.
import type { EventBatch, EventRecord } from '../../../kernel/stream.ts'
import { headers } from '@nats-io/transport-node'
import { markHeader, type Marks } from '../../../adapters/bus/marking.ts'
import type { Broker } from '../../nats/broker.ts'
import type { Stage } from '../stage.ts'
import { taskEvents } from './at-broker.ts'

export interface Place {
  readonly number: number
  readonly eventId: string
}

/** The last event of the task tracker that the ledger has applied. */
export const ledgerPlace = async ({ query }: Pick<Stage, 'query'>): Promise<Place & { readonly state: string }> => {
  const [row] = await query<Place & { readonly state: string }>(
    `select number::int, event_id as "eventId", state from accounting.position where consumer = 'ledger'`,
  )
  if (!row) throw new Error('the ledger has no position')
  return row
}

/** An assignment that never was: it would cost a popug the fee of a task once more. */
export const forgedEvent = (number: number, data: { taskId: number; popugId: number }): EventRecord => ({
  number,
  eventId: crypto.randomUUID(),
  type: 'TaskAssigned',
  version: 1,
  about: String(data.taskId),
  data: { ...data, assignment: 9_000 + number },
  at: new Date().toISOString(),
  requestId: 'forged',
  actor: null,
})

export const batchOf = (predecessor: string, head: number, ...events: readonly EventRecord[]): EventBatch => ({
  stream: 'task-tracker',
  epoch: 1,
  head,
  predecessor,
  events: [...events],
})

export type Forged = EventBatch | string

/** Publishes as somebody of ours who has the key, or as a stranger who has none. Resolves when the broker has read it. */
export const publishForged = (broker: Broker, marks: Marks | null, ...said: readonly Forged[]): Promise<void> =>
  broker.manage(async (_jsm, nc) => {
    for (const one of said) {
      const text = typeof one === 'string' ? one : JSON.stringify(one)
      const isHead = typeof one !== 'string' && one.events.length === 0
      const how = headers()
      if (marks) how.set(markHeader, marks.of(text))
      nc.publish(isHead ? taskHeads : taskEvents.subject, text, { headers: how })
    }
    await nc.flush()
  })

const taskHeads = 'ates.task-tracker.heads'
