// Feeding a parrot: the command that tests of execute call, and what it leaves behind.
import type { Behalf } from '../../kernel/caller.ts'
import { isRefusal, type Outcome } from '../../kernel/result.ts'
import type { Aviary, Traces } from './aviary.ts'
import { parrots } from './parrots.ts'

export const nothing: Traces = { meals: 0, events: 0, keys: 0 }
export const one: Traces = { meals: 1, events: 1, keys: 1 }

export const as = (more: Partial<Behalf> = {}): Behalf => ({
  actor: { id: 7, role: 'popug' },
  requestId: 'request-1',
  timeoutMs: 20_000,
  ...more,
})
export const keyed = (idempotencyKey: string, more: Partial<Behalf> = {}): Behalf => as({ idempotencyKey, ...more })

export const seeds = { parrotId: 1, food: 'seeds' }
export const feed = ({ call }: Aviary, input: typeof seeds, behalf = as()) => call(parrots.feed, input, behalf)

export const codeOf = (outcome: Outcome<unknown>): string => (isRefusal(outcome) ? outcome.refused : 'ok')
