// What would become of events, as a plan names it.
import { tally } from './tally.ts'

/** As many numbers of each outcome are named. */
const mostNamed = 200

export interface Planned<What extends string> {
  readonly outcome: What
  readonly count: number
  readonly numbers: number[]
}

/** Those of each outcome, in the order in which they appear. */
export const planned = <What extends string>(
  events: readonly { readonly number: number; readonly outcome: What }[],
): Planned<What>[] =>
  [...tally(events, ({ outcome }) => outcome)].map(([outcome, same]) => ({
    outcome,
    count: same.length,
    numbers: same.slice(0, mostNamed).map(({ number }) => number),
  }))

/** A delivery by hand tries a parked event again; what comes over the bus does not, for its number was passed. */
export const overTheBus = <Event extends { readonly outcome: string }>(event: Event): Event =>
  event.outcome === 'was_parked_now_applied' ? { ...event, outcome: 'still_parked' } : event
