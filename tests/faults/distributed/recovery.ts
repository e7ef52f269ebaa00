// How a distributed aTES comes through a fault: how soon events are applied again, by which way, and what it said of it.
import { until } from '../settled.ts'
import type { ServiceGround } from '../grounds.ts'
import { progressOf, untilRecovered } from '../recovery.ts'
import type { Callee, Desk } from '../stage.ts'
import type { Deployment, Part } from './deployment.ts'
import { sumOf } from '../metrics.ts'

/** Numbers of the task tracker's stream: events in all, the last one in the ledger, the last one at the broker. */
export const progress = ({ stage }: Deployment<ServiceGround>) => progressOf(stage.query)

/** Sends commands to any replica until one of their events is in the ledger; fails when that takes too long. */
export const recovers = (deployment: Deployment<ServiceGround>): Promise<void> =>
  untilRecovered(deployment.stage, deployment)

const read = async (parts: readonly Part[], name: string, labels: Readonly<Record<string, string>>) => {
  const samples = await Promise.all(parts.filter(({ isAlive }) => isAlive).map((part) => part.metrics()))
  return sumOf(samples.flat(), name, labels)
}

/** Events that the ledger had to read from the task tracker's log, as metrics say; for this reason, or in all. */
export const fetched = (
  deployment: Deployment<ServiceGround>,
  why?: 'start' | 'late' | 'silent' | 'full',
): Promise<number> =>
  read(deployment.of('accounting'), 'ates_consumer_fetched_events_total', {
    consumer: 'ledger',
    ...(why ? { why } : {}),
  })

/** Resolves when metrics show that events are overdue at the ledger. */
export const undeliveredShown = (deployment: Deployment<ServiceGround>): Promise<void> =>
  until(
    () => 'the undelivered events are shown',
    async () =>
      (await read(deployment.of('accounting'), 'ates_consumer_undelivered_seconds', { consumer: 'ledger' })) > 0,
  )

/** Resolves when metrics show events that the broker has not taken. */
export const unpublishedShown = (deployment: Deployment<ServiceGround>): Promise<void> =>
  until(
    () => 'the unpublished events are shown',
    async () =>
      (await read(deployment.of('task-tracker'), 'ates_stream_unpublished_seconds', { service: 'task-tracker' })) > 0,
  )

/** Events are applied, and nobody reads the log for them: the broker brings them again. */
export const broughtByBroker = (deployment: Deployment<ServiceGround>): Promise<void> => {
  const { stage } = deployment
  return until(
    () => 'events are brought by the broker',
    async () => {
      const before = await fetched(deployment)
      for (let event = 0; event < 3; event += 1) await stage.send(deployment, stage.clients.create())
      await stage.settled()
      return (await fetched(deployment)) === before
    },
  )
}

/** What is said where operations does not run, and so nobody watches. */
const nobodyWatches = /: the watcher: /

/** No part of it says that anything is wrong, and nothing is overdue. */
export const healthy = (deployment: Deployment<ServiceGround>): Promise<void> => {
  const isWatched = deployment.of('operations').length > 0
  let said: string[] = []
  return until(
    () => `all are well; they say ${said.join('; ')}`,
    async () => {
      const troubles = (await Promise.all(deployment.parts.filter(({ isAlive }) => isAlive).map(troublesOf))).flat()
      said = troubles.filter((trouble) => isWatched || !nobodyWatches.test(trouble))
      return said.length === 0
    },
  )
}

/** What a part says is wrong with it. */
export const troublesOf = async ({ name, metricsPort }: Part): Promise<string[]> => {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/health/ready`)
  const { troubles } = (await response.json()) as { troubles: Record<string, string> }
  return Object.entries(troubles).map(([part, trouble]) => `${name}: ${part}: ${trouble}`)
}

/** Sends `count` commands and does `harm` somewhere among them; then insists on those that were not answered. */
export const amidTraffic = async (
  deployment: Deployment<ServiceGround>,
  count: number,
  harm: () => Promise<unknown>,
  by: Callee | Desk = deployment,
): Promise<void> => {
  const { stage } = deployment
  const traffic = stage.traffic(by, count, 8)
  const moment = stage.journal.attempts.length + stage.draw(1, count >> 1)
  await stage.until('some answers', async () => stage.journal.attempts.length >= moment)
  await harm()
  for (const order of await traffic) await stage.insist(() => by, order)
}
