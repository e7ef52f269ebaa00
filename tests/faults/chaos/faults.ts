// Everything that chaos does to aTES. Each fault is done for real, lasts a drawn time, and resolves when it has ended.
import type { ConsumerInfo, JetStreamManager, Lister } from '@nats-io/jetstream'
import type { Proxy } from '../../nats/proxy.ts'
import type { OwnPostgres } from '../../servers/own-postgres.ts'
import type { Part } from '../distributed/deployment.ts'
import { moment, type Scene, waits } from './scene.ts'

/** Two faults at once do not concern the same thing. */
export type Concern = 'process' | 'broker' | 'database' | 'network'

export interface Fault {
  readonly does: string
  readonly to: Concern
  readonly by: (scene: Scene) => Promise<void>
}

const one = <Item>({ draw }: Scene, items: readonly Item[]): Item => items[draw(0, items.length - 1)] as Item

const somePart = (scene: Scene): Part => one(scene, scene.deployment.parts)
const someServer = (scene: Scene): OwnPostgres => one(scene, Object.values(scene.deployment.stage.ground.servers))

/** As whatever supervises services does: again and again, because what they need may be away at that moment. */
const startAgain = (scene: Scene, part: Part): Promise<void> =>
  waits(scene, `${part.name} starts`, () =>
    part.start().then(
      () => true,
      () => false,
    ),
  )

const killProcess = async (scene: Scene): Promise<void> => {
  const part = somePart(scene)
  await part.process.kill()
  await moment(scene, 0, 3_000)
  await startAgain(scene, part)
}

const freezeProcess = async (scene: Scene): Promise<void> => {
  const { process } = somePart(scene)
  process.signal('SIGSTOP')
  await moment(scene, 200, 6_000)
  process.signal('SIGCONT')
}

const killBroker =
  (wipe: boolean) =>
  async (scene: Scene): Promise<void> => {
    const { broker } = scene.deployment
    await broker.kill()
    if (wipe) await broker.wipe()
    await moment(scene, 0, 4_000)
    await broker.start()
  }

const freezeBroker = async (scene: Scene): Promise<void> => {
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

const endSessions = async (scene: Scene): Promise<void> =>
  someServer(scene).run(`select pg_terminate_backend(pid) from pg_stat_activity where usename like 'ates%'`)

const someLink = (scene: Scene): Proxy => one(scene, somePart(scene).links.every)

const cutAll = async (scene: Scene): Promise<void> => {
  for (const link of somePart(scene).links.every) link.cut()
}

const takeLinkAway = async (scene: Scene): Promise<void> => {
  const link = someLink(scene)
  await link.away()
  await moment(scene, 200, 4_000)
  await link.back()
}

const holdLink = async (scene: Scene): Promise<void> => {
  const link = someLink(scene)
  const way = scene.draw(0, 1) === 0 ? link.toServer : link.toClient
  way.hold()
  await moment(scene, 200, 4_000)
  way.release()
}

const loseOnLink = async (scene: Scene): Promise<void> => {
  const link = someLink(scene)
  const way = scene.draw(0, 1) === 0 ? link.toServer : link.toClient
  way.swallow()
  await moment(scene, 200, 3_000)
  link.cut()
  way.release()
}

export const faults: readonly Fault[] = [
  { does: 'kill -9 of a process', to: 'process', by: killProcess },
  { does: 'a process frozen', to: 'process', by: freezeProcess },
  { does: 'kill -9 of the broker', to: 'broker', by: killBroker(false) },
  { does: "the broker's storage wiped", to: 'broker', by: killBroker(true) },
  { does: 'the broker frozen', to: 'broker', by: freezeBroker },
  { does: 'a stream deleted', to: 'broker', by: damage((jsm, stream) => jsm.streams.delete(stream)) },
  { does: 'a stream purged', to: 'broker', by: damage((jsm, stream) => jsm.streams.purge(stream)) },
  { does: "a stream's consumers deleted", to: 'broker', by: damage(deleteConsumers) },
  {
    does: 'a database server restarted at once',
    to: 'database',
    by: (scene) => someServer(scene).restartImmediately(),
  },
  { does: 'a database server crashed', to: 'database', by: (scene) => someServer(scene).crash() },
  { does: 'all sessions of a database ended', to: 'database', by: endSessions },
  { does: 'all connections of a process cut', to: 'network', by: cutAll },
  { does: 'a link away', to: 'network', by: takeLinkAway },
  { does: 'what passes a link held back', to: 'network', by: holdLink },
  { does: 'what passes a link lost', to: 'network', by: loseOnLink },
]
