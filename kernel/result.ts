// The expected noes are values: ok() and refuse() make the outcome of a rule or a handler.

/** An expected no. `code` is declared in the contract; `detail` carries what a person needs to understand it. */
export interface Refusal<Code extends string = string> {
  readonly refused: Code
  readonly detail?: Readonly<Record<string, unknown>>
}

/** A yes with its value. */
export interface Ok<Value> {
  readonly ok: Value
}

export type Outcome<Value, Code extends string = string> = Ok<Value> | Refusal<Code>

export const ok = <const Value>(value: Value): Ok<Value> => ({ ok: value })

export const refuse = <const Code extends string>(
  refused: Code,
  detail?: Readonly<Record<string, unknown>>,
): Refusal<Code> => (detail ? { refused, detail } : { refused })

export const isRefusal = <Value, Code extends string>(outcome: Outcome<Value, Code>): outcome is Refusal<Code> =>
  'refused' in outcome

/** The value of a yes; a refusal becomes a thrown fault. For callers to whom a no would be a bug. */
export const must = <Value>(outcome: Outcome<Value>): Value => {
  if (isRefusal(outcome)) throw new Fault('internal', `unexpected refusal ${outcome.refused}`, { cause: outcome })
  return outcome.ok
}

/**
 * What can go wrong besides a refusal. Thrown, and caught only at the edges.
 * `unavailable`: nothing happened, the other side could not be reached or is full.
 * `deadline`: the time ran out before the commit, nothing happened.
 * `outcome_unknown`: the answer was lost; the effect may or may not exist.
 * `internal`: a bug or an outage on our side.
 */
export type FaultKind = 'unavailable' | 'deadline' | 'outcome_unknown' | 'internal'

export class Fault extends Error {
  override readonly name = 'Fault'
  readonly kind: FaultKind
  constructor(kind: FaultKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}
