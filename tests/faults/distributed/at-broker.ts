// What the broker keeps of the task tracker's stream, read as anybody could who knows the form of its messages.
import { AckPolicy, DeliverPolicy, jetstream } from '@nats-io/jetstream'
import type { Broker } from '../../nats/broker.ts'

export const taskEvents = { stream: 'ates-task-tracker', subject: 'ates.task-tracker.events' }

/** All its messages, from the oldest. */
export const messagesOf = (broker: Broker): Promise<string[]> =>
  broker.manage(async (jsm, nc) => {
    const { state } = await jsm.streams.info(taskEvents.stream)
    const texts: string[] = []
    if (state.messages === 0) return texts
    const { name } = await jsm.consumers.add(taskEvents.stream, {
      deliver_policy: DeliverPolicy.All,
      ack_policy: AckPolicy.None,
    })
    const consumer = await jetstream(nc).consumers.get(taskEvents.stream, name)
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

/** Whether each event first came before all that have higher numbers, in messages from this place on. */
export const cameInOrder = (messages: readonly string[], from: number): boolean => {
  const numbers = messages
    .slice(from)
    .flatMap((text) => (JSON.parse(text) as Message).events.map(({ number }) => number))
  const first = [...new Set(numbers)]
  return first.every((number, place) => place === 0 || number > (first[place - 1] ?? 0))
}
