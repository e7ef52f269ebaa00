// What accounting offers: accounts with every cent explained, prices, and the proof that the ledger is right.
import { z } from 'zod'
import { contract, query } from '../../kernel/contract.ts'
import {
  accountants,
  cents,
  day,
  everybody,
  moment,
  nextPage,
  pageMark,
  pageSize,
  popugId,
  taskId,
} from '../vocabulary.ts'

export const AccountLine = z.object({
  kind: z.enum(['fee', 'reward']),
  taskId,
  assignment: z.int().nullable().describe('number of the assignment a fee was paid for'),
  amountCents: cents,
  balanceCents: cents.describe('balance after this line'),
  at: moment.describe('when the task was assigned or completed'),
  day: day.describe('accounting day it was booked on'),
  cause: z.object({ stream: z.string(), number: z.int(), eventId: z.uuid() }).describe('the event that caused it'),
})

export const LedgerDifference = z.object({
  what: z.string().describe('which check found it'),
  where: z.string().describe('account, posting or event'),
  expected: z.string(),
  found: z.string(),
})

export const accounting = contract('accounting', {
  getAccountInfo: query({
    http: 'GET /accounts/{popugId}',
    summary:
      'Balance, sum of today and log with running balance, newest first. Own for everybody, any for accountants and admins.',
    allow: everybody,
    input: z.object({ popugId, after: pageMark, limit: pageSize }),
    output: z.object({
      popugId,
      name: z.string().nullable().describe('null until accounting has heard of the person'),
      balanceCents: cents,
      todayCents: cents,
      today: day,
      upTo: z.int().describe("number of the task tracker's last event that is in the ledger"),
      lines: z.array(AccountLine),
      next: nextPage,
    }),
    refuses: { not_own_account: 'forbidden' },
  }),
  getPrices: query({
    http: 'POST /prices',
    summary: 'Fees and rewards of up to 500 tasks; those not yet heard of are left out.',
    allow: everybody,
    input: z.object({ taskIds: z.array(taskId).max(500) }),
    output: z.object({ prices: z.array(z.object({ taskId, feeCents: cents, rewardCents: cents })) }),
  }),
  verifyLedger: query({
    http: 'GET /ledger/verification',
    summary: 'Recomputes balances, sums and prices from the postings and names every difference.',
    allow: accountants,
    input: z.object({}),
    output: z.object({
      postings: z.int(),
      accounts: z.int(),
      upTo: z.int(),
      differences: z.array(LedgerDifference),
    }),
  }),
})
