// Processes die, are stopped as for a new version, and hang, one or all of a service.
import type { Part } from '../distributed/deployment.ts'
import { type Fault, one, somePart } from './fault.ts'
import { moment, type Scene, waits } from './scene.ts'

/** As whatever supervises services does: again and again, because what they need may be away at that moment. */
const startAgain = (scene: Scene, part: Part): Promise<void> =>
  waits(scene, `${part.name} starts`, () =>
    part.start().then(
      () => true,
      () => false,
    ),
  )

const kill = async (scene: Scene): Promise<void> => {
  const part = somePart(scene)
  await part.process.kill()
  await moment(scene, 0, 3_000)
  await startAgain(scene, part)
}

/** What it may not end in order for, because it is struck otherwise at the same time, it does not wait for. */
const deploy = async (scene: Scene): Promise<void> => {
  const part = somePart(scene)
  part.process.signal('SIGTERM')
  await waits(scene, `${part.name} stops`, async () => !part.isAlive)
  await startAgain(scene, part)
}

const freeze = async (scene: Scene, parts: readonly Part[]): Promise<void> => {
  for (const { process } of parts) process.signal('SIGSTOP')
  await moment(scene, 200, 6_000)
  for (const { process } of parts) process.signal('SIGCONT')
}

/** So that no other replica can help, and whoever calls it must wait or give up. */
const freezeService = async (scene: Scene): Promise<void> => {
  const { deployment } = scene
  await freeze(scene, deployment.of(one(scene, ['identity', 'task-tracker', 'accounting', 'operations'] as const)))
}

export const processFaults: readonly Fault[] = [
  { does: 'kill -9 of a process', to: 'process', by: kill },
  { does: 'a process stopped in order and started again', to: 'process', by: deploy },
  { does: 'a process frozen', to: 'process', by: (scene) => freeze(scene, [somePart(scene)]) },
  { does: 'all processes of a service frozen', to: 'process', by: freezeService },
]
