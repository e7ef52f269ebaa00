// What a fault is, and how one chooses what it strikes.
import type { OwnPostgres } from '../../servers/own-postgres.ts'
import type { Part } from '../distributed/deployment.ts'
import type { Scene } from './scene.ts'

/** Two faults at once do not concern the same thing. */
export type Concern = 'process' | 'broker' | 'database' | 'network' | 'events'

export interface Fault {
  readonly does: string
  readonly to: Concern
  /** Done for real, lasts a drawn time, and resolves when it has ended. Throws when it had no effect. */
  readonly by: (scene: Scene) => Promise<void>
}

export const one = <Item>({ draw }: Scene, items: readonly Item[]): Item => items[draw(0, items.length - 1)] as Item

export const somePart = (scene: Scene): Part => one(scene, scene.deployment.parts)

export const someServer = (scene: Scene): OwnPostgres =>
  one(scene, Object.values(scene.deployment.stage.ground.servers))
