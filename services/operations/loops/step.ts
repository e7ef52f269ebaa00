// One step of an act: what is known before it, and what is saved after it.
import type { Behalf } from '../../../kernel/caller.ts'
import { serviceRole } from '../../../kernel/contract.ts'
import { isRefusal, type Outcome } from '../../../kernel/result.ts'
import type { LoopContext } from '../../../kernel/service.ts'
import { added, type Came, failures } from '../rules/tally.ts'
import type { ActRow, SteppedAct } from '../store/acts.ts'
import type { ActResult } from '../vocabulary.ts'

export type Stepping = Pick<LoopContext, 'call' | 'database' | 'clock'>

/** Carries out the next step of an act, and gives what is to be saved; its effects may have been there already. */
export type Step = (act: ActRow, stepping: Stepping) => Promise<SteppedAct>

/** A step is a chunk: it may take longer than an answer to a person. */
const stepMs = 20_000

/**
 * In the name of the person who asked for the act. With `part`, a command that is repeated after a crash has its effect
 * once, as long as it says the same; which it does when what it says was saved by the step before.
 */
export const behalfOf = (act: Pick<ActRow, 'id' | 'requestedBy'>, part?: string | number): Behalf => ({
  actor: { id: act.requestedBy, role: serviceRole },
  requestId: `act-${act.id}`,
  timeoutMs: stepMs,
  ...(part === undefined ? {} : { idempotencyKey: `act-${act.id}-${part}` }),
})

/** A refusal that no repetition changes. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

/** Another replica carries out the same step: it saves it, or this one tries again. */
export class Busy extends Error {
  override readonly name = 'Busy'
}

/** The value of a yes; a no ends the act. */
export const mustOf = <Value>(outcome: Outcome<Value>): Value => {
  if (!isRefusal(outcome)) return outcome.ok
  if (outcome.refused === 'key_in_progress') throw new Busy(outcome.refused)
  throw new Refused(outcome.detail ? `${outcome.refused} ${JSON.stringify(outcome.detail)}` : outcome.refused)
}

/** What is saved after a step that brought these, with so much of the act done. */
export const stepped = (
  act: ActRow,
  came: readonly Came<ActResult>[],
  after: { readonly progress: unknown; readonly ended: boolean; readonly total?: number | null },
): SteppedAct => ({
  id: act.id,
  step: act.step,
  state: after.ended ? 'done' : 'running',
  progress: after.progress,
  total: after.total === undefined ? act.total : after.total,
  done: act.done + came.length,
  failed: act.failed + failures(came),
  note: null,
  results: added(act.results, came),
})
