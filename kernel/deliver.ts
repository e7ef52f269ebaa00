// Applies events by hand that somebody fetched from the producer's log, as the reader would: what is there already is
// dropped, what is parked is tried again, what follows the position is applied, what lies beyond a gap is left.
import { applyRun } from './apply.ts'
import { findFork } from './fork.ts'
import { type Applying, keyOf, knownPart, waitingFor } from './handle.ts'
import { type Decider, parkedAmong, type ParkedEvent, retryParked } from './parked.ts'
import { lockPosition, openPosition, type Position } from './position.ts'
import type { Tx } from './ports.ts'
import { databaseInside, rehearsed, unheard } from './savepoint.ts'
import type { Delivery } from './standard.ts'
import type { EventBatch, EventRecord } from './stream.ts'

export interface Delivered {
  readonly outcomes: Delivery[]
  /** Where the consumer stands afterwards. */
  readonly position: number
}

/**
 * Delivers a batch of consecutive events in the caller's transaction, under the position's lock; again it changes
 * nothing more. Says what becomes of each event. Throws what may pass by itself.
 */
export const deliver = async (applying: Applying, tx: Tx, batch: EventBatch, decider: Decider): Promise<Delivered> => {
  const key = keyOf(applying)
  await openPosition(tx, key)
  const position = await lockPosition(tx, key)
  const fork = otherEpoch(position, batch) ?? findFork(position, batch)
  if (fork !== null) return { outcomes: all(batch.events, 'contradicts', fork), position: position.number }
  const known = await parkedAmong(tx, key, batch.events)
  const outcomes: Delivery[] = []
  for (const event of batch.events.filter(({ number }) => number <= position.number)) {
    outcomes.push(await deliverAgain(applying, tx, event, known.get(event.number), decider))
  }
  const fresh = await deliverFresh(applying, tx, batch, position)
  return { outcomes: [...outcomes, ...fresh.outcomes], position: fresh.position }
}

const otherEpoch = (position: Position, { epoch }: EventBatch): string | null =>
  epoch === position.epoch ? null : `the log is of epoch ${epoch} and the consumer at epoch ${position.epoch}`

/** Says what a delivery would do: it is done, and undone. */
export const rehearseDelivery = (applying: Applying, tx: Tx, batch: EventBatch, decider: Decider): Promise<Delivered> =>
  rehearsed(tx, () => deliver({ ...applying, log: unheard }, tx, batch, decider))

const outcome = ({ number }: EventRecord, what: Delivery['outcome'], detail?: string): Delivery =>
  detail === undefined ? { number, outcome: what } : { number, outcome: what, detail }

const all = (events: readonly EventRecord[], what: Delivery['outcome'], detail: string): Delivery[] =>
  events.map((event) => outcome(event, what, detail))

/** An event that the position has passed. */
const deliverAgain = async (
  applying: Applying,
  tx: Tx,
  event: EventRecord,
  known: ParkedEvent | undefined,
  decider: Decider,
): Promise<Delivery> => {
  if (!known) return outcome(event, 'already')
  if (known.eventId !== event.eventId) {
    return outcome(event, 'contradicts', `event ${event.number} was ${known.eventId} when it was parked`)
  }
  if (known.state === 'discarded') return outcome(event, 'discarded', known.reason ?? '')
  if (known.state === 'applied') return outcome(event, 'already')
  const result = await retryParked(applying, tx, event.number, decider)
  return result === 'applied' ? outcome(event, 'was_parked_now_applied') : outcome(event, 'still_parked', result)
}

/** The events after the position, by the reader's own way, each of whose transactions is a step of this one. */
const deliverFresh = async (applying: Applying, tx: Tx, batch: EventBatch, position: Position): Promise<Delivered> => {
  const first = batch.events.findIndex(({ number }) => number > position.number)
  const fresh = first < 0 ? [] : batch.events.slice(first)
  const stopped = whyNot(position, fresh)
  if (stopped !== null) return { outcomes: all(fresh, 'beyond', stopped), position: position.number }
  const predecessor = batch.events[first - 1]?.eventId ?? batch.predecessor
  const { known, unknown } = knownPart(applying.consumer, { predecessor, events: fresh })
  const inside = { ...applying, database: databaseInside(applying.database, tx) }
  const moved = known.events.length > 0 ? await applyRun(inside, known) : position
  const parked = await parkedAmong(tx, keyOf(applying), fresh)
  const beyond = moved.reason ?? (unknown ? waitingFor(unknown) : '')
  const outcomes = fresh.map((event) => {
    if (event.number > moved.number) return outcome(event, 'beyond', beyond)
    const error = parked.get(event.number)?.error
    return error === undefined ? outcome(event, 'applied') : outcome(event, 'parked', error)
  })
  return { outcomes, position: moved.number }
}

/** Why these cannot be applied now; null when they can, or when there are none. */
const whyNot = ({ state, reason, number }: Position, [first]: readonly EventRecord[]): string | null => {
  if (!first) return 'nothing is new'
  if (first.number > number + 1) return `the events from ${number + 1} to ${first.number - 1} are missing`
  return state === 'running' ? null : `the consumer is ${state}: ${reason ?? ''}`
}
