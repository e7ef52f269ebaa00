// ListAccounts: every balance, by number, found by name; each page costs the same however many there are.
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import { ok } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import type { accounting } from './contract.ts'
import { businessDay } from './rules/days.ts'
import { nameQueryOf } from './rules/names.ts'
import { findAccounts, listAccountIds } from './store/questions.ts'

export const listAccounts =
  (timeZone: string): Handler<typeof accounting.listAccounts> =>
  async ({ text = '', after, limit }, { tx, now }) => {
    const today = businessDay(now, timeZone)
    const [, number] = /^#?([1-9]\d{0,8})$/.exec(text) ?? []
    const ids = number
      ? [Number(number)]
      : await listAccountIds(tx, text === '' ? null : nameQueryOf(text), numberInMark(after, 0, 0, 2 ** 31), limit + 1)
    const accounts = await findAccounts(tx, ids, today)
    const { page, next } = pageOf(accounts, limit, ({ popugId }) => pageMarkOf(popugId))
    return ok({ today, accounts: [...page], next })
  }
