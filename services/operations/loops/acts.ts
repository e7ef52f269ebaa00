// Carries out what people decided: every open act of the operator log, step by step, each step saved by whoever did it
// first. A crash in any place leaves a step that can be done again; two replicas at once do each step once.
import { describeError } from '../../../kernel/failure.ts'
import { type Loop, startLoop } from '../../../kernel/loop.ts'
import { Fault } from '../../../kernel/result.ts'
import type { LoopContext } from '../../../kernel/service.ts'
import { type ActRow, nextActs, saveSteps, type SteppedAct } from '../store/acts.ts'
import { acceptAct } from './accept-act.ts'
import { pauseAct, resumeAct } from './consumer-acts.ts'
import { redeliverAct, refetchAct } from './delivery-acts.ts'
import { discardAct, restoreAct, retryAct } from './parked-acts.ts'
import { reconcileAct } from './reconcile-act.ts'
import { Busy, Refused, type Step, type Stepping } from './step.ts'

const kinds: Readonly<Record<string, Step>> = {
  retry: retryAct,
  discard: discardAct,
  restore: restoreAct,
  refetch: refetchAct,
  redeliver: redeliverAct,
  pause: pauseAct,
  resume: resumeAct,
  accept_history: acceptAct,
  reconcile: reconcileAct,
}

/** Acts on different consumers do not wait for each other; this many are carried out at once. */
const mostAtOnce = 20

export const acting = (context: LoopContext): Loop =>
  startLoop({
    name: 'acts',
    pollMs: 1_000,
    log: context.log,
    pass: async () => (context.turn.held() ? stepAll(context) : 'idle'),
  })

/** One step of the first open act on each consumer; 'more' when one of them has come further and has not ended. */
const stepAll = async (stepping: Stepping): Promise<'more' | 'idle'> => {
  const acts = await stepping.database.transaction('acts.open', (tx) => nextActs(tx, mostAtOnce), { readOnly: true })
  const found = await Promise.all(acts.map((act) => stepOnce(act, stepping)))
  return found.includes('more') ? 'more' : 'idle'
}

const stepOnce = async (act: ActRow, stepping: Stepping): Promise<'more' | 'idle'> => {
  const after = await outcomeOf(act, stepping)
  if (after === null) return 'idle'
  const { database, clock } = stepping
  const saved = await database.transaction('acts.save', async (tx) => saveSteps(tx, [after], await clock.now(tx)))
  // Who waits is asked again after the usual pause.
  return saved.length > 0 && after.note === null ? 'more' : 'idle'
}

const step = (act: ActRow, stepping: Stepping): Promise<SteppedAct> => {
  const carryOut = kinds[act.kind]
  // A newer replica may know it.
  if (!carryOut) throw new Busy(`${act.kind} is not known here`)
  return carryOut(act, stepping)
}

/** What is to be saved; null for nothing. */
const outcomeOf = async (act: ActRow, stepping: Stepping): Promise<SteppedAct | null> => {
  try {
    return await step(act, stepping)
  } catch (error) {
    const note = describeError(error)
    if (error instanceof Busy || (isPassing(error) && note === act.note)) return null
    return { ...act, state: isPassing(error) ? 'running' : 'failed', note }
  }
}

/** Who does not answer may answer later: the act waits, and says so. */
const isPassing = (error: unknown): boolean =>
  !(error instanceof Refused) && error instanceof Fault && error.kind !== 'internal'
