// What a reader does with each message: understand it, hand it on, and notice when heads run ahead of events.
import type { Log } from '../../kernel/ports.ts'
import type { EventBatch } from '../../kernel/stream.ts'
import { unavailable } from './nats-connection.ts'
import { unpacked } from './packing.ts'

export interface Hearing {
  /** Called by the library in the middle of reading its socket: never throws. */
  readonly hear: (message: { string(): string }) => void
  readonly fail: (error: unknown) => void
  /** Rejects when what is heard says that the subscription is dead. */
  readonly failed: Promise<never>
}

export interface HearingOptions {
  readonly stream: string
  readonly reader: string
  readonly deliver: (batch: EventBatch) => void
  readonly log: Log
}

/** Heads beyond all that was brought, for this long without any event, mean that nothing is brought any more. */
const mostBehindMs = 5_000

/** Hands on nothing after `over`. */
export const hearing = ({ stream, reader, deliver, log }: HearingOptions, over: AbortSignal): Hearing => {
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  failed.catch(() => undefined)
  let brought = -1
  let behindSince: number | null = null

  const watch = ({ head, events }: EventBatch) => {
    const last = events.at(-1)
    // What was said before this session is not for it to bring.
    brought = last ? Math.max(brought, last.number) : brought < 0 ? head : brought
    behindSince = last || head <= brought ? null : (behindSince ?? performance.now())
    if (behindSince !== null && performance.now() - behindSince > mostBehindMs)
      fail(unavailable(`events up to ${head} were said, and only those up to ${brought} came`))
  }
  const understand = (message: { string(): string }): EventBatch | null => {
    try {
      const batch = unpacked(message.string())
      if (batch.stream === stream) return batch
      log.warn({ stream, claims: batch.stream }, 'a message of another stream was left out')
    } catch (error) {
      log.warn({ stream, err: error }, 'a message that is no batch of events was left out')
    }
    return null
  }
  const hear = (message: { string(): string }): void => {
    if (over.aborted) return
    const batch = understand(message)
    if (batch === null) return
    watch(batch)
    try {
      deliver(batch)
    } catch (error) {
      log.error({ stream, reader, err: error }, 'a reader failed on a batch')
    }
  }
  return { hear, fail, failed }
}
