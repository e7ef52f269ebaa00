// What a reader does with each message: understand it, hand it on, and notice when heads run ahead of events.
import type { Log } from '../../kernel/ports.ts'
import type { EventBatch } from '../../kernel/stream.ts'
import { markHeader, type Marks } from './marking.ts'
import { unavailable } from './nats-connection.ts'
import { unpacked } from './packing.ts'

interface Message {
  string(): string
  readonly headers?: { get(name: string): string } | undefined
}

export interface Hearing {
  /** Called by the library in the middle of reading its socket: never throws. */
  readonly hear: (message: Message) => void
  readonly fail: (error: unknown) => void
  /** Rejects when what is heard says that the subscription is dead. */
  readonly failed: Promise<never>
}

export interface HearingOptions {
  readonly stream: string
  readonly reader: string
  readonly deliver: (batch: EventBatch) => void
  readonly marks?: Marks | undefined
  readonly log: Log
}

/** Heads beyond all that was brought, for this long without any event, mean that nothing is brought any more. */
const mostBehindMs = 5_000

/** Hands on nothing after `over`. */
export const hearing = ({ stream, reader, deliver, marks, log }: HearingOptions, over: AbortSignal): Hearing => {
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  failed.catch(() => undefined)
  let brought = -1
  let behindSince: number | null = null
  let warned = false

  const watch = ({ head, events }: EventBatch) => {
    const last = events.at(-1)
    // What was said before this session is not for it to bring.
    brought = last ? Math.max(brought, last.number) : brought < 0 ? head : brought
    behindSince = last || head <= brought ? null : (behindSince ?? performance.now())
    if (behindSince !== null && performance.now() - behindSince > mostBehindMs)
      fail(unavailable(`events up to ${head} were said, and only those up to ${brought} came`))
  }
  /** Events that nobody of ours has marked are no more than a word about where the stream ends: the log has them, or not. */
  const believed = (batch: EventBatch, text: string, mark: string): EventBatch => {
    if (!marks || batch.events.length === 0 || marks.isOurs(text, mark)) return batch
    if (!warned) log.warn({ stream, head: batch.head }, 'events without our mark: they are looked for in the log')
    warned = true
    return { ...batch, predecessor: null, events: [] }
  }
  const understand = (message: Message): EventBatch | null => {
    try {
      const text = message.string()
      const batch = unpacked(text)
      if (batch.stream === stream) {
        watch(batch)
        return believed(batch, text, message.headers?.get(markHeader) ?? '')
      }
      log.warn({ stream, claims: batch.stream }, 'a message of another stream was left out')
    } catch (error) {
      log.warn({ stream, err: error }, 'a message that is no batch of events was left out')
    }
    return null
  }
  const hear = (message: Message): void => {
    if (over.aborted) return
    const batch = understand(message)
    if (batch === null) return
    try {
      deliver(batch)
    } catch (error) {
      log.error({ stream, reader, err: error }, 'a reader failed on a batch')
    }
  }
  return { hear, fail, failed }
}
