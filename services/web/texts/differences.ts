// What a difference of reconciliation is about, and which check it is that failed, in the reader's words.
import type { Formats } from '../format.ts'
import type { Texts } from './en.ts'
import { capitalized, type Saying, sayingsOf, textOf, wordsFor } from './sayings.ts'

const simplePlaces = sayingsOf(
  ({ operations }) => operations.troubles.places,
  [
    [/^ledger$/, 'ledger'],
    [/^company:tasks$/, 'companyAccount'],
    [/^popug:(\d+)$/, 'popugAccount'],
    [/^task (\d+)$/, 'task'],
    [/^(\S+) #(\d+)$/, 'event'],
    [/^(\S+) #(\d+) of epoch (\d+)$/, 'eventOfEpoch'],
    [/^fee of task (\d+)$/, 'fee'],
    [/^reward of task (\d+)$/, 'reward'],
    [/^fee of task (\d+), assignment (\d+)$/, 'feeOfAssignment'],
  ],
)

/** Null for what is no place that is known here. */
const placeText = (texts: Texts, place: string, day: Formats['day']): string | null => {
  const both: Saying[1] = (_texts, ...parts) => {
    const said = parts.map((part) => placeText(texts, part, day))
    return said.includes(null) ? null : said.join(', ')
  }
  return wordsFor(
    [
      ...simplePlaces,
      [/^(\d{4}-\d\d-\d\d)$/, (_texts, iso = '') => day(iso)],
      [/^(\S+) on (\S+)$/, both],
      [/^(\S+ #\d+(?: of epoch \d+)?), (.*)$/, both],
    ],
    texts,
    place,
  )
}

/** A place, or a place and the check that failed there; as it was given when one of them is not known here. */
export const differenceText = (texts: Texts, about: string, day: Formats['day']): string => {
  const known = placeText(texts, about, day)
  if (known !== null) return capitalized(known)
  const [, where = '', what = ''] = /^(.*): (.*)$/s.exec(about) ?? []
  const [place, check] = [placeText(texts, where, day), textOf(texts.operations.troubles.checks, what)]
  return place === null || check === null ? about : capitalized(`${place}: ${check}`)
}
