// Acts on parked events: by their numbers, or all that failed in the same way. Each chunk is saved before it is done, so
// that after a crash the very same commands are given again.
import { z } from 'zod'
import { isRefusal, must } from '../../../kernel/result.ts'
import { standardContract } from '../../../kernel/standard.ts'
import type { Came } from '../rules/tally.ts'
import type { ActRow, SteppedAct } from '../store/acts.ts'
import type { ActResult } from '../vocabulary.ts'
import { behalfOf, mustOf, type Step, stepped, type Stepping } from './step.ts'

const chunkSize = 100

const Input = z.object({ numbers: z.array(z.int()).optional(), fingerprint: z.string().optional() })
const Progress = z.object({
  /** To be done next; null when they are to be found first. */
  chunk: z.array(z.int()).nullable(),
  /** How many chunks there were: what is said about a chunk is said under the same key, however often. */
  turn: z.int(),
  /** Numbers that were asked for and come after the chunk. */
  left: z.array(z.int()),
  /** Mark of the page of the group behind the chunk; null when there is none. */
  after: z.string().nullable(),
})
type Progress = z.infer<typeof Progress>

/** What becomes of the events of one chunk. */
type Doing = (
  act: ActRow,
  of: { service: string; consumer: string },
  chunk: { readonly numbers: readonly number[]; readonly turn: number },
  stepping: Stepping,
) => Promise<Came<ActResult>[]>

const parkedAct =
  (from: 'parked' | 'discarded', doing: Doing): Step =>
  async (act, stepping) => {
    const of = { service: act.service ?? '', consumer: act.consumer ?? '' }
    const progress = act.progress === null ? null : Progress.parse(act.progress)
    if (progress?.chunk == null) return find(act, of, from, progress, stepping)
    const came = await doing(act, of, { numbers: progress.chunk, turn: progress.turn }, stepping)
    const ended = progress.left.length === 0 && progress.after === null
    return stepped(act, came, { progress: { ...progress, chunk: null }, ended })
  }

/** Saves which events the next step is about. */
const find = async (
  act: ActRow,
  of: { service: string; consumer: string },
  state: 'parked' | 'discarded',
  progress: Progress | null,
  { call }: Stepping,
): Promise<SteppedAct> => {
  const { numbers, fingerprint } = Input.parse(act.input)
  const turn = (progress?.turn ?? 0) + 1
  if (fingerprint === undefined) {
    const left = progress?.left ?? [...new Set(numbers)].toSorted((a, b) => a - b)
    const next = { chunk: left.slice(0, chunkSize), left: left.slice(chunkSize), after: null, turn }
    return stepped(act, [], { progress: next, ended: false, total: act.total ?? left.length })
  }
  const page = await call(
    standardContract(of.service).getParked,
    {
      consumer: of.consumer,
      fingerprint,
      state,
      limit: chunkSize,
      ...(progress?.after ? { after: progress.after } : {}),
    },
    behalfOf(act),
  )
  const { parked, next: after } = mustOf(page)
  const next = { chunk: parked.map(({ number }) => number), left: [], after, turn }
  const total = act.total ?? (await sizeOfGroup(act, of, { fingerprint, state }, { call }))
  return stepped(act, [], { progress: next, ended: parked.length === 0, total })
}

const sizeOfGroup = async (
  act: ActRow,
  { service, consumer }: { service: string; consumer: string },
  { fingerprint, state }: { fingerprint: string; state: 'parked' | 'discarded' },
  { call }: Pick<Stepping, 'call'>,
): Promise<number | null> => {
  const { parkedGroups } = must(await call(standardContract(service).getState, {}, behalfOf(act)))
  const groups = parkedGroups.filter((group) => group.consumer === consumer && group.fingerprint === fingerprint)
  if (groups.length === 0) return null
  return groups.reduce((sum, group) => sum + (state === 'parked' ? group.count : group.discarded), 0)
}

export const retryAct = parkedAct('parked', async (act, { service, consumer }, { numbers, turn }, { call }) => {
  const { retryParkedEvents } = standardContract(service)
  const outcome = await call(retryParkedEvents, { consumer, numbers: [...numbers] }, behalfOf(act, `chunk-${turn}`))
  return mustOf(outcome).results.map(({ result }) =>
    result === 'applied' || result === 'absent' ? { what: result } : { what: 'still_parked', detail: result },
  )
})

export const discardAct = parkedAct('parked', async (act, { service, consumer }, { numbers }, { call }) => {
  const { discardParked } = standardContract(service)
  return eachOf(numbers, 'discarded', (number) =>
    call(discardParked, { consumer, number, reason: act.reason ?? '' }, behalfOf(act, number)),
  )
})

export const restoreAct = parkedAct('discarded', async (act, { service, consumer }, { numbers }, { call }) => {
  const { restoreParked } = standardContract(service)
  return eachOf(numbers, 'restored', (number) => call(restoreParked, { consumer, number }, behalfOf(act, number)))
})

/** One after the other; what somebody else has decided about meanwhile is left as it is. */
const eachOf = async (
  numbers: readonly number[],
  what: ActResult,
  doing: (number: number) => Promise<Parameters<typeof mustOf>[0]>,
): Promise<Came<ActResult>[]> => {
  const came: Came<ActResult>[] = []
  for (const number of numbers) {
    const outcome = await doing(number)
    const gone = isRefusal(outcome) && (outcome.refused === 'not_parked' || outcome.refused === 'not_discarded')
    if (!gone) mustOf(outcome)
    came.push({ what: gone ? 'absent' : what })
  }
  return came
}
