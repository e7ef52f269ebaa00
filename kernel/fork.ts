// Notices that a producer's history is not the one that was applied, as after its database was restored, and stops the
// consumer until a person decides.
import type { Applying, Run } from './handle.ts'
import { keyOf } from './handle.ts'
import { lockPosition, type Position, setPositionState } from './position.ts'
import type { Tx } from './ports.ts'
import type { EventBatch } from './stream.ts'

/** Why this cannot continue what was applied, or null. Numbers alone cannot tell: ids are compared where both have one. */
export const findFork = (position: Position, { predecessor, events, head }: Run): string | null => {
  if (position.number === 0) return null
  const atPosition = events.find(({ number }) => number === position.number)?.eventId
  // Without events, what is named is the event at the head itself.
  const named = events[0] ? events[0].number - 1 : head
  const theirs = atPosition ?? (named === position.number ? predecessor : null)
  if (theirs === null || theirs === position.eventId) return null
  return `event ${position.number} was ${position.eventId} and is now ${theirs}`
}

/** A batch of another epoch than the position's says nothing of what comes next. */
export const isOfEpoch = (position: Position, { epoch = position.epoch }: Run): boolean => epoch === position.epoch

/** Why an answer of the producer's log, asked from the position on, cannot continue what was applied, or null. */
export const forkInLog = (position: Position, answer: EventBatch): string | null => {
  const { number, epoch } = position
  if (answer.epoch < epoch) return `the producer's log is of epoch ${answer.epoch}, after epoch ${epoch} was applied`
  if (answer.head < number)
    return `the producer's log ends at ${answer.head}, before event ${number}, which was applied`
  return findFork(position, answer)
}

export const markForked = async (applying: Applying, tx: Tx, position: Position, fork: string): Promise<Position> => {
  const key = keyOf(applying)
  await setPositionState(tx, key, 'forked', fork)
  applying.log.error({ ...key, fork }, 'the producer has another history, consumer stopped until a person decides')
  return { ...position, state: 'forked', reason: fork }
}

/** Stops the consumer because the producer contradicts `known`, unless somebody has decided about it meanwhile. */
export const stopForked = (applying: Applying, known: Position, fork: string): Promise<Position> =>
  applying.database.transaction('position.fork', async (tx) => {
    const position = await lockPosition(tx, keyOf(applying))
    const decided = position.state !== 'running' || position.epoch !== known.epoch
    return decided ? position : markForked(applying, tx, position, fork)
  })
