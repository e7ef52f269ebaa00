// GetTaskPostings: what one task has moved in the ledger, for its page.
import { toWire } from '../../kernel/money.ts'
import { ok } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { accountants, managers } from '../vocabulary.ts'
import type { accounting } from './contract.ts'
import { type TaskPosting, taskPostings } from './store/questions.ts'
import { findPrices, ledgerUpTo } from './store.ts'

/** Others than these see only what they paid or got themselves. */
const seesAll = (role: string): boolean => [...accountants, ...managers].some((each) => each === role)

export const getTaskPostings: Handler<typeof accounting.getTaskPostings> = async (
  { taskId, fromNumber, limit },
  { tx, actor },
) => {
  const all = seesAll(actor.role)
  const upTo = await ledgerUpTo(tx)
  const [price] = await findPrices(tx, [taskId])
  const postings = await taskPostings(tx, taskId, all ? null : (actor.id ?? 0), fromNumber, limit)
  return ok({
    upTo,
    price: price ? { feeCents: toWire(price.feeCents), rewardCents: toWire(price.rewardCents) } : null,
    all,
    postings: postings.map(onWire),
  })
}

const onWire = ({ kind, assignment, popugId, popugName, signedCents, at, day, ...cause }: TaskPosting) => ({
  kind,
  assignment,
  popugId,
  popugName,
  amountCents: signedCents,
  at: at.toISOString(),
  day,
  cause: { stream: cause.stream, epoch: cause.epoch, number: cause.number, eventId: cause.eventId },
})
