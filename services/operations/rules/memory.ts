// What a watcher remembers from look to look, in milliseconds of its own watch: a clock that is set back or forward, time
// in which nobody watched, and time in which a service was away make nobody late.
import type { InstanceSeen, State } from '../observation.ts'

export interface ServiceMemory {
  readonly name: string
  readonly state: State | null
  readonly answeringSince: number | null
  readonly silentSince: number | null
  readonly silentReason: string | null
}

/** A head, and when it was first seen. */
export interface Sighting {
  readonly number: number
  readonly at: number
}

interface PositionMemory {
  readonly number: number
  readonly epoch: number
  /** When it was first seen there. */
  readonly since: number
}

type InstanceMemory = Omit<InstanceSeen, 'seenMs'> & { readonly seenAt: number }

export interface Memory {
  readonly watchingSince: number
  readonly lookedAt: number
  readonly services: readonly ServiceMemory[]
  readonly instances: readonly InstanceMemory[]
  /** By stream, ascending. */
  readonly heads: ReadonlyMap<string, readonly Sighting[]>
  readonly positions: ReadonlyMap<string, PositionMemory>
}

/** What came of asking one service. */
export interface Answer {
  readonly name: string
  readonly state: State | null
  /** Why there is no state. */
  readonly failure: string | null
}

export const keyOf = (service: string, consumer: string, stream: string): string => `${service} ${consumer} ${stream}`

/** Who has not looked for so long has slept, and must not count what may have happened meanwhile as a delay. */
const breakMs = 5_000
/** A process that has not answered for so long may be gone: any replica answers. */
const instanceMs = 30_000
/** What must be remembered of a stream's heads is thinned beyond this. */
const mostSightings = 600

export const newMemory = (nowMs: number, services: readonly ServiceMemory[] = []): Memory => ({
  watchingSince: nowMs,
  lookedAt: nowMs,
  services,
  instances: [],
  heads: new Map(),
  positions: new Map(),
})

/** What is remembered after one more look. */
export const remember = (before: Memory, answers: readonly Answer[], nowMs: number): Memory => {
  const slept = nowMs - before.lookedAt > breakMs
  const memory = slept ? newMemory(nowMs, before.services.map(woken)) : before
  const services = answers.map((answer) => seen(memory, answer, nowMs))
  const positions = positionsOf(memory, services, nowMs)
  return {
    watchingSince: memory.watchingSince,
    lookedAt: nowMs,
    services,
    instances: instancesOf(memory, answers, nowMs),
    heads: headsOf(memory, services, nowMs),
    positions,
  }
}

const woken = (service: ServiceMemory): ServiceMemory => ({ ...service, answeringSince: null })

const seen = ({ services, lookedAt }: Memory, { name, state, failure }: Answer, nowMs: number): ServiceMemory => {
  const before = services.find((service) => service.name === name)
  if (state)
    return { name, state, answeringSince: before?.answeringSince ?? nowMs, silentSince: null, silentReason: null }
  // It answered at the look before, if it was asked then.
  const since = before?.silentSince ?? (before?.answeringSince == null ? nowMs : lookedAt)
  return {
    name,
    state: before?.state ?? null,
    answeringSince: null,
    silentSince: since,
    silentReason: failure ?? 'no answer',
  }
}

const instancesOf = ({ instances }: Memory, answers: readonly Answer[], nowMs: number): InstanceMemory[] => {
  const fresh = answers.flatMap(({ state }): InstanceMemory[] =>
    state === null
      ? []
      : [
          {
            service: state.service,
            instance: state.instance,
            startedAt: state.startedAt,
            seenAt: nowMs,
            troubles: state.troubles,
            breakers: state.breakers,
          },
        ],
  )
  const kept = instances.filter(
    ({ service, instance, seenAt }) =>
      nowMs - seenAt <= instanceMs && !fresh.some((one) => one.service === service && one.instance === instance),
  )
  return [...fresh, ...kept].toSorted((a, b) => (`${a.service} ${a.instance}` < `${b.service} ${b.instance}` ? -1 : 1))
}

const positionsOf = ({ positions }: Memory, services: readonly ServiceMemory[], nowMs: number) =>
  new Map(
    services.flatMap(({ name, state }) =>
      (state?.positions ?? []).map(({ consumer, stream, number, epoch }): [string, PositionMemory] => {
        const key = keyOf(name, consumer, stream)
        const before = positions.get(key)
        const same = before?.number === number && before.epoch === epoch
        return [key, same ? before : { number, epoch, since: nowMs }]
      }),
    ),
  )

const headsOf = ({ heads }: Memory, services: readonly ServiceMemory[], nowMs: number) =>
  new Map(
    services.map(({ name, state }): [string, readonly Sighting[]] => {
      const before = heads.get(name) ?? []
      if (!state) return [name, before]
      const { head } = state.stream
      const last = before.at(-1)
      // A restored producer begins anew: what was seen of its other history delays nobody.
      if (last && head < last.number) return [name, [{ number: head, at: nowMs }]]
      const all = last?.number === head ? before : [...before, { number: head, at: nowMs }]
      return [name, thinned(reached(all, services, name))]
    }),
  )

/** Sightings that every consumer has passed tell nothing any more, but for the last one. */
const reached = (sightings: readonly Sighting[], services: readonly ServiceMemory[], stream: string) => {
  const numbers = services.flatMap(({ state }) =>
    (state?.positions ?? []).filter((position) => position.stream === stream).map(({ number }) => number),
  )
  const slowest = Math.min(...numbers)
  return sightings.filter(({ number }, index) => number > slowest || index === sightings.length - 1)
}

/** The oldest ones say since when a consumer is behind, so those between are left out. */
const thinned = (sightings: readonly Sighting[]): readonly Sighting[] =>
  sightings.length <= mostSightings
    ? sightings
    : sightings.filter((_, index) => index % 2 === 0 || index === sightings.length - 1)
