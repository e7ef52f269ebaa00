// GetEarnings: what management earned by day: the fees of the day less its rewards. Payouts have an account of their own.
import { ok } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import type { accounting } from './contract.ts'
import { businessDay, daysUpTo } from './rules/days.ts'
import { accountDays } from './store/questions.ts'
import { companyTasks } from './rules/postings.ts'
import { accountSummary } from './store.ts'

export const getEarnings =
  (timeZone: string): Handler<typeof accounting.getEarnings> =>
  async ({ days: before }, { tx, now }) => {
    const today = businessDay(now, timeZone)
    const days = daysUpTo(today, before)
    const rows = await accountDays(tx, companyTasks, days[0] ?? today, today)
    const known = new Map(rows.map((row) => [row.day, row]))
    const { balanceCents } = await accountSummary(tx, companyTasks, today)
    return ok({
      today,
      balanceCents,
      days: days.map((day) => {
        const { inCents: feesCents, outCents: rewardsCents } = known.get(day) ?? { inCents: 0, outCents: 0 }
        return { day, feesCents, rewardsCents, earnedCents: feesCents - rewardsCents }
      }),
    })
  }
