// GetAccountInfo: balance, today and every cent, newest first, with the balance after each line.
import { toWire } from '../../kernel/money.ts'
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { accountants } from '../vocabulary.ts'
import type { accounting } from './contract.ts'
import { businessDay } from './rules/days.ts'
import { accountOf } from './rules/postings.ts'
import { accountLines, accountSummary, findPrices, holderName, type Line } from './store.ts'

/** Adds to each line, newest first, the balance after it; `balance` is the one after the first. */
const withBalances = (lines: readonly Line[], balance: number): (Line & { balanceCents: number })[] => {
  let balanceCents = balance
  return lines.map((line) => {
    const after = { ...line, balanceCents }
    balanceCents -= line.signedCents
    return after
  })
}

/** A balance beyond this (cents) is nobody's, and adding a page of lines to it would leave the safe integers. */
const mostCents = 2 ** 52

export const getAccountInfo =
  (timeZone: string): Handler<typeof accounting.getAccountInfo> =>
  async ({ popugId, after, limit }, { tx, actor, now }) => {
    if (popugId !== actor.id && !accountants.some((role) => role === actor.role)) return refuse('not_own_account')
    const today = businessDay(now, timeZone)
    const summary = await accountSummary(tx, accountOf(popugId), today)
    const before = { number: numberInMark(after, 0, Number.MAX_SAFE_INTEGER), line: numberInMark(after, 1, 0) % 100 }
    const rows = await accountLines(tx, popugId, before, limit + 1)
    const lines = withBalances(rows, numberInMark(after, 2, summary.balanceCents, mostCents))
    const markOf = (last: (typeof lines)[number]) =>
      pageMarkOf(last.number, last.line, last.balanceCents - last.signedCents)
    const { page, next } = pageOf(lines, limit, markOf)
    return ok({ popugId, name: await holderName(tx, popugId), today, ...summary, lines: page.map(onWire), next })
  }

const onWire = ({ stream, number, eventId, at, signedCents, ...line }: Line & { balanceCents: number }) => ({
  kind: line.kind,
  taskId: line.taskId,
  assignment: line.assignment,
  day: line.day,
  amountCents: signedCents,
  balanceCents: line.balanceCents,
  at: at.toISOString(),
  cause: { stream, number, eventId },
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
