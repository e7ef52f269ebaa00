// Rows and what was seen as the contract says them: moments are texts there.
import type { Output } from '../../kernel/contract.ts'
import type { operations } from './contract.ts'
import type { ForkSeen, State } from './observation.ts'
import type { Progress } from './rules/rounds.ts'
import type { ActRow } from './store/acts.ts'
import type { DifferenceRow, ReconciliationRow } from './store/differences.ts'
import type { UndeliveredRow, Watch } from './store/watch.ts'

type Overview = Output<typeof operations.getOverview>

const before = (at: Date, ms: number): string => new Date(at.getTime() - ms).toISOString()
const isoOf = (at: Date | null): string | null => at?.toISOString() ?? null

export const servicesOnWire = (watch: Watch): Overview['services'] => [
  ...watch.observation.services.map(({ name, state, silentMs, silentReason }) => ({
    name,
    seenAt: state && before(watch.at, silentMs),
    silentSince: silentMs > 0 ? before(watch.at, silentMs) : null,
    silentReason,
    stream: state && { stream: name, ...withoutHeadId(state.stream) },
    instances: instancesOnWire(watch, name),
  })),
  ...reportedOnWire(watch),
]

/** Who only reports is seen by that, and is not missed without. */
const reportedOnWire = (watch: Watch): Overview['services'] => {
  const { services, instances } = watch.observation
  const watched = new Set(services.map(({ name }) => name))
  const reported = Map.groupBy(instances, ({ service }) => service)
  return [...reported]
    .filter(([name]) => !watched.has(name))
    .map(([name, same]) => ({
      name,
      seenAt: before(watch.at, Math.min(...same.map(({ seenMs }) => seenMs))),
      silentSince: null,
      silentReason: null,
      stream: null,
      instances: instancesOnWire(watch, name),
    }))
}

const instancesOnWire = ({ at, observation }: Watch, name: string): Overview['services'][number]['instances'] =>
  observation.instances
    .filter(({ service }) => service === name)
    .map(({ instance, startedAt, seenMs, troubles, breakers }) => ({
      instance,
      startedAt,
      seenAt: before(at, seenMs),
      troubles: Object.entries(troubles).map(([part, what]) => ({ part, what })),
      breakers: Object.entries(breakers).map(([service, is]) => ({ service, state: is })),
    }))

const withoutHeadId = ({ headEventId: _id, ...stream }: State['stream']) => stream

export const consumersOnWire = ({ observation }: Watch): Overview['consumers'] =>
  observation.services.flatMap(({ name: service, state }) =>
    (state?.positions ?? []).map(({ consumer, stream, number, epoch, state: is, reason, movedAt, parked }) => {
      const lag = observation.lags.find(
        (one) => one.service === service && one.consumer === consumer && one.stream === stream,
      )
      const head = lag?.head ?? null
      return {
        service,
        consumer,
        stream,
        number,
        head,
        behind: Math.max(0, (head ?? number) - number),
        behindMs: lag?.behindMs ?? 0,
        movedAt,
        epoch,
        state: is,
        reason,
        parked,
        fork: forkOf(observation.forks, { service, consumer, number, epoch }),
      }
    }),
  )

const forkOf = (
  forks: readonly ForkSeen[],
  of: Pick<ForkSeen, 'service' | 'consumer' | 'number' | 'epoch'>,
): Overview['consumers'][number]['fork'] => {
  const fork = forks.find(
    (one) =>
      one.service === of.service && one.consumer === of.consumer && one.number === of.number && one.epoch === of.epoch,
  )
  return fork ? { agreedAt: fork.agreedAt, differsAt: fork.agreedAt + 1 } : null
}

export const groupsOnWire = ({ observation }: Watch): Overview['parkedGroups'] =>
  observation.services.flatMap(({ name: service, state }) =>
    (state?.parkedGroups ?? []).map((group) => ({ service, ...group })),
  )

export const jobsOnWire = ({ observation }: Watch): Overview['jobs'] =>
  observation.services.flatMap(({ name: service, state }) => (state?.jobs ?? []).map((job) => ({ service, ...job })))

export const undeliveredOnWire = ({ since, healedAt, ...row }: UndeliveredRow): Overview['undelivered'][number] => ({
  ...row,
  since: since.toISOString(),
  healedAt: isoOf(healedAt),
})

export const actOnWire = (row: ActRow): Output<typeof operations.getAct> => {
  const { step: _step, progress: _progress, requestedAt, startedAt, finishedAt, ...act } = row
  return {
    ...act,
    kind: act.kind as Output<typeof operations.getAct>['kind'],
    results: [...act.results],
    requestedAt: requestedAt.toISOString(),
    startedAt: isoOf(startedAt),
    finishedAt: isoOf(finishedAt),
  }
}

export const differenceOnWire = ({
  since,
  seenAt,
  goneAt,
  ...row
}: DifferenceRow): Output<typeof operations.listDifferences>['differences'][number] => ({
  ...row,
  since: since.toISOString(),
  seenAt: seenAt.toISOString(),
  goneAt: isoOf(goneAt),
})

export const reconciliationOnWire = (row: ReconciliationRow): Overview['reconciliations'][number] => {
  const progress = row.progress as Progress | null
  return {
    name: row.name,
    upTo: progress?.upTo ?? 0,
    round: { cursor: progress?.cursor ?? 0, startedAt: progress?.startedAt ?? null },
    lastRound: lastRoundOf(row),
    steppedAt: isoOf(row.steppedAt),
    waiting: row.waiting,
  }
}

const lastRoundOf = ({ lastRoundAt, lastRoundCompared, lastRoundMs }: ReconciliationRow) =>
  lastRoundAt && { finishedAt: lastRoundAt.toISOString(), compared: lastRoundCompared ?? 0, tookMs: lastRoundMs ?? 0 }
