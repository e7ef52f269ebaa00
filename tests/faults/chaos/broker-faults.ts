// The broker dies and hangs, loses what it keeps, and says again what it has said.
import { type ConsumerInfo, jetstream, type JetStreamManager, type Lister } from '@nats-io/jetstream'
import { taskEvents } from '../distributed/at-broker.ts'
import { type Fault, one } from './fault.ts'
import { moment, type Scene, waits } from './scene.ts'

const kill =
  (wipe: boolean) =>
  async (scene: Scene): Promise<void> => {
    const { broker } = scene.deployment
    await broker.kill()
    if (wipe) await broker.wipe()
    await moment(scene, 0, 4_000)
    await broker.start()
  }

const freeze = async (scene: Scene): Promise<void> => {
  scene.deployment.broker.freeze()
  await moment(scene, 200, 5_000)
  scene.deployment.broker.wake()
}

const listed = async <Item>(lister: Lister<Item>): Promise<Item[]> => {
  const items: Item[] = []
  for await (const item of lister) items.push(item)
  return items
}

/** A broker that was just started may have no streams yet, and another fault may hold it. */
const damage =
  (work: (jsm: JetStreamManager, stream: string) => Promise<unknown>) =>
  (scene: Scene): Promise<void> =>
    waits(scene, 'a stream is there', () =>
      scene.deployment.broker
        .manage(async (jsm) => {
          const streams = await listed(jsm.streams.list())
          if (streams.length > 0) await work(jsm, one(scene, streams).config.name)
          return streams.length > 0
        })
        .catch(() => false),
    )

const deleteConsumers = async (jsm: JetStreamManager, stream: string): Promise<void> => {
  const consumers: ConsumerInfo[] = await listed(jsm.consumers.list(stream))
  for (const { name } of consumers) await jsm.consumers.delete(stream, name)
}

/** So many messages come again, some of them several times. */
const storm = 200

/** With all that makes them ours, as if the broker brought them again. */
const repeatMessages = (scene: Scene): Promise<void> =>
  waits(scene, 'messages come again', () =>
    scene.deployment.broker
      .manage(async (jsm, nc) => {
        const { state } = await jsm.streams.info(taskEvents.stream)
        if (state.messages === 0) return false
        const from = Math.max(state.first_seq, state.last_seq - storm)
        for (let sent = 0; sent < storm; sent += 1) {
          const message = await jsm.streams.getMessage(taskEvents.stream, { seq: scene.draw(from, state.last_seq) })
          if (!message) continue
          await jetstream(nc).publish(taskEvents.subject, message.data, { headers: message.header })
        }
        return true
      })
      .catch(() => false),
  )

export const brokerFaults: readonly Fault[] = [
  { does: 'kill -9 of the broker', to: 'broker', by: kill(false) },
  { does: "the broker's storage wiped", to: 'broker', by: kill(true) },
  { does: 'the broker frozen', to: 'broker', by: freeze },
  { does: 'a stream deleted', to: 'broker', by: damage((jsm, stream) => jsm.streams.delete(stream)) },
  { does: 'a stream purged', to: 'broker', by: damage((jsm, stream) => jsm.streams.purge(stream)) },
  { does: "a stream's consumers deleted", to: 'broker', by: damage(deleteConsumers) },
  { does: 'messages of the broker said again', to: 'broker', by: repeatMessages },
]
