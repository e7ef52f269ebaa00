// One round of judging: what was observed, what was known, what changes, and what is to be said about it.
import type { Random, Tx } from '../../../kernel/ports.ts'
import type { Observation } from '../observation.ts'
import { conditionsIn, unseenIn } from './rules/conditions.ts'
import { type AlertState, judge, type Judged } from './rules/judge.ts'
import { type Links, wordsOf } from './rules/words.ts'
import {
  channelStates,
  dropAlerts,
  findAlerts,
  finishRound,
  insertDeliveries,
  lockRound,
  type NewDelivery,
  saveAlerts,
} from './store.ts'

/** How alerts are told. */
export interface Telling extends Links {
  /** Names of the channels there are. */
  readonly channels: readonly string[]
  /** How often an alert that stays is said again; milliseconds. */
  readonly repeatMs: number
}

export interface Evaluating {
  readonly tx: Tx
  readonly now: Date
  readonly random: Random
  readonly telling: Telling
}

/**
 * Judges what the watcher saw, and ends its round. Alerts, and what is to be said of them, are written together with
 * whatever else is in the transaction.
 */
export const evaluateAlerts = async (observation: Observation, evaluating: Evaluating): Promise<void> => {
  const { tx, now, telling } = evaluating
  const before = await lockRound(tx)
  const known = await findAlerts(tx)
  const channels = await channelStates(tx, telling.channels, now)
  const judged = judge(known, {
    at: now,
    sinceMs: before === null ? 0 : now.getTime() - before.getTime(),
    conditions: conditionsIn(observation, channels),
    unseen: unseenIn(observation),
    repeatMs: telling.repeatMs,
  })
  await keep(judged, evaluating)
  await finishRound(tx, now)
}

/** The watcher cannot say that it is dead. */
const isOfWatcher = ({ name }: Pick<AlertState, 'name'>): boolean => name === 'WatcherDead'

/** Raises the alert about the watcher, for whoever has seen that it makes no rounds; its next round clears it. */
export const raiseWatcherDead = async (silentMs: number, evaluating: Evaluating): Promise<void> => {
  const { tx, now, telling } = evaluating
  await lockRound(tx)
  const known = (await findAlerts(tx)).filter(isOfWatcher)
  const condition = {
    name: 'WatcherDead',
    about: 'the watcher',
    service: null,
    size: 0,
    details: { silentMs },
  } as const
  const { repeatMs } = telling
  await keep(judge(known, { at: now, sinceMs: 0, conditions: [condition], unseen: new Set(), repeatMs }), evaluating)
}

const keep = async ({ states, passed, changes }: Judged, { tx, now, random, telling }: Evaluating): Promise<void> => {
  if (states.length > 0) await saveAlerts(tx, states)
  if (passed.length > 0) await dropAlerts(tx, passed)
  const deliveries = changes.flatMap(({ change, state }) => {
    const message = { messageId: random.uuid(), ...wordsOf(change, state, now, telling) }
    return channelsFor(state, telling).map((channel): NewDelivery => ({ channel, ...message }))
  })
  if (deliveries.length > 0) await insertDeliveries(tx, deliveries, now)
}

/** That a channel is down is told to the others: to itself it could only be told when it is not true any more. */
const channelsFor = ({ name, about }: AlertState, { channels }: Telling): readonly string[] =>
  name === 'AlertChannelDown' ? channels.filter((channel) => channel !== about) : channels
