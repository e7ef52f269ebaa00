// ChargeOnTaskAssigned and PayOnTaskCompleted: what happens to tasks becomes money, each event once.
import { RepeatableFailure } from '../../kernel/failure.ts'
import { lastPerKey } from '../../kernel/fold.ts'
import { type Consumer, type ConsumerContext, type Delivered, on } from '../../kernel/service.ts'
import { taskTracker } from '../task-tracker/contract.ts'
import { businessDay, dayBegins } from './rules/days.ts'
import { type Basis, fees, type Posting, rewards } from './rules/postings.ts'
import { drawPrices, type Price } from './rules/prices.ts'
import {
  beginDay,
  conflictingPostings,
  daysOf,
  findPrices,
  insertPostings,
  insertPrices,
  lockLedger,
  noteLate,
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
    .flatMap(({ data, number, at }) =>
      drawPrices([data.taskId], random.integer).map((price) => ({ ...price, number, at })),
    )
  if (drawn.length > 0 && replaying) {
    throw new RepeatableFailure(`the price of task ${drawn.map(({ taskId }) => taskId).join(', ')} is lost`)
  }
  if (drawn.length > 0) await insertPrices(tx, stream, drawn)
  return new Map([...known, ...drawn].map((price) => [price.taskId, price]))
}

/** Opens today when its first event comes, and books late events on the open day. A replay only reads what was decided. */
const bookDays = async (
  numbers: readonly number[],
  timeZone: string,
  context: ConsumerContext,
): Promise<Map<number, string>> => {
  const { tx, now, stream, applied, replaying } = context
  if (!replaying) {
    const open = await lockLedger(tx)
    const today = businessDay(now, timeZone)
    if (dayBegins(open, today)) await beginDay(tx, stream, today, applied + 1, now)
    const late = numbers.filter((number) => number <= applied)
    if (late.length > 0) await noteLate(tx, stream, late, dayBegins(open, today) ? today : (open ?? today))
  }
  return daysOf(tx, stream, numbers)
}

const basisFor = async (events: readonly TaskEvent[], timeZone: string, context: ConsumerContext): Promise<Basis> => {
  const numbers = events.map(({ number }) => number)
  return { dayOf: await bookDays(numbers, timeZone, context), priceOf: await keepPrices(events, context) }
}

/** The same business key with the same content was written before; with another content somebody must look at it. */
const post = async (postings: readonly Posting[], { tx, derived, stream }: ConsumerContext): Promise<void> => {
  const written = await insertPostings(tx, derived, stream, postings)
  if (written === postings.length) return
  const conflicting = await conflictingPostings(tx, derived, stream, postings)
  if (conflicting.length > 0)
    throw new RepeatableFailure(`the ledger says otherwise about event ${conflicting.join(', ')}`)
}

const chargeOnTaskAssigned = (timeZone: string) =>
  on('ChargeOnTaskAssigned', [taskTracker.taskAssigned], async (events, context) =>
    post(fees(events, await basisFor(events, timeZone, context)), context),
  )

const payOnTaskCompleted = (timeZone: string) =>
  on('PayOnTaskCompleted', [taskTracker.taskCompleted], async (events, context) =>
    post(rewards(events, await basisFor(events, timeZone, context)), context),
  )

/** Both share one position, so that the ledger stands at one number. They commute: lines are ordered by event. */
export const ledger = (timeZone: string): Consumer => ({
  name: 'ledger',
  stream: 'task-tracker',
  subscriptions: [chargeOnTaskAssigned(timeZone), payOnTaskCompleted(timeZone)],
  // In the order in which questions touch them, so that a swap and a reader do not wait for each other.
  derived: ['account', 'account_day', 'posting'],
})
