// What passes between processes, databases and the broker is cut, held back, lost or slow.
import type { Proxy } from '../../nats/proxy.ts'
import { type Fault, one, somePart } from './fault.ts'
import { moment, type Scene } from './scene.ts'

/** One of those over which anything ever went; the others could be away for ever. */
const used = (scene: Scene, links: readonly Proxy[]): Proxy =>
  one(
    scene,
    links.filter((link) => link.connections() > 0),
  )

const someLink = (scene: Scene): Proxy => used(scene, somePart(scene).links.every)

const someCalls = (scene: Scene): Proxy =>
  used(
    scene,
    scene.deployment.parts.flatMap(({ links }) => Object.values(links.services)),
  )

const someWay = ({ draw }: Scene, link: Proxy) => (draw(0, 1) === 0 ? link.toServer : link.toClient)

const cutAll = async (scene: Scene): Promise<void> => {
  for (const link of somePart(scene).links.every) link.cut()
}

const takeAway = async (scene: Scene): Promise<void> => {
  const link = someLink(scene)
  await link.away()
  await moment(scene, 200, 4_000)
  await link.back()
}

const hold = async (scene: Scene): Promise<void> => {
  const way = someWay(scene, someLink(scene))
  way.hold()
  await moment(scene, 200, 4_000)
  way.release()
}

const lose = async (scene: Scene, link: Proxy, way = someWay(scene, link)): Promise<void> => {
  way.swallow()
  await moment(scene, 200, 3_000)
  link.cut()
  way.release()
}

/** Longer than those who call have time, mostly; then the calls arrive, and are answered for nobody. */
const hangCalls = async (scene: Scene): Promise<void> => {
  const { toServer } = someCalls(scene)
  toServer.hold()
  await moment(scene, 1_000, 6_000)
  toServer.release()
}

const loseAnswers = (scene: Scene): Promise<void> => {
  const link = someCalls(scene)
  return lose(scene, link, link.toClient)
}

/** Each answer of its database comes late to all processes of a service, and none is lost. */
const slowDatabase = async (scene: Scene): Promise<void> => {
  const { deployment, draw } = scene
  const owner = one(scene, ['identity', 'task-tracker', 'accounting', 'operations'] as const)
  const ways = deployment.of(owner).map(({ links }) => links.database.toClient)
  for (let left = draw(5, 40); left > 0; left -= 1) {
    for (const way of ways) way.hold()
    await moment(scene, 50, 150)
    for (const way of ways) way.release()
  }
}

export const networkFaults: readonly Fault[] = [
  { does: 'all connections of a process cut', to: 'network', by: cutAll },
  { does: 'a link away', to: 'network', by: takeAway },
  { does: 'what passes a link held back', to: 'network', by: hold },
  { does: 'what passes a link lost', to: 'network', by: (scene) => lose(scene, someLink(scene)) },
  { does: 'calls to a service hang', to: 'network', by: hangCalls },
  { does: 'answers of a service lost', to: 'network', by: loseAnswers },
  { does: 'a database slow', to: 'network', by: slowDatabase },
]
