// What accounting offers: accounts with every cent explained, prices, and the proof that the ledger is right.
import { z } from 'zod'
import { contract, query, serviceRole } from '../../kernel/contract.ts'
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
  text,
} from '../vocabulary.ts'

const cause = z
  .object({
    stream: z.string(),
    epoch: z.int().default(1).describe('in another epoch the same number is another event'),
    number: z.int(),
    eventId: z.uuid(),
  })
  .describe('the event that caused it')

export const AccountLine = z.object({
  kind: z.enum(['fee', 'reward']),
  taskId,
  assignment: z.int().nullable().describe('number of the assignment a fee was paid for'),
  amountCents: cents,
  balanceCents: cents.describe('balance after this line'),
  at: moment.describe('when the task was assigned or completed'),
  day: day.describe('accounting day it was booked on'),
  cause,
})

export const Account = z.object({
  popugId,
  name: z.string().nullable().describe('null until accounting has heard of the person'),
  role: z.string().nullable(),
  active: z.boolean(),
  balanceCents: cents,
  todayCents: cents,
})

export const TaskPosting = z.object({
  kind: z.enum(['fee', 'reward']),
  assignment: z.int().nullable().describe('number of the assignment a fee was paid for'),
  popugId,
  popugName: z.string().nullable().describe('null until accounting has heard of the person'),
  amountCents: cents.describe('what the popug paid (negative) or got'),
  at: moment.describe('when the task was assigned or completed'),
  day: day.describe('accounting day it was booked on'),
  cause,
})

export const LedgerDifference = z.object({
  what: z.string().describe('which check found it'),
  where: z.string().describe('account, posting or event'),
  expected: z.string(),
  found: z.string(),
  lost: z
    .boolean()
    .optional()
    .describe(
      'true for a posting whose event a restored history does not have: the sums are right, a person reverses it',
    ),
})

export const accounting = contract('accounting', {
  getAccountInfo: query({
    http: 'GET /accounts/{popugId}',
    summary:
      'Balance, sum of today and log with running balance, newest first. Own for everybody, any for accountants and admins.',
    allow: everybody,
    input: z.object({
      popugId,
      fromNumber: z.int().min(1).optional().describe('begin with the lines of this event instead of the newest'),
      fromEpoch: z.int().min(1).max(2_147_483_647).default(1).describe("that event's epoch"),
      after: pageMark,
      limit: pageSize,
    }),
    output: z.object({
      popugId,
      name: z.string().nullable().describe('null until accounting has heard of the person'),
      balanceCents: cents,
      todayCents: cents,
      today: day,
      upTo: z.int().describe("number of the task tracker's last event that is in the ledger"),
      upToEpoch: z.int().optional().describe("that event's epoch. An older version leaves it out"),
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
  listAccounts: query({
    http: 'GET /accounts',
    summary: 'Balances of all popugs by number; those whose name has words that begin so, or the one with this number.',
    allow: accountants,
    input: z.object({ text: text(0, 200).optional(), after: pageMark, limit: pageSize }),
    output: z.object({ today: day, accounts: z.array(Account), next: nextPage }),
  }),
  getEarnings: query({
    http: 'GET /earnings',
    summary: 'What management earned today and on each of the days before: fees less rewards, oldest first.',
    allow: accountants,
    input: z.object({ days: z.int().min(1).max(366).default(30).describe('days before today') }),
    output: z.object({
      today: day,
      balanceCents: cents.describe('of all time'),
      days: z.array(z.object({ day, feesCents: cents, rewardsCents: cents, earnedCents: cents })),
    }),
  }),
  getTaskPostings: query({
    http: 'GET /tasks/{taskId}/postings',
    summary: 'What a task has moved in the ledger, by event. All of it for accountants, managers and admins; else own.',
    allow: everybody,
    input: z.object({
      taskId,
      fromNumber: z.int().min(0).default(0).describe('of this event or later'),
      limit: pageSize,
    }),
    output: z.object({
      upTo: z.int().describe("number of the task tracker's last event that is in the ledger"),
      price: z.object({ feeCents: cents, rewardCents: cents }).nullable().describe('null until accounting heard of it'),
      all: z.boolean().describe('false: only what concerns the one who asks'),
      postings: z.array(TaskPosting),
    }),
  }),
  getTakenTasks: query({
    http: 'GET /accounts/{popugId}/taken-tasks',
    summary:
      'Tasks that somebody else was given since a moment after this popug had held them, the latest first. Own for everybody, any for accountants and admins.',
    allow: everybody,
    input: z.object({
      popugId,
      since: moment.describe('UTC, ISO 8601; of the last 2,000 assignments of the popug'),
      limit: pageSize,
    }),
    output: z.object({
      tasks: z.array(
        z.object({
          taskId,
          at: moment.describe('when somebody else was given it'),
          popugId: popugId.describe('who was given it'),
          popugName: z.string().nullable().describe('null until accounting has heard of the person'),
        }),
      ),
      more: z
        .enum(['none', 'some', 'unknown'])
        .optional()
        .describe(
          'some: there are more than these. unknown: the popug was given so many since then that not all were looked at. An older version leaves it out',
        ),
    }),
    refuses: { not_own_account: 'forbidden' },
  }),
  verifyLedger: query({
    http: 'GET /ledger/verification',
    summary:
      'Recomputes balances, sums and prices from the postings, counts the differences and names the first of each kind.',
    allow: [...accountants, serviceRole],
    input: z.object({}),
    output: z.object({
      postings: z.int(),
      accounts: z.int(),
      upTo: z.int(),
      differences: z.array(LedgerDifference).describe('the first hundred of each kind'),
      differing: z.int().optional().describe('how many there are. An older version leaves it out'),
    }),
  }),
})
