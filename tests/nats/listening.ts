// A subscriber that remembers which numbers came, and a producer for tests that need no database.
import { natsBus } from '../../adapters/bus/nats.ts'
import type { Bus, Log } from '../../kernel/ports.ts'
import { eventually } from '../support/eventually.ts'
import { HandMadeProducer } from '../support/fixture-producer.ts'
import { silent } from '../support/silent.ts'
import { prefix } from './stage.ts'

export const busAt = (url: string, log: Log = silent): Bus & AsyncDisposable => {
  const bus = natsBus({ url, prefix, replicas: 1, log })
  return { ...bus, [Symbol.asyncDispose]: bus.close }
}

export const producerOf = (events: number): HandMadeProducer => new HandMadeProducer('author').say(events)

export const listen = async (bus: Bus) => {
  const numbers: number[] = []
  let heads = 0
  await bus.subscribe('author', 'a.Listener', ({ events }) => {
    heads += events.length === 0 ? 1 : 0
    for (const { number } of events) numbers.push(number)
  })
  return {
    numbers,
    heads: () => heads,
    /** Every event has come, if need be several times. */
    all: (count: number, withinMs = 10_000) =>
      eventually(`${count} events`, () => numbers.length >= count && new Set(numbers).size >= count, withinMs),
  }
}
