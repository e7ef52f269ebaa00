// What the operations page shows, as lines of a terminal.
import type { Output } from './kernel/contract.ts'
import type { operations } from './services/operations/contract.ts'

type Overview = Output<typeof operations.getOverview>
type Service = Overview['services'][number]
type Alert = Output<typeof operations.listAlerts>['alerts'][number]
type Difference = Output<typeof operations.listDifferences>['differences'][number]
type Act = Output<typeof operations.getAct>
type Outcomes = Output<typeof operations.planDelivery>['outcomes']

const inBrackets = (text: string | null): string => (text === null ? '' : ` (${text})`)

/** Web says nothing that would have a number. */
const serviceLines = ({ name, stream, silentSince, silentReason }: Service): string[] => {
  if (silentSince) return [`${name}: silent since ${silentSince}, ${silentReason}`]
  if (stream === null) return []
  return [`${name}: head ${stream.head}, published ${stream.published}, ${stream.unnumbered} without a number`]
}

const processLines = ({ name, instances }: Service): string[] => [
  `${name}: ${instances.length === 1 ? '1 process' : `${instances.length} processes`} in the last half minute`,
  ...instances.flatMap(({ instance, startedAt, troubles, breakers }) => [
    ...troubles.map(({ part, what }) => `trouble in ${name}, process ${instance} since ${startedAt}: ${part}: ${what}`),
    ...breakers
      .filter(({ state }) => state !== 'closed')
      .map(({ service, state }) => `breaker from ${name}, process ${instance}, to ${service}: ${state}`),
  ]),
]

const consumerLines = ({ consumers }: Overview): string[] =>
  consumers.flatMap(({ service, consumer, stream, number, behind, state, reason, parked, fork }) => [
    `${service} ${consumer}: at ${number} of ${stream}, ${behind} behind, ${state}${inBrackets(reason)}, ${parked} parked`,
    ...(fork === null
      ? []
      : [
          `${service} ${consumer}: agrees with ${stream} up to ${fork.agreedAt}, differs from ${fork.differsAt ?? '?'}`,
        ]),
  ])

const openStates: readonly string[] = ['queued', 'running', 'waiting']

const jobLines = ({ jobs }: Overview): string[] =>
  jobs
    .filter(({ state }) => openStates.includes(state))
    .map(({ service, name, id, state, reason, progress, steppedAt, requestedAt, trouble }) => {
      const last = steppedAt === null ? `asked for ${requestedAt}` : `last step ${steppedAt}`
      const how = trouble === null ? '' : `, trouble: ${trouble}`
      return `job ${id} ${name} of ${service}: ${state}${inBrackets(reason)}, ${last}, progress ${JSON.stringify(progress)}${how}`
    })

export const statusLines = (seen: Overview): string[] => {
  const explained = seen.explainedDifferences === 0 ? '' : ` (and ${seen.explainedDifferences} of discarded events)`
  return [
    seen.observedAt === null ? 'nobody has looked yet' : `looked at ${seen.observedAt}`,
    ...seen.services.flatMap(serviceLines),
    ...seen.services.flatMap(processLines),
    ...consumerLines(seen),
    ...seen.undelivered
      .filter(({ healedAt }) => healedAt === null)
      .map(
        ({ service, consumer, after, head, since, reason }) =>
          `not delivered to ${service} ${consumer}: ${after + 1} to ${head}, since ${since}, ${reason}`,
      ),
    ...seen.parkedGroups.map(
      ({ service, consumer, fingerprint, count, type, error }) =>
        `parked by ${service} ${consumer}: ${count} ${type}, group ${fingerprint}: ${error}`,
    ),
    ...jobLines(seen),
    ...seen.reconciliations.map(
      ({ name, upTo, lastRound, waiting }) =>
        `compared ${name}: up to ${upTo}, last round ${lastRound?.finishedAt ?? 'not ended yet'}${waiting ? `, ${waiting}` : ''}`,
    ),
    `${seen.openDifferences} differences${explained}, ${seen.openAlerts} alerts, ${seen.openActs} acts in progress`,
  ]
}

export const alertLine = ({ name, severity, about, since, clearedAt, text }: Alert): string =>
  `${since} ${name} (${severity}) ${about}: ${clearedAt === null ? 'raised' : `cleared ${clearedAt}`}: ${text}`

export const differenceLine = (one: Difference): string => {
  const state = one.goneAt === null ? (one.explained === null ? 'still there' : 'explained') : `gone ${one.goneAt}`
  const why = one.explained === null ? '' : `, discarded: ${one.explained}`
  return `${one.since} ${one.name} ${one.about}: ${one.what}, ${state}, expected ${one.expected ?? 'nothing'}, found ${one.found ?? 'nothing'}${why}`
}

const whoOf = ({ requestedBy, requestedByName }: Act): string => {
  if (requestedBy !== null) return requestedByName ?? `person ${requestedBy}`
  return requestedByName === null ? 'command line' : `${requestedByName} at the command line`
}

export const actLine = (one: Act): string => {
  const about = [one.kind, one.service, one.consumer, one.reason].filter((part) => part !== null).join(' ')
  return `${one.requestedAt} ${whoOf(one)}: act ${one.id}: ${about}: ${one.state}, ${one.done} done, ${one.failed} failed`
}

export const outcomeLines = (outcomes: Outcomes): string[] =>
  outcomes.map(({ outcome, count }) => `${outcome}: ${count}`)
