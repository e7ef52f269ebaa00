// Looks at every service once a second, by calls that any of its replicas can answer, and keeps what it saw.
import type { Caller } from '../../../kernel/caller.ts'
import { serviceRole } from '../../../kernel/contract.ts'
import { describeError } from '../../../kernel/failure.ts'
import { type Loop, startLoop } from '../../../kernel/loop.ts'
import type { Random, Tx } from '../../../kernel/ports.ts'
import { must } from '../../../kernel/result.ts'
import type { LoopContext } from '../../../kernel/service.ts'
import { standardContract } from '../../../kernel/standard.ts'
import type { DifferencesSeen, ForkSeen, Observation } from '../observation.ts'
import { type Answer, type Memory, newMemory, remember } from '../rules/memory.ts'
import { type Judged, observe } from '../rules/observe.ts'
import { countOpenDifferences, listReconciliations } from '../store/differences.ts'
import { reportedInstances } from '../store/reports.ts'
import {
  healUndelivered,
  lastWatch,
  openUndelivered,
  saveUndelivered,
  saveWatch,
  type Watch,
  withoutWaiting,
} from '../store/watch.ts'

const lookMs = 1_000
/** Who takes longer does not answer, for this look. */
const answerMs = 2_000

/** What follows from an observation, in the transaction that keeps it. */
export type Follow = (
  observation: Observation,
  context: { readonly tx: Tx; readonly now: Date; readonly random: Random },
) => Promise<void>

export interface Watching {
  /** The services to look at. */
  readonly watched: readonly string[]
  readonly follow: Follow
  /** What is known of forked consumers. */
  readonly forks?: () => readonly ForkSeen[]
}

export const watcher = ({ watched, follow, forks = () => [] }: Watching, context: LoopContext): Loop => {
  const { turn, log } = context
  let memory: Memory | null = null
  const look = async (): Promise<'idle'> => {
    if (!turn.held()) {
      memory = null
      return 'idle'
    }
    memory ??= await recall(context)
    const answers = await Promise.all(watched.map((name) => ask(context.call, name)))
    const nowMs = performance.now()
    memory = remember(memory, answers, nowMs)
    await keep(context, memory, { follow, forks: forks() }, nowMs)
    return 'idle'
  }
  return startLoop({ name: 'watcher', pollMs: lookMs, log, pass: look })
}

const ask = async (call: Caller, name: string): Promise<Answer> => {
  const behalf = { actor: { id: null, role: serviceRole }, requestId: `watch-${name}`, timeoutMs: answerMs }
  try {
    return { name, state: must(await call(standardContract(name).getState, {}, behalf)), failure: null }
  } catch (error) {
    return { name, state: null, failure: describeError(error) }
  }
}

/** What whoever watched before has left: who is silent, and since when. Everything else is watched anew. */
const recall = async ({ database, clock }: LoopContext): Promise<Memory> => {
  const nowMs = performance.now()
  const [watch, now] = await database.transaction(
    'watch.recall',
    async (tx) => [await lastWatch(tx), await clock.now(tx)] as const,
    { readOnly: true },
  )
  return newMemory(nowMs, watch ? servicesOf(watch, now, nowMs) : [])
}

const servicesOf = ({ at, observation }: Watch, now: Date, nowMs: number): Memory['services'] => {
  const agoMs = Math.max(0, now.getTime() - at.getTime())
  return observation.services.map(({ name, state, silentMs, silentReason }) => ({
    name,
    state,
    answeringSince: null,
    silentSince: silentMs > 0 ? nowMs - agoMs - silentMs : null,
    silentReason,
  }))
}

interface Kept {
  readonly follow: Follow
  readonly forks: readonly ForkSeen[]
}

/** One transaction: what was seen, what did not arrive, and what follows from it. */
const keep = (
  { database, clock, random }: LoopContext,
  memory: Memory,
  { follow, forks }: Kept,
  nowMs: number,
): Promise<void> =>
  database.transaction('watch.keep', async (tx) => {
    const at = await clock.now(tx)
    const known = { at, undelivered: await openUndelivered(tx), differences: await differencesSeen(tx, at) }
    const { observation: looked, judged } = observe(memory, known, nowMs)
    const observation = { ...looked, instances: [...looked.instances, ...(await reportedInstances(tx))] }
    if (judged.found.length === 0 && judged.healed.length === 0) await withoutWaiting(tx)
    await saveWatch(tx, observation, forks)
    await saveJudged(tx, judged, at)
    await follow(observation, { tx, now: at, random })
  })

const saveJudged = async (tx: Tx, { found, healed }: Judged, at: Date): Promise<void> => {
  if (found.length > 0) await saveUndelivered(tx, found)
  if (healed.length > 0) await healUndelivered(tx, healed, at)
}

const differencesSeen = async (tx: Tx, at: Date): Promise<DifferencesSeen> => {
  const { open, oldest, ledgerUnbalanced } = await countOpenDifferences(tx)
  const rows = await listReconciliations(tx)
  const since = (moment: Date | null | undefined) => (moment ? Math.max(0, at.getTime() - moment.getTime()) : 0)
  const stepped = rows.flatMap(({ steppedAt }) => steppedAt ?? []).toSorted((a, b) => b.getTime() - a.getTime())
  return {
    open,
    oldestMs: since(oldest),
    lastRoundAt: rows.find(({ name }) => name === 'log-ledger')?.lastRoundAt ?? null,
    idleMs: since(stepped[0]),
    ledgerUnbalanced,
  }
}
