// Acts that bring events once more: from the producer's log to one consumer, or over the bus to all.
import { z } from 'zod'
import { must } from '../../../kernel/result.ts'
import { standardContract } from '../../../kernel/standard.ts'
import { readRange } from '../asks/range.ts'
import type { Came } from '../rules/tally.ts'
import type { ActResult } from '../vocabulary.ts'
import { behalfOf, mustOf, type Step, stepped } from './step.ts'

const Input = z.object({ after: z.int(), upTo: z.int() })
const Progress = z.object({ cursor: z.int() })

/** How many events there are behind `after`, up to `upTo`, as far as the log goes: a range may end far beyond it. */
const sizeOf = ({ after, upTo }: z.infer<typeof Input>, head: number): number =>
  Math.max(0, Math.min(upTo, head) - after)

/** Delivered twice has the effect of once, so a step that was lost is simply done again. */
export const refetchAct: Step = async (act, { call }) => {
  const { after, upTo } = Input.parse(act.input)
  const cursor = act.progress === null ? after : Progress.parse(act.progress).cursor
  const [service, consumer] = [act.service ?? '', act.consumer ?? '']
  const behalf = behalfOf(act)
  const { positions } = must(await call(standardContract(service).getState, {}, behalf))
  const stream = positions.find((position) => position.consumer === consumer)?.stream
  if (stream === undefined) return mustOf({ refused: 'consumer_not_found' })
  const batch = await readRange(call, behalf, { stream, after: cursor, upTo })
  const last = batch.events.at(-1)
  const total = sizeOf({ after, upTo }, batch.head)
  if (!last) return stepped(act, [], { progress: { cursor }, ended: true, total })
  const { outcomes } = mustOf(await call(standardContract(service).deliver, { consumer, batch, dryRun: false }, behalf))
  const came = outcomes.map(({ outcome, detail }): Came<ActResult> => ({ what: outcome, detail }))
  const ended = last.number >= Math.min(upTo, batch.head)
  return stepped(act, came, { progress: { cursor: last.number }, ended, total })
}

/** As many numbers are said in one step. */
const mostSaid = 1_000

/** Consumers drop what they have, so a step that was lost is simply done again. */
export const redeliverAct: Step = async (act, { call }) => {
  const { after, upTo } = Input.parse(act.input)
  const cursor = act.progress === null ? after : Progress.parse(act.progress).cursor
  const to = Math.min(upTo, cursor + mostSaid)
  const { republish, getState } = standardContract(act.service ?? '')
  const total = act.total ?? sizeOf({ after, upTo }, must(await call(getState, {}, behalfOf(act))).stream.head)
  const said = mustOf(await call(republish, { from: cursor + 1, to }, behalfOf(act)))
  const came = Array.from({ length: said.count }, (): Came<ActResult> => ({ what: 'said' }))
  // Nothing said: the log ends before the range does.
  const ended = said.upTo >= upTo || said.count === 0
  return stepped(act, came, { progress: { cursor: said.upTo }, ended, total })
}
