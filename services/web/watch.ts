// What an administrator should hear on every page: raised alerts, or that nobody watches. A page never waits long for it.
import type { Caller } from '../../kernel/caller.ts'
import { isRefusal } from '../../kernel/result.ts'
import { operations } from '../operations/contract.ts'
import { asService, type SignedIn } from './session.ts'

export interface Watch {
  readonly openAlerts: number
  /** The services were last looked at too long ago. */
  readonly silent: boolean
}

interface Known {
  readonly askedAt: number
  readonly answer: Promise<Watch | null>
  /** The last answer that came, also while the next one is under way. */
  readonly before: Watch | null
  /** When an answer last came, or was first asked for: whoever cannot be heard for long does not watch. */
  readonly heardAt: { ms: number }
}

const freshForMs = 3_000
const patienceMs = 400
const silentAfterMs = 15_000

const known = new WeakMap<Caller, Known>()

/** Null for others than administrators, and while operations has not answered for a short time. */
export const watchOf = async (
  { call, now }: { readonly call: Caller; readonly now: () => Date },
  { actor }: SignedIn,
  requestId: string,
): Promise<Watch | null> => {
  if (actor.role !== 'admin') return null
  const at = now().getTime()
  let one = known.get(call)
  if (!one || at - one.askedAt > freshForMs || at < one.askedAt) {
    const before = one ? await settled(one) : null
    const heardAt = one?.heardAt ?? { ms: at }
    one = { askedAt: at, answer: look(call, requestId, at, heardAt), before, heardAt }
    known.set(call, one)
  }
  return settled(one)
}

/** The answer if it is there in a moment, otherwise the one before. */
const settled = ({ answer, before }: Known): Promise<Watch | null> => {
  const { promise, resolve } = Promise.withResolvers<Watch | null>()
  const timer = setTimeout(() => resolve(before), patienceMs)
  void answer.then(resolve).finally(() => clearTimeout(timer))
  return promise
}

const look = async (call: Caller, requestId: string, at: number, heardAt: Known['heardAt']): Promise<Watch | null> => {
  try {
    const outcome = await call(operations.getAlarm, {}, { actor: asService, requestId, timeoutMs: 2_000 })
    if (isRefusal(outcome)) return null
    heardAt.ms = at
    const { alerts, now, watchedAt } = outcome.ok
    const silent = watchedAt !== null && Date.parse(now) - Date.parse(watchedAt) > silentAfterMs
    return { openAlerts: alerts.length, silent }
  } catch {
    return at - heardAt.ms > silentAfterMs ? { openAlerts: 0, silent: true } : null
  }
}
