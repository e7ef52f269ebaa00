// The bus inside one process: hands batches to the subscribers at once.
import type { Bus } from '../../kernel/ports.ts'
import type { EventBatch } from '../../kernel/stream.ts'

export const localBus = (): Bus => {
  const subscribers = new Map<string, Set<(batch: EventBatch) => void>>()
  return {
    publish: (batch) => {
      for (const deliver of subscribers.get(batch.stream) ?? []) deliver(batch)
      return Promise.resolve()
    },
    subscribe: (stream, _reader, deliver) => {
      const own = subscribers.get(stream) ?? new Set()
      subscribers.set(stream, own.add(deliver))
      return Promise.resolve(() => {
        own.delete(deliver)
        return Promise.resolve()
      })
    },
    close: () => {
      subscribers.clear()
      return Promise.resolve()
    },
  }
}
