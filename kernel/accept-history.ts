// A person's decision after a restore, carried out: finds the last event that a consumer and its producer's log have in
// common, begins an epoch at the producer, and lets the consumer go on. Each step may be repeated.
import type { Behalf, Caller } from './caller.ts'
import { mostCompared } from './history-methods.ts'
import { isRefusal, must, ok, type Outcome, refuse } from './result.ts'
import type { NamedEvent } from './service.ts'
import { standardContract } from './standard.ts'

export interface Wanted {
  /** Whose consumer it is. */
  readonly service: string
  readonly consumer: string
  /** Where the person expects the histories to part; refused when they part elsewhere. */
  readonly after?: number
  readonly reason: string
  readonly dryRun: boolean
}

export interface Plan {
  readonly consumer: string
  readonly stream: string
  readonly epoch: number
  /** The last event that both histories have. */
  readonly after: number
  /** How far the lost history had been applied. What was applied after `after` stays applied. */
  readonly leftAt: number
  /** Where the producer's log ends now: what comes after `after` is applied. */
  readonly head: number
  readonly discarded: number
}

interface Meeting {
  readonly after: number
  readonly eventId: string | null
}

/** The last event of the log, up to this number, that the consumer has applied: pages of the log, newest first. */
const lastInCommon = async (
  call: Caller,
  { service, consumer, stream }: { service: string; consumer: string; stream: string },
  from: number,
  behalf: Behalf,
): Promise<Meeting> => {
  const own = standardContract(service)
  for (let upTo = from; upTo > 0; upTo -= mostCompared) {
    const named = await readNames(call, stream, Math.max(0, upTo - mostCompared), upTo, behalf)
    const { known } = must(await call(own.compareHistory, { consumer, events: named }, behalf))
    const last = named.find(({ number }) => number === known.at(-1))
    if (last) return { after: last.number, eventId: last.eventId }
  }
  return { after: 0, eventId: null }
}

/** Numbers and ids of the log's events above `after`, up to and with `upTo`. */
const readNames = async (
  call: Caller,
  stream: string,
  after: number,
  upTo: number,
  behalf: Behalf,
): Promise<NamedEvent[]> => {
  const named: NamedEvent[] = []
  for (let from = after; from < upTo;) {
    const input = { from, limit: upTo - from }
    const { events } = must(await call(standardContract(stream).readLog, input, behalf))
    named.push(...events.map(({ number, eventId }) => ({ number, eventId })))
    const last = events.at(-1)
    if (!last) throw new Error(`the log of ${stream} has no event ${from + 1}`)
    from = last.number
  }
  return named
}

/** Says what will happen, or with `dryRun: false` lets it happen. */
export const acceptOtherHistory = async (call: Caller, wanted: Wanted, behalf: Behalf): Promise<Outcome<Plan>> => {
  const { service, consumer, reason, dryRun } = wanted
  const own = standardContract(service)
  const { positions } = must(await call(own.getState, {}, behalf))
  const position = positions.find((one) => one.consumer === consumer)
  if (!position) return refuse('consumer_not_found')
  if (position.state !== 'forked') return refuse('not_forked', { state: position.state })
  const { stream, number } = position
  const log = must(await call(standardContract(stream).readLog, { from: 0, limit: 0 }, behalf))
  const compared = await call(own.compareHistory, { consumer, events: [] }, behalf)
  if (isRefusal(compared)) return compared
  const isKnown = compared.ok.goesOn === 'after what is known'
  const place = { service, consumer, stream }
  const { after, eventId } = await lastInCommon(call, place, isKnown ? Math.min(number, log.head) : 0, behalf)
  if (wanted.after !== undefined && wanted.after !== after) return refuse('parts_elsewhere', { after })
  const epoch = Math.max(log.epoch, position.epoch + 1)
  if (!dryRun) must(await call(standardContract(stream).beginEpoch, { epoch, reason }, behalf))
  const accepted = await call(own.acceptEpoch, { consumer, epoch, after, eventId, reason, dryRun }, behalf)
  return isRefusal(accepted) ? accepted : ok({ consumer, stream, head: log.head, ...accepted.ok })
}
