// Callers with the resilience of the HTTP transport, in front of whom everything can go wrong.
import assert from 'node:assert/strict'
import { httpTransport, type HttpTransport } from '../../adapters/transport/http-client.ts'
import type { ResilienceOptions } from '../../adapters/transport/resilience.ts'
import { type Behalf, type Caller, caller } from '../../kernel/caller.ts'
import { Fault, isRefusal, type Outcome } from '../../kernel/result.ts'
import { parrots } from './parrots.ts'
import type { ParrotsServer } from './parrots-server.ts'
import { startTrouble, type Trouble } from './trouble.ts'

export const as = (more: Partial<Behalf> = {}): Behalf => ({
  actor: { id: 7, role: 'popug' },
  requestId: 'r',
  timeoutMs: 10_000,
  ...more,
})
export const keyed = (more: Partial<Behalf> = {}): Behalf => as({ idempotencyKey: crypto.randomUUID(), ...more })

/** How a call ended: 'ok', a refusal's code or a fault's kind. */
export const endOf = async (outcome: Promise<Outcome<unknown>>): Promise<string> => {
  try {
    const known = await outcome
    return isRefusal(known) ? known.refused : 'ok'
  } catch (error) {
    assert.ok(error instanceof Fault, `not a Fault: ${String(error)}`)
    return error.kind
  }
}

/** Holds requests until they are let go. */
export const gate = () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

export const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** Never opens: for what is about retries, places and deadlines. */
export const noBreaker: ResilienceOptions = { failureShare: 0.999, windowMs: 600_000 }

export interface Troubled extends AsyncDisposable {
  readonly trouble: Trouble
  readonly transport: HttpTransport
  readonly call: Caller
  /** Not repeatable without a key. */
  feed(behalf?: Behalf): Promise<string>
  /** Repeatable. */
  hush(behalf?: Behalf): Promise<string>
  /** A query. */
  list(behalf?: Behalf): Promise<string>
}

/** Where requests are counted, none comes by itself. */
const never = 1_000_000_000

/** A caller of the parrots that knows their contract already, with trouble between them. */
export const startTroubled = async (
  { url, tokens }: ParrotsServer,
  how: ResilienceOptions = {},
  probeMs = never,
): Promise<Troubled> => {
  const trouble = await startTrouble(url)
  const transport = httpTransport({ addresses: { parrots: trouble.url }, tokens, resilience: how, probeMs })
  const call = caller(transport)
  await transport.published('parrots')
  return {
    trouble,
    transport,
    call,
    feed: (behalf = as()) => endOf(call(parrots.feed, { parrotId: 1, food: 'nuts' }, behalf)),
    hush: (behalf = as()) => endOf(call(parrots.hush, { parrotId: 1 }, behalf)),
    list: (behalf = as()) => endOf(call(parrots.listMeals, { parrotId: 1 }, behalf)),
    [Symbol.asyncDispose]: () => trouble[Symbol.asyncDispose](),
  }
}
