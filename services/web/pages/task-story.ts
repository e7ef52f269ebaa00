// What a task's story says of its money: each happening of the task tracker beside what the ledger made of it.
import type { z } from 'zod'
import type { accounting, TaskPosting as PostingSchema } from '../../accounting/contract.ts'
import type { TaskHappening } from '../../task-tracker/contract.ts'

export type Happening = z.output<typeof TaskHappening>
export type Postings = z.output<typeof accounting.getTaskPostings.output>
type Posting = z.output<typeof PostingSchema>

export type Booking =
  /** In the ledger, with its line. */
  | { readonly is: 'booked'; readonly posting: Posting }
  /** In the ledger by all that is known; its line is not for this reader. */
  | { readonly is: 'priced'; readonly amountCents: number }
  /** Accounting has not come to it yet. */
  | { readonly is: 'pending' }
  /** Accounting has passed it and booked nothing: the event was set aside, and somebody must look at it. */
  | { readonly is: 'aside' }
  /** Accounting cannot be asked. */
  | { readonly is: 'unknown' }

/** What became of the money of one happening. `readerId` sees the lines of their own account. */
export const bookingOf = (happening: Happening, ledger: Postings | null, readerId: number): Booking => {
  if (ledger === null) return { is: 'unknown' }
  const posting = ledger.postings.find(({ cause }) => cause.eventId === happening.eventId)
  if (posting) return { is: 'booked', posting }
  if (happening.number === null || happening.number > ledger.upTo) return { is: 'pending' }
  if (ledger.all || happening.popugId === readerId || ledger.price === null) return { is: 'aside' }
  const { feeCents, rewardCents } = ledger.price
  return { is: 'priced', amountCents: happening.what === 'assigned' ? -feeCents : rewardCents }
}

/** True while some money of these happenings is on its way. */
export const isUnderWay = (happenings: readonly Happening[], ledger: Postings | null): boolean =>
  happenings.some((happening) => bookingOf(happening, ledger, 0).is === 'pending')
