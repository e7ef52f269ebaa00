// A range of a producer's log, read in pieces that a call can carry.
import type { Behalf, Caller } from '../../../kernel/caller.ts'
import { must } from '../../../kernel/result.ts'
import { mostDelivered, standardContract } from '../../../kernel/standard.ts'
import type { EventBatch } from '../../../kernel/stream.ts'
import { thatFit } from '../rules/fitting.ts'

/** The consecutive events after a number and up to another, or as many of the first ones as fit into a call. */
export const readRange = async (
  call: Caller,
  behalf: Behalf,
  { stream, after, upTo }: { readonly stream: string; readonly after: number; readonly upTo: number },
): Promise<EventBatch> => {
  const limit = Math.min(upTo - after, mostDelivered)
  const batch = must(await call(standardContract(stream).readLog, { from: after, limit }, behalf))
  return { ...batch, events: [...thatFit(batch.events)] }
}
