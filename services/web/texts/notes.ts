// What services say in fixed words of acts, comparisons and events that are late, in the reader's words. Whatever has
// none here, such as the error of a program, stays as it came: in English.
import { refuse } from '../../../kernel/result.ts'
import type { Texts } from './en.ts'
import { refusalText } from './refusals.ts'

/** A form of what is said, and its words; null when it is none of these after all. */
type Saying = readonly [form: RegExp, say: (texts: Texts, ...parts: string[]) => string | null]

const inWords = (sayings: readonly Saying[], texts: Texts, given: string): string => {
  for (const [form, say] of sayings) {
    const found = form.exec(given)
    if (found) return say(texts, ...found.slice(1)) ?? given
  }
  return given
}

/** Why a comparison waits. */
export const waitingText = (texts: Texts, waiting: string): string =>
  inWords(
    [
      [
        /^([a-z][a-z0-9-]*) does not answer$/,
        ({ operations }, service = '') => operations.reconciliation.noAnswer(service),
      ],
      [/^([\w-]+) is forked$/, ({ operations }, consumer = '') => operations.reconciliation.forked(consumer)],
    ],
    texts,
    waiting,
  )

/** Why events have not arrived. */
export const undeliveredText = (texts: Texts, reason: string): string =>
  inWords(
    [
      [/^late$/, ({ operations }) => operations.gaps.reasons.late],
      [/^producer does not answer: (.*)$/s, ({ operations }, why = '') => operations.gaps.reasons.silent(why)],
      [/^producer unreachable: (.*)$/s, ({ operations }, why = '') => operations.gaps.reasons.unreachable(why)],
      [
        /^waiting for a version that knows (\w+) (\d+)$/,
        ({ operations }, type = '', version = '') => operations.gaps.reasons.unknown(type, version),
      ],
    ],
    texts,
    reason,
  )

/** Why a job waits. */
export const jobReasonText = ({ operations }: Texts, reason: string): string =>
  textOf(operations.jobs.reasons, reason) ?? reason

/** What came of a part of an act. */
export const resultText = ({ operations }: Texts, what: string): string =>
  textOf(operations.acts.results, what) ?? what.replaceAll('_', ' ')

const textOf = (texts: Readonly<Record<string, string>>, code: string): string | null =>
  Object.hasOwn(texts, code) ? (texts[code] ?? null) : null

/** Why an act has ended, or what it waits for. */
export const noteText = (texts: Texts, note: string): string =>
  inWords(
    [
      [/^Refused: (\w+) ?(.*)$/s, refused],
      [/^the rounds begin$|^comparing: $/, ({ operations }) => operations.acts.roundsBegin],
      [/^comparing: (.*)$/s, comparing],
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

/** The comparisons that are under way, each by its name or by why it waits. */
const comparing = (texts: Texts, open = ''): string => {
  const { acts, reconciliation } = texts.operations
  const said = open.split(', ').map((one) => textOf(reconciliation.names, one) ?? waitingText(texts, one))
  return acts.comparing(said.join(', '))
}
