// What services say in fixed words of acts, comparisons, consumers that stopped and events that are late, in the reader's
// words. Whatever has none here, such as the error of a program, stays as it came: in English.
import { refuse } from '../../../kernel/result.ts'
import type { Formats } from '../format.ts'
import type { Texts } from './en.ts'
import { failureText, troubleText } from './failures.ts'
import { refusalText } from './refusals.ts'
import { capitalized, inWords, sayingsOf, textOf, wordsFor } from './sayings.ts'

/** Why a comparison waits. */
export const waitingText = (texts: Texts, waiting: string): string =>
  wordsFor(
    [
      [
        /^([a-z][a-z0-9-]*) does not answer$/,
        ({ operations }, service = '') => operations.reconciliation.noAnswer(service),
      ],
      [/^([\w-]+) is forked$/, ({ operations }, consumer = '') => operations.reconciliation.forked(consumer)],
    ],
    texts,
    waiting,
  ) ?? failureText(texts, waiting)

const stops = sayingsOf(
  ({ operations }) => operations.troubles.stops,
  [
    [/^event (\d+) was (\S+) and is now (\S+)$/, 'otherEvent'],
    [/^the producer's log is of epoch (\d+), after epoch (\d+) was applied$/, 'olderEpoch'],
    [/^the producer's log ends at 0, before event (\d+), which was applied$/, 'emptyLog'],
    [/^the producer's log ends at (\d+), before event (\d+), which was applied$/, 'shorterLog'],
    [/^more than (\d+) events parked in a row$/, 'parkedInRow'],
  ],
)

/** Why a consumer has stopped: its producer has another history, or too much was set aside. */
export const stopText = (texts: Texts, reason: string): string => inWords(stops, texts, reason)

/** Why events have not arrived. */
export const undeliveredText = (texts: Texts, reason: string, seconds: Formats['seconds']): string =>
  wordsFor(
    [
      ...stops,
      [/^late$/, ({ operations }) => operations.gaps.reasons.late],
      [
        /^producer does not answer: (.*)$/s,
        ({ operations }, why = '') => operations.gaps.reasons.silent(failureText(texts, why)),
      ],
      [
        /^producer unreachable: (.*)$/s,
        ({ operations }, why = '') => operations.gaps.reasons.unreachable(failureText(texts, why)),
      ],
      [
        /^waiting for a version that knows (\w+) (\d+)$/,
        ({ operations }, type = '', version = '') => operations.gaps.reasons.unknown(type, version),
      ],
    ],
    texts,
    reason,
  ) ?? troubleText(texts, reason, seconds)

/** Why a job waits, or with what its last step failed. */
export const jobReasonText = (texts: Texts, reason: string): string =>
  textOf(texts.operations.jobs.reasons, reason) ?? failureText(texts, reason)

/** What came of a part of an act. */
export const resultText = ({ operations }: Texts, what: string): string =>
  textOf(operations.acts.results, what) ?? what.replaceAll('_', ' ')

/** Why an act has ended, or what it waits for. */
export const noteText = (texts: Texts, note: string): string =>
  inWords(
    [
      [/^Refused: (\w+) ?(.*)$/s, refused],
      [/^the rounds begin$|^comparing: $/, ({ operations }) => operations.acts.roundsBegin],
      [/^comparing: (.*)$/s, comparing],
      [/^(.*)$/s, failed],
    ],
    texts,
    note,
  )

const refused = (texts: Texts, code = '', detail = ''): string | null =>
  Object.hasOwn(texts.refusals, code) ? refusalText(texts, refuse(code, detailIn(detail))) : null

/** What a refusal says beside its code; nothing when that cannot be read. */
const detailIn = (json: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const detail: unknown = JSON.parse(json)
    return typeof detail === 'object' && detail !== null ? { ...detail } : undefined
  } catch {
    return undefined
  }
}

const failed = (texts: Texts, note = ''): string | null => {
  const said = failureText(texts, note)
  return said === note ? null : capitalized(said)
}

/** The comparisons that are under way, each by its name or by why it waits. */
const comparing = (texts: Texts, open = ''): string => {
  const { acts, reconciliation } = texts.operations
  const said = open.split(', ').map((one) => textOf(reconciliation.names, one) ?? waitingText(texts, one))
  return acts.comparing(said.join(', '))
}
