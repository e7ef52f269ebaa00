// Whether what is wrong now is an alert: raised when it has held long enough, repeated, and cleared when it has ended.
import { type AlertName, catalog, clearAfterMs } from './catalog.ts'
import type { Condition, Details } from './conditions.ts'

/** What is known of a condition since it was first seen. Nobody was told yet while `raisedAt` is null. */
export interface AlertState {
  readonly name: AlertName
  readonly about: string
  readonly service: string | null
  readonly since: Date
  /**
   * For how long it was seen, counted up to its hold time, and for how long not any more. Only time in which somebody
   * looked counts; milliseconds.
   */
  readonly heldMs: number
  readonly absentMs: number
  readonly raisedAt: Date | null
  readonly saidAt: Date | null
  /** Of how much people know; it falls with what there is, so that it can grow again. */
  readonly saidSize: number
  readonly repeats: number
  readonly clearedAt: Date | null
  readonly details: Details
}

/** One round of the watcher. */
export interface Round {
  readonly at: Date
  /** Time since the round before; milliseconds. */
  readonly sinceMs: number
  readonly conditions: readonly Condition[]
  /** Services that did not answer: what was known of them is neither confirmed nor over. */
  readonly unseen: ReadonlySet<string>
  /** How often an alert that stays is said again; milliseconds. */
  readonly repeatMs: number
}

export type Change = 'raised' | 'repeated' | 'cleared'

export interface Judged {
  /** Those whose state is to be kept, cleared ones included. */
  readonly states: readonly AlertState[]
  /** Conditions that were over before they became an alert. */
  readonly passed: readonly AlertState[]
  readonly changes: readonly { readonly change: Change; readonly state: AlertState }[]
}

/**
 * A round says nothing about the time before it beyond this: a watcher that was stopped or frozen, or a clock that was
 * set forward, must not make an alert of what was seen for a moment before and after. Milliseconds.
 */
const longestStepMs = 5_000
/** What grows is said again, but not more often than this; milliseconds. */
const growthMs = 5 * 60_000

export const keyOf = ({ name, about }: { readonly name: string; readonly about: string }): string => `${name} ${about}`

const seen = (condition: Condition, known: AlertState | undefined, round: Round, stepMs: number): AlertState => {
  const { name, about, service, details, size } = condition
  const state: AlertState = {
    name,
    about,
    service,
    since: known?.since ?? round.at,
    heldMs: known ? Math.min(known.heldMs + stepMs, catalog[name].holdMs) : 0,
    absentMs: 0,
    raisedAt: known?.raisedAt ?? null,
    saidAt: known?.saidAt ?? null,
    saidSize: Math.min(known?.saidSize ?? 0, size),
    repeats: known?.repeats ?? 0,
    clearedAt: null,
    details,
  }
  if (state.raisedAt === null && state.heldMs < catalog[name].holdMs) return state
  if (state.raisedAt === null) return { ...state, raisedAt: round.at, saidAt: round.at, saidSize: size }
  if (!isDue(state, size, round)) return state
  return { ...state, saidAt: round.at, saidSize: size, repeats: state.repeats + 1 }
}

const isDue = ({ saidAt, saidSize }: AlertState, size: number, { at, repeatMs }: Round): boolean => {
  const quietMs = saidAt === null ? Infinity : at.getTime() - saidAt.getTime()
  return quietMs >= repeatMs || (size > saidSize && quietMs >= growthMs)
}

const absent = (known: AlertState, { at, unseen }: Round, stepMs: number): AlertState | null => {
  if (known.service !== null && unseen.has(known.service)) return known
  if (known.raisedAt === null) return null
  const absentMs = known.absentMs + stepMs
  return { ...known, absentMs, clearedAt: absentMs >= clearAfterMs ? at : null }
}

const changeOf = (before: AlertState | undefined, after: AlertState): Change | null => {
  if (after.clearedAt !== null) return 'cleared'
  if (after.raisedAt !== null && (before?.raisedAt ?? null) === null) return 'raised'
  return after.repeats > (before?.repeats ?? 0) ? 'repeated' : null
}

/** `known` are the states that are not cleared yet. */
export const judge = (known: readonly AlertState[], round: Round): Judged => {
  const stepMs = Math.min(Math.max(0, round.sinceMs), longestStepMs)
  const before = new Map(known.map((state) => [keyOf(state), state]))
  const present = new Map(round.conditions.map((one) => [keyOf(one), seen(one, before.get(keyOf(one)), round, stepMs)]))
  const gone = known.filter((state) => !present.has(keyOf(state)))
  const states = [...present.values(), ...gone.flatMap((state) => absent(state, round, stepMs) ?? [])]
  return {
    states,
    passed: gone.filter((state) => absent(state, round, stepMs) === null),
    changes: states.flatMap((state) => {
      const change = changeOf(before.get(keyOf(state)), state)
      return change === null ? [] : [{ change, state }]
    }),
  }
}
