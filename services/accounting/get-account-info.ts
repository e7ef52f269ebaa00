// GetAccountInfo: balance, today and every cent, newest first, with the balance after each line.
import { toWire } from '../../kernel/money.ts'
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { accountants } from '../vocabulary.ts'
import type { accounting } from './contract.ts'
import { businessDay } from './rules/days.ts'
import { accountOf } from './rules/postings.ts'
import { accountSummary, findPrices, holderName } from './store.ts'
import { accountLines, lateSum, type Line, type LinePlace, sumFrom } from './store/lines.ts'

interface Standing {
  readonly balanceCents: number
  /** How much of the balance was booked late. Between two pages only such lines can come below the first one. */
  readonly lateCents: number
}

/** Adds to each line, newest first, the balance after it; `from` is what stands after the first. */
const withBalances = (lines: readonly Line[], from: Standing): (Line & Standing)[] => {
  let place = from
  return lines.map((line) => {
    const after = { ...line, ...place }
    place = below(after)
    return after
  })
}

/** What stands before a line. */
const below = ({ balanceCents, lateCents, signedCents, late }: Line & Standing): Standing => ({
  balanceCents: balanceCents - signedCents,
  lateCents: late ? lateCents - signedCents : lateCents,
})

/** The mark holds the balance without what was booked late, which the next page adds as it is by then. */
const markOf = (line: Line & Standing): string => {
  const { balanceCents, lateCents } = below(line)
  return pageMarkOf(line.number, line.line, balanceCents - lateCents, line.epoch)
}

/** What comes after every line. */
const endOfLog: LinePlace = { epoch: 2 ** 31 - 1, number: Number.MAX_SAFE_INTEGER, line: 0 }

/** The line above the page. Marks that say no epoch are of the first one. */
const placeInMark = (after: string | undefined, otherwise: LinePlace): LinePlace => {
  const number = numberInMark(after, 0, -1)
  if (number < 0) return otherwise
  return { epoch: numberInMark(after, 3, 1, endOfLog.epoch), number, line: numberInMark(after, 1, 0) % 100 }
}

/** A balance beyond this (cents) is nobody's, and adding a page of lines to it would leave the safe integers. */
const mostCents = 2 ** 52

export const getAccountInfo =
  (timeZone: string): Handler<typeof accounting.getAccountInfo> =>
  async ({ popugId, fromEpoch, fromNumber, after, limit }, { tx, actor, now }) => {
    if (popugId !== actor.id && !accountants.some((role) => role === actor.role)) return refuse('not_own_account')
    const today = businessDay(now, timeZone)
    const summary = await accountSummary(tx, accountOf(popugId), today)
    const newest = fromNumber === undefined ? endOfLog : { epoch: fromEpoch, number: fromNumber + 1, line: 0 }
    const before = placeInMark(after, newest)
    const rows = await accountLines(tx, popugId, before, limit + 1)
    const lateCents = await lateSum(tx, popugId, before)
    const aboveCents = fromNumber === undefined ? 0 : await sumFrom(tx, popugId, newest)
    const steadyCents = numberInMark(after, 2, summary.balanceCents - aboveCents - lateCents, mostCents)
    const lines = withBalances(rows, { balanceCents: steadyCents + lateCents, lateCents })
    const { page, next } = pageOf(lines, limit, markOf)
    return ok({ popugId, name: await holderName(tx, popugId), today, ...summary, lines: page.map(onWire), next })
  }

const onWire = ({ stream, epoch, number, eventId, at, signedCents, ...line }: Line & Standing) => ({
  kind: line.kind,
  taskId: line.taskId,
  assignment: line.assignment,
  day: line.day,
  amountCents: signedCents,
  balanceCents: line.balanceCents,
  at: at.toISOString(),
  cause: { stream, epoch, number, eventId },
})

/** Fees and rewards of tasks, for the pages that show them. */
export const getPrices: Handler<typeof accounting.getPrices> = async ({ taskIds }, { tx }) => {
  const prices = await findPrices(tx, taskIds)
  return ok({
    prices: prices.map((price) => ({
      taskId: price.taskId,
      feeCents: toWire(price.feeCents),
      rewardCents: toWire(price.rewardCents),
    })),
  })
}
