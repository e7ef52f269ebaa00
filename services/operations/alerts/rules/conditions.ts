// What is wrong in one observation, before anybody asks for how long.
import type { Observation, State } from '../../observation.ts'
import { type AlertName, catalog } from './catalog.ts'

/** Facts about a condition that its text names: numbers, durations in milliseconds (`...Ms`), and words. */
export type Details = Readonly<Record<string, Detail>>
export type Detail = string | number | null

export interface Condition {
  readonly name: AlertName
  /** What it is about; with the name it tells one alert from another. */
  readonly about: string
  /** The service that must have been seen to know this; null when none. */
  readonly service: string | null
  /** Tells growth, which is said again: how much of it there is. */
  readonly size: number
  readonly details: Details
}

/** A way to people, as the deliveries know it. */
export interface ChannelState {
  readonly channel: string
  /** How long its first undelivered message has failed; 0 when nothing waits. */
  readonly failingMs: number
  readonly attempts: number
  readonly waiting: number
  readonly error: string | null
}

const condition = (
  name: AlertName,
  about: string,
  service: string | null,
  details: Details,
  size = 0,
): readonly Condition[] => [{ name, about, service, size, details }]

const over = (name: AlertName, value: number): boolean => value > catalog[name].threshold

type Service = Observation['services'][number]
type Seen = Service & { readonly state: State }

const isSeen = (service: Service): service is Seen => service.silentMs === 0 && service.state !== null

const ofStream = ({ name, state: { stream } }: Seen): readonly Condition[] =>
  (
    [
      ['EventsUnnumbered', stream.oldestUnnumberedMs],
      ['EventsUnpublished', stream.oldestUnpublishedMs],
      ['OldSnapshot', stream.oldestSnapshotMs],
    ] as const
  ).flatMap(([alert, ageMs]) => (over(alert, ageMs) ? condition(alert, name, name, { ageMs }) : []))

const consumerOf = ({ service, consumer, stream }: { service: string; consumer: string; stream: string }): string =>
  `${consumer} of ${service} in ${stream}`

const isSame = (a: { consumer: string; stream: string }, b: { consumer: string; stream: string }): boolean =>
  a.consumer === b.consumer && a.stream === b.stream

const ofConsumers = ({ name, state: { positions, parkedGroups } }: Seen): readonly Condition[] =>
  positions.flatMap((position) => {
    const { state, reason, parked, number } = position
    const about = consumerOf({ ...position, service: name })
    const error = parkedGroups.find((group) => isSame(group, position) && group.count > 0)?.error ?? null
    return [
      ...(over('EventsParked', parked) ? condition('EventsParked', about, name, { count: parked, error }, parked) : []),
      ...(state === 'running' ? [] : condition('ConsumerStopped', about, name, { state, reason, number })),
    ]
  })

/**
 * Each process has breakers of its own; one that is not closed in any of them is told. One that tries is not well yet:
 * a service that hangs keeps each trial waiting, so that looks find it half-open as often as open.
 */
const ofBreakers = (observation: Observation): readonly Condition[] => {
  const unseen = unseenIn(observation)
  const cut = observation.instances
    .filter(({ service }) => !unseen.has(service))
    .flatMap(({ service, breakers }) =>
      Object.entries(breakers).flatMap(([called, state]) => (state === 'closed' ? [] : [{ service, called }])),
    )
  const byWay = new Map(cut.map((one) => [`${one.service} to ${one.called}`, one.service]))
  return [...byWay].flatMap(([about, service]) => condition('BreakerOpen', about, service, {}))
}

/** Jobs of one name take turns: those behind the first wait for it, and that is no trouble of theirs. */
const ofJobs = ({ name, state }: Seen): readonly Condition[] => {
  const open = state.jobs.filter(({ state: job }) => ['queued', 'running', 'waiting'].includes(job))
  return [...Map.groupBy(open, (job) => job.name).values()].flatMap((jobs) => {
    const job = jobs.reduce((a, b) => (a.id < b.id ? a : b))
    const since = job.steppedAt ?? job.startedAt ?? job.requestedAt
    const idleMs = Date.parse(state.now) - Date.parse(since)
    const details = { id: job.id, idleMs, reason: job.trouble ?? job.reason }
    return over('JobStuck', idleMs) ? condition('JobStuck', `${job.name} of ${name}`, name, details) : []
  })
}

const ofSilence = ({ name, silentMs, silentReason }: Service): readonly Condition[] =>
  over('ProducerSilent', silentMs) ? condition('ProducerSilent', name, null, { silentMs, reason: silentReason }) : []

const ofUndelivered = ({ undelivered }: Observation): readonly Condition[] =>
  undelivered.flatMap((one) => {
    const { service, after, head, openMs, reason } = one
    return over('EventsUndelivered', openMs)
      ? condition('EventsUndelivered', consumerOf(one), service, { after, head, openMs, reason })
      : []
  })

/** Whoever stands still misses something, and whoever is stopped was stopped: both have alerts of their own. */
const ofLags = ({ lags, undelivered }: Observation): readonly Condition[] =>
  lags.flatMap((lag) => {
    const { service, number, head, behindMs, state } = lag
    const stands = undelivered.some((one) => one.service === service && isSame(one, lag))
    return over('ConsumerLag', behindMs) && state === 'running' && !stands
      ? condition('ConsumerLag', consumerOf(lag), service, { number, head, behindMs })
      : []
  })

const ofReconciliation = ({ differences }: Observation): readonly Condition[] => {
  const { open, oldestMs, idleMs, ledgerUnbalanced } = differences
  return [
    ...(open > 0 && over('ReconciliationDifference', oldestMs)
      ? condition('ReconciliationDifference', 'the ledger', null, { count: open }, open)
      : []),
    ...(over('ReconciliationStalled', idleMs)
      ? condition('ReconciliationStalled', 'reconciliation', null, { idleMs })
      : []),
    ...(ledgerUnbalanced ? condition('LedgerUnbalanced', 'the ledger', null, {}) : []),
  ]
}

const ofChannels = (channels: readonly ChannelState[]): readonly Condition[] =>
  channels.flatMap(({ channel, failingMs, attempts, waiting, error }) =>
    over('AlertChannelDown', failingMs)
      ? condition('AlertChannelDown', channel, null, { failingMs, attempts, waiting, error })
      : [],
  )

export const conditionsIn = (observation: Observation, channels: readonly ChannelState[]): readonly Condition[] => [
  ...observation.services
    .filter(isSeen)
    .flatMap((service) => [...ofStream(service), ...ofConsumers(service), ...ofJobs(service)]),
  ...observation.services.flatMap(ofSilence),
  ...ofBreakers(observation),
  ...ofUndelivered(observation),
  ...ofLags(observation),
  ...ofReconciliation(observation),
  ...ofChannels(channels),
]

/** Services of which nothing is known now. */
export const unseenIn = ({ services }: Observation): ReadonlySet<string> =>
  new Set(services.filter((service) => !isSeen(service)).map(({ name }) => name))
