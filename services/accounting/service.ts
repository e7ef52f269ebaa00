// Accounting, put together.
import { ok } from '../../kernel/result.ts'
import { defineService, type Handler } from '../../kernel/service.ts'
import { accounting as contract } from './contract.ts'
import { getAccountInfo, getPrices } from './get-account-info.ts'
import { getEarnings } from './get-earnings.ts'
import { getTakenTasks } from './get-taken-tasks.ts'
import { getTaskPostings } from './get-task-postings.ts'
import { listAccounts } from './list-accounts.ts'
import { migrations } from './migrations.ts'
import { holders } from './on-people-events.ts'
import { ledger } from './on-task-events.ts'
import { findDifferences, ledgerSize } from './verification.ts'

const verifyLedger: Handler<typeof contract.verifyLedger> = async (_input, { tx }) =>
  ok({ ...(await ledgerSize(tx)), ...(await findDifferences(tx)) })

/** `timeZone` decides what "today" is. */
export const accounting = ({ timeZone }: { timeZone: string }) =>
  defineService({
    name: 'accounting',
    contract,
    handlers: {
      getAccountInfo: getAccountInfo(timeZone),
      listAccounts: listAccounts(timeZone),
      getEarnings: getEarnings(timeZone),
      getPrices,
      getTaskPostings,
      getTakenTasks,
      verifyLedger,
    },
    consumers: [ledger(timeZone), holders],
    migrations,
  })
