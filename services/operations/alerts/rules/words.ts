// What an alert says to people, in plain words: a subject, and a text with what to do.
import { type AlertName, catalog } from './catalog.ts'
import type { Detail, Details } from './conditions.ts'
import type { AlertState, Change } from './judge.ts'

/** Undefined where a condition did not find what its sentence names, which a test sees. */
type Fact = Detail | undefined

const duration = (ms: Fact): string => {
  const seconds = Math.round(Number(ms) / 1_000)
  if (seconds < 120) return `${seconds} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`
}

const counted = (value: Fact, one: string, many: string): string => `${value} ${value === 1 ? one : many}`
const because = (reason: Fact): string => ((reason ?? '') === '' ? '' : `: ${reason}`)

const sentences: Readonly<Record<AlertName, (about: string, details: Details) => string>> = {
  EventsUnnumbered: (about, { ageMs }) =>
    `A committed event of ${about} has waited ${duration(ageMs)} for its number. Nobody hears of it before it has one.`,
  EventsUnpublished: (about, { ageMs }) =>
    `An event of ${about} has not reached the bus for ${duration(ageMs)}. Consumers read the log instead, a little later.`,
  EventsUndelivered: (about, { after, head, openMs, reason }) =>
    `${about} stands still at event ${after}, though there are events up to ${head}, since ${duration(openMs)}${because(reason)}.`,
  ProducerSilent: (about, { silentMs, reason }) =>
    `${about} has not answered for ${duration(silentMs)}${because(reason)}.`,
  EventsParked: (about, { count: parked, error }) =>
    `${about}: ${counted(parked, 'event', 'events')} could not be applied and wait for a person${because(error)}.`,
  ConsumerLag: (about, { number, head, behindMs }) =>
    `${about} is at event ${number} and has not reached event ${head}, which is ${duration(behindMs)} old. It moves.`,
  ConsumerStopped: (about, { state, number, reason }) =>
    `${about} is ${state === 'forked' ? 'stopped by a fork' : 'paused'} at event ${number}${because(reason)}.`,
  BreakerOpen: (about) => `Calls from ${about} fail so often that they are not tried any more, but for a probe.`,
  ReconciliationDifference: (about, details) =>
    `${counted(details['count'], 'event has', 'events have')} not the effects in ${about} that the log says.`,
  ReconciliationStalled: (_about, { idleMs }) => `Reconciliation has compared nothing for ${duration(idleMs)}.`,
  LedgerUnbalanced: () => 'The ledger does not add up: entries do not sum to zero, or a balance is not their sum.',
  JobStuck: (about, { id, idleMs, reason }) =>
    `Job ${id}, ${about}, has made no step for ${duration(idleMs)}${because(reason)}.`,
  OldSnapshot: (about, { ageMs }) =>
    `A transaction in the database of ${about} has been open for ${duration(ageMs)}. It slows the relay down.`,
  AlertChannelDown: (about, { failingMs, waiting, error }) =>
    `${counted(waiting, 'message', 'messages')} could not be sent by ${about} for ${duration(failingMs)}${because(error)}.`,
  WatcherDead: (_about, { silentMs }) =>
    `The watcher has not looked for ${duration(silentMs)}. Until it does, no other alert is raised.`,
}

/** What is wrong, in one or two sentences. */
export const sentenceOf = ({ name, about, details }: Pick<AlertState, 'name' | 'about' | 'details'>): string =>
  sentences[name](about, details)

export interface Links {
  /** Address of the pages, without a slash at the end; empty when it is not known. */
  readonly url: string
}

export const runbookOf = (name: AlertName, { url }: Links): string => `${url}/operations/runbooks/${name}`

/** What is sent, whatever the channel. */
export interface Words {
  readonly subject: string
  readonly text: string
  /** The same for programs: the body that docs/operate/alerts.md describes. */
  readonly body: Readonly<Record<string, unknown>>
}

export const wordsOf = (change: Change, state: AlertState, at: Date, links: Links): Words => {
  const { name, about, since, details } = state
  const { severity } = catalog[name]
  const sentence = sentenceOf(state)
  const runbook = runbookOf(name, links)
  const operations = `${links.url}/operations`
  const lines = [
    `${change.toUpperCase()}: ${name} (${severity}), ${about}`,
    '',
    change === 'cleared' ? `It is over. What it was: ${sentence}` : sentence,
    '',
    `Since:    ${since.toISOString()}`,
    ...(change === 'cleared' ? [`Cleared:  ${at.toISOString()}`] : []),
    `Mend:     ${runbook}`,
    `See:      ${operations}`,
    '',
  ]
  return {
    subject: `[aTES] ${change}: ${name}, ${about}`,
    text: lines.join('\n'),
    body: {
      version: 1,
      change,
      at: at.toISOString(),
      alert: name,
      about,
      severity,
      since: since.toISOString(),
      text: sentence,
      details,
      runbook,
      operations,
    },
  }
}
