// What everything of a run of chaos shares: aTES with several replicas, its servers, chance, and whether it goes on.
import type { Deployment } from '../distributed/deployment.ts'
import type { ServersGround } from '../distributed/servers-ground.ts'
import type { PgBouncer } from '../../servers/pg-bouncer.ts'
import type { SmallDisk } from '../../servers/small-disk.ts'
import type { Draw } from '../clients.ts'
import type { Desk } from '../stage.ts'
import { generator } from '../../support/random.ts'
import { until } from '../settled.ts'

export interface Scene {
  readonly deployment: Deployment<ServersGround>
  /** Through the web application. */
  readonly desk: Desk
  /** Between identity and its database. */
  readonly pooler: PgBouncer
  /** That of operations' database. */
  readonly disk: SmallDisk
  /** For faults only: what people do comes in no order of its own, and must not change what is drawn for these. */
  readonly draw: Draw
  /** Aborted by whoever wants the run to end before its time. */
  readonly signal: AbortSignal
}

export const drawer = (seed: number): Draw => {
  const next = generator(seed)
  return (from, to) => from + Math.floor(next() * (to - from + 1))
}

/** The longest that anything of aTES may need until it works again. */
const patienceMs = 60_000

/** Polls, as long as the run goes on. */
export const waits = (
  { signal }: Pick<Scene, 'signal'>,
  what: string | (() => string),
  holds: () => Promise<boolean>,
  { limitMs = patienceMs, everyMs = 25 } = {},
): Promise<void> => {
  const look = async () => {
    signal.throwIfAborted()
    return holds()
  }
  return until(typeof what === 'string' ? () => what : what, look, limitMs, everyMs)
}

/** Resolves after so many milliseconds, drawn from these. */
export const moment = (scene: Scene, fromMs: number, toMs: number): Promise<void> => {
  const at = performance.now() + scene.draw(fromMs, toMs)
  return waits(scene, 'a moment', async () => performance.now() >= at)
}
