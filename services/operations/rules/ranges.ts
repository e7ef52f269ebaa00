// Which numbers are compared next, and which events differ in a range that does.

export interface Range {
  readonly after: number
  readonly upTo: number
}

/** A range that differs is listed whole, so it is no longer than a person would search through. */
export const rangeSize = 500
/** As many are compared in one step. */
export const mostRanges = 64

/** The ranges between two numbers, as many as one step compares; borders do not depend on where it begins. */
export const rangesBetween = (after: number, upTo: number): Range[] => {
  const ranges: Range[] = []
  for (let from = after; from < upTo && ranges.length < mostRanges;) {
    const to = Math.min(upTo, (Math.floor(from / rangeSize) + 1) * rangeSize)
    ranges.push({ after: from, upTo: to })
    from = to
  }
  return ranges
}

/** The ranges that hold these numbers, as many as one step compares. */
export const rangesAround = (numbers: readonly number[], upTo: number): Range[] => {
  const starts = new Set(numbers.map((number) => Math.floor((number - 1) / rangeSize) * rangeSize))
  return [...starts]
    .toSorted((a, b) => a - b)
    .slice(0, mostRanges)
    .map((after) => ({ after, upTo: Math.min(upTo, after + rangeSize) }))
    .filter((range) => range.after < range.upTo)
}

/** An event as one side tells it. */
export interface Told {
  readonly number: number
  readonly eventId: string
  readonly type: string
  readonly data: unknown
}

export interface Found {
  readonly number: number
  readonly what: 'missing' | 'extra' | 'different'
  readonly expected: string | null
  readonly found: string | null
}

const said = ({ type, data, eventId }: Told): string => `${type} ${JSON.stringify(data)} (${eventId})`

const text = (told: readonly Told[]): string | null => (told.length === 0 ? null : told.map(said).join('; '))

const kindOf = (leading: readonly Told[], following: readonly Told[]): Found['what'] => {
  if (following.length < leading.length) return 'missing'
  return following.length > leading.length ? 'extra' : 'different'
}

/** What the side that follows has otherwise than the side that leads, by number. */
export const differingEvents = (leading: readonly Told[], following: readonly Told[]): Found[] => {
  const [led, followed] = [Map.groupBy(leading, byNumber), Map.groupBy(following, byNumber)]
  const numbers = [...new Set([...led.keys(), ...followed.keys()])].toSorted((a, b) => a - b)
  return numbers.flatMap((number) => {
    const [expected, found] = [led.get(number) ?? [], followed.get(number) ?? []]
    const [says, has] = [text(expected), text(found)]
    return says === has ? [] : [{ number, what: kindOf(expected, found), expected: says, found: has }]
  })
}

/** An event of the side that leads which shall have no effect on the other. */
export const discardedEvent = (event: Told): Found => ({
  number: event.number,
  what: 'missing',
  expected: said(event),
  found: null,
})

const byNumber = ({ number }: Told): number => number
