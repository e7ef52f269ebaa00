// What runs beside the watcher for alerts: a loop for each channel, the guard of the watcher, and the sign of life.
import { type Loop, startLoop } from '../../../kernel/loop.ts'
import type { Channel } from '../../../kernel/ports.ts'
import type { LoopContext } from '../../../kernel/service.ts'
import { deliverNext, forgetOld } from './deliver.ts'
import type { Telling } from './evaluate.ts'
import { guardOnce, guardRounds } from './guard.ts'
import { catalog } from './rules/catalog.ts'

export interface AlertParts {
  readonly channels: readonly Channel[]
  /** Says outside that the watcher makes its rounds; null when nobody listens. */
  readonly beat: (() => Promise<void>) | null
  /** Address of the pages, without a slash at the end. */
  readonly url: string
  readonly repeatMs: number
}

/** Alerts are judged and shown on the pages, and told to nobody else. */
export const toldToNobody: AlertParts = { channels: [], beat: null, url: '', repeatMs: 4 * 3_600_000 }

/** What the judging needs to know of the parts. */
export const tellingOf = ({ channels, url, repeatMs }: AlertParts): Telling => ({
  channels: channels.map(({ name }) => name),
  url,
  repeatMs,
})

const hourMs = 3_600_000
const guardMs = 5_000
const beatMs = 60_000
const beatAgainMs = 15_000

type Context = Omit<LoopContext, 'call' | 'turn'>

/** Every replica runs them: which message is whose to send, and which round was seen, is told by the database. */
export const alertLoops = (parts: AlertParts, context: Context): Loop[] => {
  const { log } = context
  const watched = { silentMs: Infinity }
  const loop = (name: string, pollMs: number, pass: () => Promise<'more' | 'idle'>) =>
    startLoop({ name, pollMs, log, pass })
  return [
    ...parts.channels.map((channel) => loop(`alerts by ${channel.name}`, 1_000, () => deliverNext(channel, context))),
    loop('guard of the watcher', guardMs, guardPass(parts, watched, context)),
    ...(parts.beat === null ? [] : [loop('sign of life', guardMs, beatPass(parts.beat, watched, context))]),
    loop('old alerts', hourMs, () => forgetOld(context)),
  ]
}

interface Watched {
  silentMs: number
}

const guardPass = (parts: AlertParts, watched: Watched, context: Context) => {
  const silenceOf = guardRounds(performance.now())
  return async (): Promise<'idle'> => {
    watched.silentMs = await guardOnce(silenceOf, performance.now(), tellingOf(parts), context)
    return 'idle'
  }
}

/** It says that the watcher works, not that this process does; whoever listens is alarmed when none comes in time. */
const beatPass = (beat: () => Promise<void>, watched: Watched, { log }: Context) => {
  let dueMs = -Infinity
  return async (): Promise<'idle'> => {
    if (performance.now() < dueMs || watched.silentMs > catalog.WatcherDead.threshold) return 'idle'
    const failed = await beat().catch((err: unknown) => ({ err }))
    if (failed) log.warn(failed, 'a sign of life was not taken')
    dueMs = performance.now() + (failed ? beatAgainMs : beatMs)
    return 'idle'
  }
}
