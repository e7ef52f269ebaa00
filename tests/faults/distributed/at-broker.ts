// What the broker keeps of a service's stream, read as anybody could who knows the form of its messages.
import assert from 'node:assert/strict'
import { AckPolicy, DeliverPolicy, jetstream } from '@nats-io/jetstream'
import type { ServiceName } from '../../../config.ts'
import type { Broker } from '../../nats/broker.ts'
import type { Query } from '../embedded-database.ts'

const streamOf = (service: ServiceName): string => `ates-${service}`

export const taskEvents = { stream: streamOf('task-tracker'), subject: 'ates.task-tracker.events' }

/** All its messages, from the oldest. */
export const messagesOf = (broker: Broker, service: ServiceName = 'task-tracker'): Promise<string[]> =>
  broker.manage(async (jsm, nc) => {
    const stream = streamOf(service)
    const { state } = await jsm.streams.info(stream)
    const texts: string[] = []
    if (state.messages === 0) return texts
    const { name } = await jsm.consumers.add(stream, {
      deliver_policy: DeliverPolicy.All,
      ack_policy: AckPolicy.None,
    })
    const consumer = await jetstream(nc).consumers.get(stream, name)
    for (let left = state.messages; left > 0; left = state.messages - texts.length) {
      const page = await consumer.fetch({ max_messages: Math.min(left, 1_000), expires: 2_000 })
      for await (const message of page) texts.push(message.string())
    }
    await consumer.delete()
    return texts
  })

interface Message {
  readonly events: readonly { readonly number: number }[]
}

const numbersIn = (messages: readonly string[]): number[] =>
  messages.flatMap((text) => (JSON.parse(text) as Message).events.map(({ number }) => number))

/** How often each event of a service, from this number to the last that came, has come to the broker. */
export const copiesAt = async (broker: Broker, service: ServiceName, from: number): Promise<number[]> => {
  const copies: number[] = []
  for (const number of numbersIn(await messagesOf(broker, service)))
    if (number >= from) copies[number - from] = (copies[number - from] ?? 0) + 1
  return Array.from(copies, (times) => times ?? 0)
}

/** Whatever has a number has come to the broker, and so may come from there. */
export const assertAllAtBroker = async (broker: Broker, query: Query): Promise<void> => {
  for (const [service, schema] of [
    ['identity', 'identity'],
    ['task-tracker', 'task_tracker'],
  ] as const) {
    const [stream] = await query(`select head::int from ${schema}.stream`)
    const copies = await copiesAt(broker, service, 1)
    assert.equal(copies.length, stream?.['head'], `the last event of ${service} is not at the broker`)
    assert.ok(
      copies.every((times) => times > 0),
      `events of ${service} are not at the broker: ${copies.join()}`,
    )
  }
}

/** Whether each event first came before all that have higher numbers, in messages from this place on. */
export const cameInOrder = (messages: readonly string[], from: number): boolean => {
  const first = [...new Set(numbersIn(messages.slice(from)))]
  return first.every((number, place) => place === 0 || number > (first[place - 1] ?? 0))
}
