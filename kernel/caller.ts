// The only way to another service: a typed call, in-process or over HTTP, whatever transport was given.
import { z } from 'zod'
import type { Actor, Method, Output, RefusalCode, standardRefusals } from './contract.ts'
import type { Transport } from './ports.ts'
import type { Outcome } from './result.ts'

/** On whose behalf a call is made, and how long the caller waits. */
export interface Behalf {
  readonly actor: Actor
  readonly requestId: string
  /** How long to wait from now, in milliseconds; 5,000 when not given. */
  readonly timeoutMs?: number
  /** Makes a command repeatable: the same key with the same input has its effect once. */
  readonly idempotencyKey?: string
}

export type StandardRefusal = keyof typeof standardRefusals

/**
 * Calls a method and gives its outcome: the output, or a refusal that the contract declares.
 * Throws `Fault`: `unavailable` when the service cannot be reached, `deadline` when it took too long,
 * `outcome_unknown` when the answer of a command was lost.
 */
export type Caller = <M extends Method>(
  method: M,
  input: z.input<M['input']>,
  behalf: Behalf,
) => Promise<Outcome<Output<M>, RefusalCode<M> | StandardRefusal>>

const defaultTimeoutMs = 5_000

export const caller =
  (transport: Transport): Caller =>
  async <M extends Method>(method: M, input: z.input<M['input']>, behalf: Behalf) => {
    const { timeoutMs = defaultTimeoutMs, ...rest } = behalf
    const call = {
      ...rest,
      service: method.service,
      method: method.name,
      input,
      deadlineMs: performance.now() + timeoutMs,
    }
    return (await transport.call(call)) as Outcome<Output<M>, RefusalCode<M> | StandardRefusal>
  }
