// Strikes as long as people work: one fault, sometimes two at once, and then looks how soon events are applied again.
import { once } from 'node:events'
import { type Fault, one } from './fault.ts'
import { drawer, moment, type Scene, waits } from './scene.ts'
import type { Watch } from './watch.ts'

export interface Blow {
  /** The faults at once. */
  readonly faults: readonly string[]
  /** From their end to the next event that is applied. */
  readonly recoveryMs: number
}

/** One in so many blows is two faults at once. */
const pairs = 4
const quietMs = [500, 3_000] as const

const drawBlow = (scene: Scene, kinds: readonly Fault[]): readonly Fault[] => {
  const first = one(scene, kinds)
  const others = kinds.filter(({ to }) => to !== first.to)
  return scene.draw(1, pairs) === 1 && others.length > 0 ? [first, one(scene, others)] : [first]
}

/** What a fault waits for it waits for a minute at most; whatever does not end by then would go on for ever. */
const longestMs = 180_000

const inTime = async (names: readonly string[], blow: Promise<unknown>): Promise<void> => {
  const late = once(AbortSignal.timeout(longestMs), 'abort').then(() => {
    throw new Error(`${names.join(' and ')} did not end within ${longestMs / 1_000} s`)
  })
  await Promise.race([blow, late])
}

const strike = async (scene: Scene, watch: Watch, kinds: readonly Fault[]): Promise<Blow> => {
  const blow = drawBlow(scene, kinds)
  // Two at once draw in no order of their own.
  const scenes = blow.map(() => ({ ...scene, draw: drawer(scene.draw(0, 2 ** 31)) }))
  const names = blow.map(({ does }) => does)
  await inTime(names, Promise.all(blow.map(({ by }, place) => by(scenes[place] ?? scene))))
  const before = watch.applied
  const ended = performance.now()
  await waits(
    scene,
    () => `event ${before + 1} of ${watch.committed} is applied after ${names.join(' and ')}`,
    async () => watch.applied > before,
  )
  return { faults: names, recoveryMs: performance.now() - ended }
}

export interface Striking {
  /** Those from which each blow is drawn. */
  readonly kinds: readonly Fault[]
  readonly isOver: () => boolean
  readonly say: (line: string) => void
}

/** Resolves with all of them when it is over. */
export const blows = async (scene: Scene, watch: Watch, { kinds, isOver, say }: Striking): Promise<readonly Blow[]> => {
  const struck: Blow[] = []
  for (;;) {
    await moment(scene, ...quietMs)
    if (isOver()) return struck
    const blow = await strike(scene, watch, kinds)
    struck.push(blow)
    say(`struck: ${blow.faults.join(' and ')}; ${Math.round(blow.recoveryMs)} ms; ${watch.applied} events applied`)
  }
}
