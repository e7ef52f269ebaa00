// Accounts, for those who keep the books: what management earned by day, every balance, and each account's log.
import type { z } from 'zod'
import { accounting } from '../../accounting/contract.ts'
import { accountants, roles } from '../../vocabulary.ts'
import { check, idFrom } from '../forms.ts'
import { DayChart } from '../look/day-chart.tsx'
import { SearchForm } from '../look/fields.tsx'
import { Empty, Notice, PageLinks } from '../look/parts.tsx'
import { Problem } from '../problem.ts'
import { get } from '../route.ts'
import type { Member } from '../visit.tsx'
import { accountOf, AccountView } from './account.tsx'

type Accounts = z.output<typeof accounting.listAccounts.output>
type Earnings = z.output<typeof accounting.getEarnings.output>

export const accountsPage = [
  get('/accounts', accountants, async (visit) => {
    const text = visit.query.get('text') ?? ''
    const checked = check(accounting.listAccounts.input, {
      text: text || undefined,
      after: visit.query.get('after') || undefined,
    })
    const isWrong = 'wrong' in checked
    const [earnings, accounts] = await Promise.all([
      visit.need(accounting.getEarnings, {}),
      isWrong ? null : visit.need(accounting.listAccounts, checked.value),
    ])
    return visit.page(
      visit.texts.accounts.title,
      <AccountsView visit={visit} earnings={earnings} accounts={accounts} text={text} />,
      { status: isWrong ? 422 : 200 },
    )
  }),

  get('/accounts/:popugId', accountants, async (visit) => {
    const popugId = idFrom(visit.param('popugId'))
    if (popugId === null) throw new Problem('notFound')
    const { accounts: words, reassign } = visit.texts
    const parts = await accountOf(visit, popugId)
    if (parts.account.name === null && parts.account.lines.length === 0 && !isFarPage(visit)) {
      throw new Problem('notFound')
    }
    const name = parts.account.name ?? reassign.person(popugId)
    return visit.page(
      words.of(name),
      <>
        <AccountView visit={visit} {...parts} path={`/accounts/${popugId}`} name={name} />
        <p class="aside">
          <a href="/accounts">{words.toAll}</a>
        </p>
      </>,
    )
  }),
]

/** A page of the log beyond the first may be empty. */
const isFarPage = ({ query }: Member): boolean => query.has('after') || query.has('line')

interface AccountsProps {
  readonly visit: Member
  readonly earnings: Earnings
  /** Null when what was searched for is not as it must be. */
  readonly accounts: Accounts | null
  readonly text: string
}

const AccountsView = ({ visit, earnings, accounts, text }: AccountsProps) => {
  const { accounts: words, forms } = visit.texts
  return (
    <>
      <EarningsView visit={visit} earnings={earnings} />
      <section aria-labelledby="accounts">
        <h2 id="accounts">{words.list}</h2>
        <SearchForm
          action="/accounts"
          label={words.search}
          value={text}
          error={accounts === null ? forms.rules.text : undefined}
          submit={words.apply}
          clear={words.clear}
        />
        {accounts && accounts.accounts.length > 0 && <AccountsTable visit={visit} accounts={accounts.accounts} />}
        {accounts?.accounts.length === 0 && <Empty title={text === '' ? words.empty : words.emptyFiltered} />}
        <PageLinks
          visit={visit}
          next={accounts?.next ?? null}
          nextText={words.next}
          firstText={visit.texts.pages.start}
        />
      </section>
    </>
  )
}

const EarningsView = ({ visit, earnings: { today, balanceCents, days } }: { visit: Member; earnings: Earnings }) => {
  const { accounts: words } = visit.texts
  const { money, signedMoney, day } = visit.formats
  const last = days.at(-1)
  const hasAny = days.some(({ feesCents, rewardsCents }) => feesCents !== 0 || rewardsCents !== 0)
  return (
    <section aria-labelledby="earnings">
      <h2 id="earnings">{words.earnings}</h2>
      <p class="muted">{words.earningsHelp}</p>
      <dl class="figures earned">
        <div>
          <dt>{words.earnedToday(day(today))}</dt>
          <dd>{signedMoney(last?.earnedCents ?? 0)}</dd>
        </div>
        <div class="figure-part">
          <dt>{words.fees}</dt>
          <dd>{money(last?.feesCents ?? 0)}</dd>
        </div>
        <div class="figure-part">
          <dt>{words.rewards}</dt>
          <dd>{money(last?.rewardsCents ?? 0)}</dd>
        </div>
        <div class="figure-part">
          <dt>{words.balance}</dt>
          <dd>{money(balanceCents)}</dd>
        </div>
      </dl>
      {hasAny ? (
        <>
          <DayChart
            visit={visit}
            label={words.chart}
            bars={days.map(({ day: of, earnedCents }) => ({ day: of, cents: earnedCents }))}
          />
          <EarningsTable visit={visit} days={days} />
        </>
      ) : (
        <Notice>{words.noEarnings}</Notice>
      )}
    </section>
  )
}

/** The same figures in words, newest first; folded on the screen, open on paper. */
const EarningsTable = ({ visit, days }: { visit: Member; days: Earnings['days'] }) => {
  const { accounts: words } = visit.texts
  const { money, signedMoney, day } = visit.formats
  return (
    <details class="as-table">
      <summary>{words.asTable}</summary>
      <table class="rows even">
        <thead>
          <tr>
            <th scope="col">{words.day}</th>
            <th scope="col" class="money">
              {words.fees}
            </th>
            <th scope="col" class="money">
              {words.rewards}
            </th>
            <th scope="col" class="money">
              {words.earned}
            </th>
          </tr>
        </thead>
        <tbody>
          {days.toReversed().map((row) => (
            <tr>
              <th scope="row">{day(row.day)}</th>
              <td class="money" data-label={words.fees}>
                {money(row.feesCents)}
              </td>
              <td class="money" data-label={words.rewards}>
                {money(row.rewardsCents)}
              </td>
              <td class="money" data-label={words.earned}>
                <strong>{signedMoney(row.earnedCents)}</strong>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

const AccountsTable = ({ visit, accounts }: { visit: Member; accounts: Accounts['accounts'] }) => {
  const { accounts: words, reassign, people } = visit.texts
  const { money, signedMoney } = visit.formats
  return (
    <table class="rows even">
      <thead>
        <tr>
          <th scope="col">{words.popug}</th>
          <th scope="col" class="col-name">
            {visit.texts.forms.role}
          </th>
          <th scope="col" class="money col-money">
            {words.today}
          </th>
          <th scope="col" class="money col-money">
            {words.balanceOf}
          </th>
        </tr>
      </thead>
      <tbody>
        {accounts.map((account) => (
          <tr>
            <th scope="row">
              <span class="number">#{account.popugId}</span>{' '}
              <a href={`/accounts/${account.popugId}`}>{account.name ?? reassign.person(account.popugId)}</a>
            </th>
            <td class="muted">
              {roleText(visit, account.role)}
              {!account.active && <span class="state state-disabled below">{people.disabled}</span>}
            </td>
            <td class="money" data-label={words.today}>
              {signedMoney(account.todayCents)}
            </td>
            <td class="money" data-label={words.balanceOf}>
              <strong>{money(account.balanceCents)}</strong>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** A role of a newer version has no word here. */
const roleText = ({ texts }: Member, role: string | null): string => {
  const known = roles.find((each) => each === role)
  return known ? texts.roles[known] : (role ?? texts.accounts.roleUnknown)
}
