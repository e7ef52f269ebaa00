// Says what is to be said: one message after the other for each channel, until it was taken, by whichever replica.
import { describeError } from '../../../kernel/failure.ts'
import type { Channel, Random } from '../../../kernel/ports.ts'
import type { LoopContext } from '../../../kernel/service.ts'
import {
  type Claimed,
  claimDeliveries,
  type Failed,
  forgetAlerts,
  forgetDeliveries,
  markDelivered,
  markFailed,
} from './store.ts'

export type DeliveryContext = Pick<LoopContext, 'database' | 'clock' | 'random' | 'log'>

const second = 1_000
const day = 24 * 3_600 * second
/** Whoever has claimed a message and says nothing more for so long was killed; another replica tries. A try is shorter. */
const claimMs = 30 * second
const longestPauseMs = 300 * second
/** What nobody has taken for so long is of no use any more. */
const giveUpMs = 7 * day
const keptMs = 90 * day

const later = (from: Date, ms: number): Date => new Date(from.getTime() + ms)

/** Doubles from one second to five minutes; a random part of it keeps replicas and channels from trying in step. */
export const pauseMs = (tries: number, random: Random): number => {
  const most = Math.min(longestPauseMs, second * 2 ** Math.min(tries, 20))
  return random.integer(most / 2, most)
}

/** Tries the first message that waits for this channel. */
export const deliverNext = async (channel: Channel, context: DeliveryContext): Promise<'more' | 'idle'> => {
  const { database, clock } = context
  const claimed = await database.transaction('alerts.claim', async (tx) => {
    const now = await clock.now(tx)
    const claim = { now, until: later(now, claimMs), latest: later(now, longestPauseMs) }
    return claimDeliveries(tx, [channel.name], claim)
  })
  const [first] = claimed
  if (!first) return 'idle'
  const error = await attempt(channel, first)
  await database.transaction('alerts.tried', async (tx) => {
    const now = await clock.now(tx)
    await (error === null ? markDelivered(tx, [first], now) : markFailed(tx, [failed(first, error, now, context)], now))
  })
  return 'more'
}

const attempt = async (channel: Channel, { messageId, at, subject, text, body }: Claimed): Promise<string | null> => {
  try {
    await channel.send({ id: messageId, at, subject, text, body })
    return null
  } catch (error) {
    return describeError(error)
  }
}

const failed = ({ id, tries, at, subject }: Claimed, error: string, now: Date, context: DeliveryContext): Failed => {
  const givenUp = now.getTime() - at.getTime() >= giveUpMs
  const nextTryAt = later(now, pauseMs(tries, context.random))
  context.log.warn({ subject, tries, error, givenUp, nextTryAt }, 'an alert was not delivered')
  return { id, tries, error, nextTryAt, givenUp }
}

/** Forgets what was over long ago. */
export const forgetOld = ({ database, clock }: DeliveryContext): Promise<'idle'> =>
  database.transaction('alerts.forget', async (tx): Promise<'idle'> => {
    const before = later(await clock.now(tx), -keptMs)
    await forgetDeliveries(tx, before)
    await forgetAlerts(tx, before)
    return 'idle'
  })
