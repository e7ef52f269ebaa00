// How an account's log is shown: by day, each line with the mark of its event.
import type { z } from 'zod'
import type { AccountLine } from '../../accounting/contract.ts'

/** An event's number as people read it; in another epoch the same number is another event. */
export const eventMark = ({ epoch, number }: { epoch: number; number: number }): string =>
  epoch === 1 ? String(number) : `${epoch}.${number}`

export type Line = z.output<typeof AccountLine>

export interface Day {
  readonly day: string
  readonly lines: readonly Line[]
}

/** Lines under their accounting days, in the order in which they came. */
export const byDay = (lines: readonly Line[]): readonly Day[] =>
  [...Map.groupBy(lines, ({ day }) => day)].map(([day, ofDay]) => ({
    day,
    lines: ofDay,
  }))
