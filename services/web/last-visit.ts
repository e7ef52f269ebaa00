// When somebody looked at their tasks before this visit, so that the page can say what has changed since. Their browser
// keeps it; several people may share one.
import { cookieOf, lastingCookie } from './cookies.ts'

export const visitsCookieName = 'ates_visits'

/** Who does not look for so long has been away; the next look is a new visit. */
const awaySeconds = 15 * 60
/** People of one browser; who came least lately is forgotten. */
const mostPeople = 8

interface Looked {
  readonly popugId: number
  /** The last look of the visit before this one, in seconds; 0 in a first visit. */
  readonly before: number
  /** The last look so far, in seconds. */
  readonly last: number
}

const seconds = (moment: Date): number => Math.floor(moment.getTime() / 1_000)

const pattern = /^([0-9a-z]{1,7})-([0-9a-z]{1,7})-([0-9a-z]{1,7})$/

const looksIn = (request: Request): Looked[] =>
  (cookieOf(request, visitsCookieName) ?? '')
    .slice(0, 400)
    .split('.')
    .flatMap((one) => {
      const [popugId, before, last] = (pattern.exec(one) ?? []).slice(1).map((digits) => Number.parseInt(digits, 36))
      return popugId === undefined || before === undefined || last === undefined ? [] : [{ popugId, before, last }]
    })

const written = (looks: readonly Looked[]): string =>
  looks
    .slice(0, mostPeople)
    .map(({ popugId, before, last }) => [popugId, before, last].map((number) => number.toString(36)).join('-'))
    .join('.')

export interface Look {
  readonly request: Request
  readonly popugId: number
  readonly now: Date
  readonly secure: boolean
}

export interface Since {
  /** The end of the visit before this one; null in a first visit, which has nothing to compare with. */
  readonly since: Date | null
  readonly cookie: string
}

const note = ({ request, popugId, now, secure }: Look, isNewVisit: (last: number) => boolean): Since => {
  const looks = looksIn(request)
  const mine = looks.find((one) => one.popugId === popugId)
  const before = mine ? (isNewVisit(mine.last) ? mine.last : mine.before) : 0
  const others = looks.filter((one) => one !== mine)
  return {
    since: before === 0 ? null : new Date(before * 1_000),
    cookie: lastingCookie(visitsCookieName, written([{ popugId, before, last: seconds(now) }, ...others]), secure),
  }
}

/** Somebody looks at their tasks. */
export const lookAgain = (look: Look): Since => note(look, (last) => seconds(look.now) - last > awaySeconds)

/** Somebody has signed in, which begins a visit however short they were away. */
export const beginVisit = (look: Look): string => note(look, () => true).cookie
