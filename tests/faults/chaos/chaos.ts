// Chaos: several replicas of every service at work, and faults of all kinds at random, until the time is over and the
// events are there. Then nothing may be missing, nothing twice, and nobody may have waited long.
import { findingsIn } from '../audit.ts'
import type { Finding } from '../audit.ts'
import { type Facts, readFacts, streamNamed } from '../audit/facts.ts'
import type { OwnPostgresOptions } from '../../servers/own-postgres.ts'
import { Deployment } from '../distributed/deployment.ts'
import { serversGround } from '../distributed/servers-ground.ts'
import { type Blow, blows } from './blows.ts'
import { people, plantAll, type Wanted } from './load.ts'
import { drawer, type Scene } from './scene.ts'
import { verdict } from './verdict.ts'
import { Watch } from './watch.ts'

export interface ChaosOptions extends Wanted {
  readonly seed: number
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

export interface Outcome {
  readonly committed: number
  /** Events whose effect is in the ledger. */
  readonly applied: number
  /** Effects that an event has beyond its one. */
  readonly doubled: number
  readonly commands: Readonly<Record<'acknowledged' | 'refused' | 'unknown', number>>
  readonly blows: readonly Blow[]
  /** The longest time without any event applied while some were there, faults included. */
  readonly standstillMs: number
  readonly tookMs: number
  readonly findings: readonly Finding[]
  /** What operations says is wrong when all is over. */
  readonly wrong: readonly string[]
}

export const replicas = { identity: 2, 'task-tracker': 2, accounting: 2, operations: 2 } as const
const roles = ['manager', 'manager', ...Array.from({ length: 8 }, () => 'popug')]
const server: OwnPostgresOptions = { settings: { max_wal_size: '1GB', shared_buffers: '128MB' } }
const settleLimitMs = 120_000

export const chaos = async (options: ChaosOptions): Promise<Outcome> => {
  const { seed, signal, say } = options
  const ground = await serversGround({ identity: server, task_tracker: server, accounting: server })
  await using deployment = await Deployment.on(ground, 'chaos', { replicas, roles })
  const scene: Scene = { deployment, draw: drawer(seed), signal }
  await plantAll(scene, options)
  const begun = performance.now()
  await using watch = new Watch(scene)
  const struck = await amidWork(scene, watch, options)
  const tookMs = performance.now() - begun
  say(`${watch.committed} events; waiting until all are applied`)
  const { stage } = deployment
  await stage.settled(settleLimitMs)
  say('operations compares everything')
  const wrong = await verdict(scene)
  say('auditing')
  const facts = await readFacts(stage.hand)
  return {
    ...counted(facts),
    commands: counts(scene),
    blows: struck,
    standstillMs: watch.standstillMs,
    tookMs,
    findings: findingsIn(facts, stage.journal.attempts, {}),
    wrong,
  }
}

/** People work as long as they are struck, so that there is always something to recover with. */
const amidWork = async (scene: Scene, watch: Watch, wanted: ChaosOptions): Promise<readonly Blow[]> => {
  const end = performance.now() + wanted.lastsMs
  let working = true
  const isOver = () => performance.now() >= end && watch.committed >= wanted.events
  const striking = blows(scene, watch, isOver, wanted.say).finally(() => (working = false))
  const [struck] = await Promise.all([striking, people(scene, watch, wanted, () => working)])
  return struck
}

/** Of the task tracker's events, each of which has one posting. */
const counted = (facts: Facts): Pick<Outcome, 'committed' | 'applied' | 'doubled'> => {
  const events = new Set(streamNamed(facts, 'task-tracker').events.map(({ number }) => number))
  const booked = new Set(facts.postings.map(({ number }) => number))
  const doubled = facts.postings.length - booked.size
  return { committed: events.size, applied: events.intersection(booked).size, doubled }
}

const counts = ({ deployment }: Scene): Outcome['commands'] => {
  const { attempts } = deployment.stage.journal
  const count = (kind: keyof Outcome['commands']) => attempts.filter(({ learned }) => kind in learned).length
  return { acknowledged: count('acknowledged'), refused: count('refused'), unknown: count('unknown') }
}
