// ReportProcess: keeps the last that a process said of itself.
import { ok } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import type { operations } from './contract.ts'
import { forgetReports, saveReports } from './store/reports.ts'
import { withoutWaiting } from './store/watch.ts'

export const reportProcess: Handler<typeof operations.reportProcess> = async (report, { tx }) => {
  await withoutWaiting(tx)
  const { troubles, breakers, ...process } = report
  const said = {
    troubles: Object.fromEntries(troubles.map(({ part, what }) => [part, what])),
    breakers: Object.fromEntries(breakers.map(({ service, state }) => [service, state])),
  }
  await saveReports(tx, [{ ...process, ...said }])
  await forgetReports(tx)
  return ok({})
}
