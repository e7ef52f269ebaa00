// What came out of chaos, in lines for people, and whether it came out well.
import { recoveryMs } from '../recovery.ts'
import type { Outcome } from './chaos.ts'

const number = (value: number): string => value.toLocaleString('en')
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

const mostFindings = 20

/** What went wrong, in words; empty when nothing did. */
export const complaints = (outcome: Outcome, wantedEvents: number): string[] => {
  const { committed, applied, doubled, findings, blows, wrong } = outcome
  const slow = blows.filter((blow) => blow.recoveryMs > recoveryMs)
  return [
    ...(committed < wantedEvents ? [`only ${number(committed)} events of ${number(wantedEvents)}`] : []),
    ...(applied < committed ? [`${number(committed - applied)} events lost`] : []),
    ...(doubled > 0 ? [`${number(doubled)} effects doubled`] : []),
    ...slow.map(({ faults, recoveryMs: ms }) => `${seconds(ms)} until recovery after ${faults.join(' and ')}`),
    ...findings
      .slice(0, mostFindings)
      .map(({ what, where, expected, found }) => `${what}: ${where}: expected ${expected}; found ${found}`),
    ...wrong.slice(0, mostFindings).map((what) => `operations says: ${what}`),
    ...(findings.length > mostFindings ? [`and ${number(findings.length - mostFindings)} findings more`] : []),
  ]
}

const faultLines = ({ blows }: Outcome): string[] => {
  const kinds = Map.groupBy(
    blows.flatMap(({ faults }) => faults),
    (kind) => kind,
  )
  return [...kinds]
    .toSorted(([, some], [, others]) => others.length - some.length)
    .map(([kind, times]) => `           ${String(times.length).padStart(4)}  ${kind}`)
}

const allWell = (planted: number): string =>
  planted === 0 ? 'no difference, no alert' : `no difference, no alert but of ${number(planted)} poisoned events`

export const report = (outcome: Outcome): string[] => {
  const { committed, applied, doubled, commands, blows, standstillMs, tookMs, findings, wrong, planted } = outcome
  const recoveries = blows.map((blow) => blow.recoveryMs).toSorted((one, other) => one - other)
  const worst = blows.find((blow) => blow.recoveryMs === recoveries.at(-1))
  const perSecond = number(Math.round(committed / (tookMs / 1_000)))
  return [
    `events     ${number(committed)} committed in ${seconds(tookMs)} (${perSecond}/s), ${number(applied)} applied`,
    `           ${number(committed - applied)} lost, ${number(doubled)} doubled`,
    `commands   ${number(commands.acknowledged)} acknowledged, ${number(commands.refused)} refused, ${number(commands.unknown)} attempts without an answer`,
    `faults     ${number(blows.flatMap(({ faults }) => faults).length)} in ${number(blows.length)} blows`,
    ...faultLines(outcome),
    `recovery   longest ${seconds(recoveries.at(-1) ?? 0)} (${worst?.faults.join(' and ') ?? 'no fault'}), median ${seconds(recoveries[recoveries.length >> 1] ?? 0)}`,
    `           longest time without an event applied, faults included: ${seconds(standstillMs)}`,
    `operations ${wrong.length === 0 ? allWell(planted) : `${number(wrong.length)} things are wrong`}`,
    `audit      ${findings.length === 0 ? 'nothing found' : `${number(findings.length)} findings`}`,
  ]
}
