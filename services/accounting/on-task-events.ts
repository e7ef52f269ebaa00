// ChargeOnTaskAssigned and PayOnTaskCompleted: what happens to tasks becomes money, each event once.
import { isDuplicate, RepeatableFailure } from '../../kernel/failure.ts'
import { lastPerKey } from '../../kernel/fold.ts'
import { inSavepoint } from '../../kernel/savepoint.ts'
import { type Consumer, type ConsumerContext, type Delivered, on } from '../../kernel/service.ts'
import { taskTracker } from '../task-tracker/contract.ts'
import { businessDay, dayBegins } from './rules/days.ts'
import { type Basis, fees, type Posting, rewards } from './rules/postings.ts'
import { drawPrices, type Price } from './rules/prices.ts'
import { eventsOfPostings } from './store/effects.ts'
import { bookedEvents, keepLostPostings } from './store/lost-history.ts'
import {
  beginDay,
  conflictingPostings,
  daysOf,
  findPrices,
  insertPostings,
  insertPrices,
  lockLedger,
  noteLate,
  noteTakeovers,
  type Place,
} from './store.ts'

type TaskEvent = Delivered<typeof taskTracker.taskAssigned> | Delivered<typeof taskTracker.taskCompleted>

/** Prices of the tasks of these events; those that are heard of for the first time are drawn and kept. */
const keepPrices = async (
  events: readonly TaskEvent[],
  { tx, random, stream, replaying }: ConsumerContext,
): Promise<Map<number, Price>> => {
  const firstOfTask = lastPerKey(events.toReversed(), ({ data }) => data.taskId)
  const known = await findPrices(
    tx,
    firstOfTask.map(({ data }) => data.taskId),
  )
  const knownIds = new Set(known.map(({ taskId }) => taskId))
  const drawn = firstOfTask
    .filter(({ data }) => !knownIds.has(data.taskId))
    .flatMap(({ data, epoch, number, at }) =>
      drawPrices([data.taskId], random.integer).map((price) => ({ ...price, epoch, number, at })),
    )
  if (drawn.length > 0 && replaying) {
    throw new RepeatableFailure(`the price of task ${drawn.map(({ taskId }) => taskId).join(', ')} is lost`)
  }
  if (drawn.length > 0) await insertPrices(tx, stream, drawn)
  return new Map([...known, ...drawn].map((price) => [price.taskId, price]))
}

/** Opens today when its first event comes, and books late events on the open day. A replay only reads what was decided. */
const bookDays = async (
  events: readonly Place[],
  timeZone: string,
  context: ConsumerContext,
): Promise<Map<number, string>> => {
  const { tx, now, stream, epoch, applied, late, replaying } = context
  if (!replaying) {
    const open = await lockLedger(tx)
    const today = businessDay(now, timeZone)
    if (dayBegins(open, today)) await beginDay(tx, stream, today, { epoch, number: applied + 1 }, now)
    if (late) await noteLate(tx, stream, events, dayBegins(open, today) ? today : (open ?? today))
  }
  return daysOf(tx, stream, events)
}

const basisFor = async (events: readonly TaskEvent[], timeZone: string, context: ConsumerContext): Promise<Basis> => ({
  dayOf: await bookDays(events, timeZone, context),
  priceOf: await keepPrices(events, context),
})

/** Nearly always all are new; to look for each one before it is written costs half as much again. */
const areWrittenAsNew = async (
  postings: readonly Posting[],
  { tx, derived, stream }: ConsumerContext,
): Promise<boolean> => {
  try {
    await inSavepoint(tx, () => insertPostings(tx, derived, stream, postings, 'fails'))
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

/**
 * The same business key with the same content was written before, perhaps by an event of a lost history; with another
 * content somebody must look at it.
 */
const post = async (postings: readonly Posting[], context: ConsumerContext): Promise<void> => {
  if (await areWrittenAsNew(postings, context)) return
  const { tx, derived, stream } = context
  await insertPostings(tx, derived, stream, postings, 'is left out')
  const conflicting = await conflictingPostings(tx, derived, stream, postings)
  if (conflicting.length > 0)
    throw new RepeatableFailure(`the ledger says otherwise about event ${conflicting.join(', ')}`)
  await noteTakeovers(tx, derived, stream, postings)
}

const chargeOnTaskAssigned = (timeZone: string) =>
  on('ChargeOnTaskAssigned', [taskTracker.taskAssigned], async (events, context) =>
    post(fees(events, await basisFor(events, timeZone, context)), context),
  )

const payOnTaskCompleted = (timeZone: string) =>
  on('PayOnTaskCompleted', [taskTracker.taskCompleted], async (events, context) =>
    post(rewards(events, await basisFor(events, timeZone, context)), context),
  )

/** Each posting is there because of an event of this type. */
const typeOfKind = { fee: taskTracker.taskAssigned.name, reward: taskTracker.taskCompleted.name } as const

/** Both share one position, so that the ledger stands at one number. They commute: lines are ordered by event. */
export const ledger = (timeZone: string): Consumer => ({
  name: 'ledger',
  stream: 'task-tracker',
  subscriptions: [chargeOnTaskAssigned(timeZone), payOnTaskCompleted(timeZone)],
  // In the order in which questions touch them, so that a swap and a reader do not wait for each other.
  derived: ['account', 'account_day', 'posting', 'takeover'],
  effects: {
    types: [
      { type: taskTracker.taskAssigned.name, fields: ['taskId', 'popugId', 'assignment'] },
      { type: taskTracker.taskCompleted.name, fields: ['taskId', 'popugId'] },
    ],
    told: (after, upTo) => eventsOfPostings('task-tracker', typeOfKind, after, upTo),
  },
  otherHistory: { goesOn: 'after what is known', known: bookedEvents, keepLost: keepLostPostings },
})
