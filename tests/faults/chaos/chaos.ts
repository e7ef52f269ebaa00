// Chaos: several replicas of every service at work, and faults of all kinds at random, until the time is over and the
// events are there. Then nothing may be missing, nothing twice, and nobody may have waited long.
import { findingsIn } from '../audit.ts'
import type { Finding } from '../audit.ts'
import { type Facts, readFacts, streamNamed } from '../audit/facts.ts'
import { troublesOf } from '../distributed/recovery.ts'
import { forgedAbout } from '../planting.ts'
import { type Blow, blows } from './blows.ts'
import { openCompany } from './company.ts'
import { allAttended } from './event-faults.ts'
import type { Fault } from './fault.ts'
import { faults } from './faults.ts'
import { people, plantAll, type Wanted } from './load.ts'
import type { Scene } from './scene.ts'
import { verdict } from './verdict.ts'
import { Watch } from './watch.ts'

export interface ChaosOptions extends Wanted {
  readonly seed: number
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  /** By default faults of all kinds. */
  readonly kinds?: readonly Fault[]
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
  /** Events that faults have put into the log, which are neither committed nor applied in this count. */
  readonly planted: number
}

const settleLimitMs = 120_000

export const chaos = async (options: ChaosOptions): Promise<Outcome> => {
  const { say } = options
  await using scene = await openCompany(options)
  await plantAll(scene, options)
  const begun = performance.now()
  await using watch = new Watch(scene)
  const struck = await amidWork(scene, watch, options)
  const tookMs = performance.now() - begun
  say(`${watch.committed} events; waiting until all are applied`)
  await allApplied(scene, say)
  say('operations compares everything')
  const parked = await forgedOn(scene)
  const wrong = await verdict(scene, parked)
  say('auditing')
  const facts = await readFacts(scene.deployment.stage.hand)
  return {
    ...counted(facts, parked),
    commands: counts(scene),
    blows: struck,
    standstillMs: watch.standstillMs,
    tookMs,
    findings: findingsIn(facts, scene.deployment.stage.journal.attempts, { parked }),
    wrong,
    planted: parked.length,
  }
}

/** Throws when that takes too long, and says before what processes say is wrong. */
const allApplied = async (scene: Scene, say: ChaosOptions['say']): Promise<void> => {
  const { parts, stage } = scene.deployment
  await allAttended(scene, 0)
  try {
    await stage.settled(settleLimitMs)
  } catch (error) {
    const said = await Promise.all(parts.map((part) => troublesOf(part).catch(String)))
    for (const trouble of said.flat()) say(trouble)
    throw error
  }
  await allAttended(scene, 0)
}

/** People work as long as they are struck, so that there is always something to recover with. */
const amidWork = async (scene: Scene, watch: Watch, wanted: ChaosOptions): Promise<readonly Blow[]> => {
  const end = performance.now() + wanted.lastsMs
  let working = true
  const isOver = () => performance.now() >= end && watch.committed >= wanted.events
  const { say, kinds = faults } = wanted
  const striking = blows(scene, watch, { kinds, isOver, say }).finally(() => (working = false))
  const [struck] = await Promise.all([striking, people(scene, watch, wanted, () => working)])
  return struck
}

/** Numbers of what faults made the task tracker say. */
const forgedOn = async ({ deployment }: Scene): Promise<readonly number[]> => {
  const rows = await deployment.stage.query<{ number: number }>(
    `select number::int from task_tracker.event where about = '${forgedAbout}'`,
  )
  return rows.map(({ number }) => number)
}

/** Of the task tracker's events, each of which has one posting but those that nobody can apply. */
const counted = (facts: Facts, parked: readonly number[]): Pick<Outcome, 'committed' | 'applied' | 'doubled'> => {
  const numbers = new Set(streamNamed(facts, 'task-tracker').events.map(({ number }) => number))
  const events = numbers.difference(new Set(parked))
  const booked = new Set(facts.postings.map(({ number }) => number))
  const doubled = facts.postings.length - booked.size
  return { committed: events.size, applied: events.intersection(booked).size, doubled }
}

const counts = ({ deployment }: Scene): Outcome['commands'] => {
  const { attempts } = deployment.stage.journal
  const count = (kind: keyof Outcome['commands']) => attempts.filter(({ learned }) => kind in learned).length
  return { acknowledged: count('acknowledged'), refused: count('refused'), unknown: count('unknown') }
}
