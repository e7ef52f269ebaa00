// Decorators of the ports, with which tests lose, repeat, delay and break what passes through them.
import type { Bus, Database } from '../../kernel/ports.ts'
import type { EventBatch } from '../../kernel/stream.ts'
import { generator } from './random.ts'

/** Does `interfere` in place of each transaction of this name; `run` is the transaction itself. */
export const onTransaction = (
  database: Database,
  name: string,
  interfere: <T>(run: () => Promise<T>) => Promise<T>,
): Database => ({
  ...database,
  transaction: (called, work, options) => {
    const run = () => database.transaction(called, work, options)
    return called === name ? interfere(run) : run()
  },
})

/** The transaction's work is done and then undone: `fault` says with what, or null to leave it alone. */
export const abortingAt = (database: Database, name: string, fault: () => Error | null): Database => ({
  ...database,
  transaction: (called, work, options) =>
    database.transaction(
      called,
      async (tx) => {
        const result = await work(tx)
        const error = called === name ? fault() : null
        if (error) throw error
        return result
      },
      options,
    ),
})

/** Does `interfere` in place of each publish. */
export const onPublish = (
  bus: Bus,
  interfere: (batch: EventBatch, publish: () => Promise<void>) => Promise<void>,
): Bus => ({
  ...bus,
  publish: (batch) => interfere(batch, () => bus.publish(batch)),
})

/** Cuts a batch in two, each naming its own predecessor, as a bus may that packs events into messages. */
export const cutBatch = (batch: EventBatch, at: number): EventBatch[] => {
  const before = batch.events[at - 1]
  if (!before) return [batch]
  return [
    { ...batch, events: batch.events.slice(0, at) },
    { ...batch, predecessor: before.eventId, events: batch.events.slice(at) },
  ]
}

/** Each subscriber loses a fifth of the batches, gets a fifth twice, parts of others, and all of them shuffled. */
export const lossyBus = (bus: Bus, seed: number): Bus => {
  const next = generator(seed)
  const roll = (sides: number) => Math.floor(next() * sides)
  const lossy = (deliver: (batch: EventBatch) => void) => {
    const late: EventBatch[] = []
    return (batch: EventBatch) => {
      const copies = [0, 2, 1, 1, 1][roll(5)] ?? 1
      for (let copy = 0; copy < copies; copy += 1) late.push(...cutBatch(batch, roll(batch.events.length + 1)))
      while (late.length > roll(6)) for (const one of late.splice(roll(late.length), 1)) deliver(one)
    }
  }
  return { ...bus, subscribe: (stream, reader, deliver) => bus.subscribe(stream, reader, lossy(deliver)) }
}
