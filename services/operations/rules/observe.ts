// Judges what is remembered: who is silent, who is behind and for how long, and what did not arrive.
import type { DifferencesSeen, InstanceSeen, Lag, Observation, ServiceSeen, UndeliveredSeen } from '../observation.ts'
import { keyOf, type Memory, type ServiceMemory } from './memory.ts'
import { onlyLate, producerSilent } from './reasons.ts'

const serviceSeen =
  (nowMs: number) =>
  (one: ServiceMemory): ServiceSeen => ({
    name: one.name,
    // Somebody who does not answer is silent, however short.
    silentMs: one.silentSince === null ? 0 : Math.max(1, nowMs - one.silentSince),
    silentReason: one.silentReason,
    answeringMs: one.answeringSince === null ? 0 : nowMs - one.answeringSince,
    state: one.state,
  })

const instancesSeen = ({ instances }: Memory, nowMs: number): InstanceSeen[] =>
  instances.map(({ seenAt, ...one }) => ({ ...one, seenMs: nowMs - seenAt }))

/** How far each consumer is behind the heads that were seen while its service answered. */
const lagsOf = (memory: Memory, nowMs: number): Lag[] =>
  memory.services.flatMap(({ name: service, state, answeringSince }) =>
    (state?.positions ?? []).map(({ consumer, stream, number, state: is, reason }): Lag => {
      const sightings = memory.heads.get(stream) ?? []
      const head = sightings.at(-1)?.number ?? null
      const ahead = sightings.find((sighting) => sighting.number > number)
      const watched = answeringSince ?? nowMs
      const since = memory.positions.get(keyOf(service, consumer, stream))?.since ?? nowMs
      return {
        service,
        consumer,
        stream,
        number,
        head,
        behindMs: ahead ? nowMs - Math.max(ahead.at, watched) : 0,
        movedMs: nowMs - Math.max(since, watched),
        state: is,
        reason,
      }
    }),
  )

/** What did not arrive, as it is kept. */
export interface OpenUndelivered {
  readonly id: number
  readonly service: string
  readonly consumer: string
  readonly stream: string
  readonly after: number
  readonly head: number
  readonly reason: string
  readonly since: Date
}

export type FoundUndelivered = Omit<OpenUndelivered, 'id'>

export interface Judged {
  /** To be opened, or brought up to date. */
  readonly found: readonly FoundUndelivered[]
  readonly healed: readonly number[]
  readonly open: readonly FoundUndelivered[]
}

/** A hole that is younger may be explained by what is on its way, or by a long transaction of the consumer. */
const noticedMs = 2_000

type Of = Pick<Lag, 'service' | 'consumer' | 'stream'>
const isOf = (one: Of) => (other: Of) =>
  one.service === other.service && one.consumer === other.consumer && one.stream === other.stream

/** What has not arrived for longer than it may take, what of it is new, and what of that before has healed. */
export const judgeUndelivered = (
  services: readonly ServiceSeen[],
  lags: readonly Lag[],
  before: readonly OpenUndelivered[],
  at: Date,
): Judged => {
  const late = lags.flatMap((lag) => lateOf(lag, services, before.find(isOf(lag)), at) ?? [])
  const healed = before.filter((row) => !late.some(isOf(row)) && isHealed(row, services, lags))
  const found = late.filter((one) => {
    const row = before.find(isOf(one))
    return row?.after !== one.after || row.head !== one.head || row.reason !== one.reason
  })
  const open = [...before.filter((row) => !healed.includes(row) && !late.some(isOf(row))), ...late]
  return { found, healed: healed.map(({ id }) => id), open }
}

const lateOf = (
  lag: Lag,
  services: readonly ServiceSeen[],
  row: OpenUndelivered | undefined,
  at: Date,
): FoundUndelivered | null => {
  const { service, consumer, stream, number, state, behindMs, movedMs } = lag
  if (state !== 'running') return null
  const own = services.find(({ name }) => name === service)
  // What one of its processes has heard of by the bus counts also while the producer does not answer us.
  const said =
    own?.silentMs === 0
      ? own.state?.undelivered.find((one) => one.consumer === consumer && one.stream === stream)
      : undefined
  const heard = said && said.head > number && said.forMs >= noticedMs ? said : undefined
  const stuck = behindMs >= noticedMs && movedMs >= noticedMs
  if (!stuck && !heard) return null
  const sinceMs = Math.max(stuck ? behindMs : 0, heard?.forMs ?? 0)
  return {
    service,
    consumer,
    stream,
    after: number,
    head: Math.max(lag.head ?? 0, heard?.head ?? 0, row?.head ?? 0),
    reason: said?.reason ?? row?.reason ?? reasonOf(stream, services),
    since: row?.since ?? new Date(at.getTime() - Math.round(sinceMs)),
  }
}

const reasonOf = (stream: string, services: readonly ServiceSeen[]): string => {
  const producer = services.find(({ name }) => name === stream)
  return producer && producer.silentMs > 0 ? producerSilent(producer.silentReason) : onlyLate
}

/** It has arrived, or there is nothing any more that could: the producer has another history, or the consumer is gone. */
const isHealed = (row: OpenUndelivered, services: readonly ServiceSeen[], lags: readonly Lag[]): boolean => {
  const own = services.find(({ name }) => name === row.service)
  if (!own || own.silentMs > 0) return false
  const lag = lags.find(isOf(row))
  const producer = services.find(({ name }) => name === row.stream)
  const rewound = producer?.silentMs === 0 && (producer.state?.stream.head ?? row.head) < row.head
  return lag === undefined || lag.number >= row.head || rewound
}

export interface Known {
  readonly at: Date
  readonly undelivered: readonly OpenUndelivered[]
  readonly differences: DifferencesSeen
}

/** The whole observation, and what is to be written down of what did not arrive. */
export const observe = (memory: Memory, { at, undelivered, differences }: Known, nowMs: number) => {
  const services = memory.services.map(serviceSeen(nowMs))
  const lags = lagsOf(memory, nowMs)
  const judged = judgeUndelivered(services, lags, undelivered, at)
  const observation: Observation = {
    at,
    watchingMs: nowMs - memory.watchingSince,
    services,
    instances: instancesSeen(memory, nowMs),
    lags,
    undelivered: judged.open.map((row) => openSeen(row, at)),
    differences,
  }
  return { observation, judged }
}

const openSeen = ({ since, ...row }: FoundUndelivered, at: Date): UndeliveredSeen => ({
  service: row.service,
  consumer: row.consumer,
  stream: row.stream,
  after: row.after,
  head: row.head,
  reason: row.reason,
  openMs: Math.max(0, at.getTime() - since.getTime()),
})
