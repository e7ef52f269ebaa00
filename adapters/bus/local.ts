// The bus inside one process: hands batches to the subscribers at once.
import type { Bus, Log } from '../../kernel/ports.ts'
import { Fault } from '../../kernel/result.ts'
import type { EventBatch } from '../../kernel/stream.ts'

interface Subscriber {
  readonly reader: string
  readonly deliver: (batch: EventBatch) => void
}

const closedBus = () => Promise.reject(new Fault('unavailable', 'the bus is closed'))

/** `log` hears of readers that failed on a batch, which is their bug and nobody else's trouble. */
export const localBus = (log?: Log): Bus => {
  const subscribers = new Map<string, Set<Subscriber>>()
  let closed = false

  const hand = ({ reader, deliver }: Subscriber, batch: EventBatch) => {
    try {
      deliver(batch)
    } catch (error) {
      log?.error({ stream: batch.stream, reader, err: error }, 'a reader failed on a batch')
    }
  }
  return {
    publish: (batch) => {
      if (closed) return closedBus()
      for (const subscriber of subscribers.get(batch.stream) ?? []) hand(subscriber, batch)
      return Promise.resolve()
    },
    subscribe: (stream, reader, deliver) => {
      if (closed) return closedBus()
      const own = subscribers.get(stream) ?? new Set()
      const subscriber = { reader, deliver }
      subscribers.set(stream, own.add(subscriber))
      return Promise.resolve(() => {
        own.delete(subscriber)
        return Promise.resolve()
      })
    },
    close: () => {
      closed = true
      subscribers.clear()
      return Promise.resolve()
    },
  }
}
