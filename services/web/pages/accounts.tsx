// Accounts, for those who keep the books: what management earned by day, every balance, and each account's log.
import type { z } from 'zod'
import { accounting } from '../../accounting/contract.ts'
import { accountants, roles } from '../../vocabulary.ts'
import { check, idFrom } from '../forms.ts'
import { DayChart } from '../look/day-chart.tsx'
import { SearchForm } from '../look/fields.tsx'
import { Empty, followedFrom, Notice, PageLinks } from '../look/parts.tsx'
import { Problem } from '../problem.ts'
import { get } from '../route.ts'
import type { Member } from '../visit.tsx'
import { accountOf, LiveAccount } from './account.tsx'

type Accounts = z.output<typeof accounting.listAccounts.output>
type Earnings = z.output<typeof accounting.getEarnings.output>

export const accountsPage = [
  get('/accounts', accountants, async (visit) => {
    const [earnings, accounts] = await Promise.all([visit.need(accounting.getEarnings, {}), accountsIn(visit)])
    return visit.page(
      visit.texts.accounts.title,
      <AccountsView visit={visit} earnings={earnings} accounts={accounts} />,
      { status: accounts === null ? 422 : 200 },
    )
  }),

  /** Parts that ask for themselves when something has changed. */
  get('/accounts/earned', accountants, async (visit) =>
    visit.fragment(<EarningsView visit={visit} earnings={await visit.need(accounting.getEarnings, {})} />),
  ),
  get('/accounts/list', accountants, async (visit) =>
    visit.fragment(<Balances visit={visit} accounts={await accountsIn(visit)} />),
  ),

  get('/accounts/:popugId', accountants, async (visit) => {
    const shown = await accountIn(visit)
    const { accounts: words } = visit.texts
    return visit.page(
      words.of(shown.name),
      <>
        <LiveAccount visit={visit} {...shown} topic="money" />
        <p class="aside">
          <a href="/accounts">{words.toAll}</a>
        </p>
      </>,
    )
  }),
  get('/accounts/:popugId/now', accountants, async (visit) =>
    visit.fragment(<LiveAccount visit={visit} {...await accountIn(visit)} topic="money" />),
  ),
]

/** Those that the address asks for; null when it asks for something that cannot be. */
const accountsIn = async (visit: Member): Promise<Accounts | null> => {
  const checked = check(accounting.listAccounts.input, {
    text: visit.query.get('text') || undefined,
    after: visit.query.get('after') || undefined,
  })
  return 'wrong' in checked ? null : visit.need(accounting.listAccounts, checked.value)
}

/** The one of the address, with its parts. */
const accountIn = async (visit: Member) => {
  const popugId = idFrom(visit.param('popugId'))
  if (popugId === null) throw new Problem('notFound')
  const parts = await accountOf(visit, popugId)
  if (parts.account.name === null && parts.account.lines.length === 0 && !isFarPage(visit))
    throw new Problem('notFound')
  return { ...parts, path: `/accounts/${popugId}`, name: parts.account.name ?? visit.texts.reassign.person(popugId) }
}

/** A page of the log beyond the first may be empty. */
const isFarPage = ({ query }: Member): boolean => query.has('after') || query.has('line')

interface AccountsProps {
  readonly visit: Member
  /** Null when what was searched for is not as it must be. */
  readonly accounts: Accounts | null
}

const AccountsView = ({ visit, earnings, accounts }: AccountsProps & { readonly earnings: Earnings }) => {
  const { accounts: words, forms } = visit.texts
  return (
    <>
      <EarningsView visit={visit} earnings={earnings} />
      <section aria-labelledby="accounts">
        <h2 id="accounts">{words.list}</h2>
        <SearchForm
          action="/accounts"
          label={words.search}
          value={visit.query.get('text') ?? ''}
          error={accounts === null ? forms.rules.text : undefined}
          submit={words.apply}
          clear={words.clear}
        />
        <Balances visit={visit} accounts={accounts} />
      </section>
    </>
  )
}

const Balances = ({ visit, accounts }: AccountsProps) => {
  const { accounts: words, pages } = visit.texts
  if (accounts === null) return null
  const isAll = (visit.query.get('text') ?? '') === ''
  return (
    <div id="balances" {...followedFrom(`/accounts/list${visit.url.search}`, 'money people')}>
      {accounts.accounts.length > 0 && <AccountsTable visit={visit} accounts={accounts.accounts} />}
      {accounts.accounts.length === 0 && (
        <Empty title={isAll ? words.empty : words.emptyFiltered}>
          <p>{isAll ? words.emptyHelp : words.emptyFilteredHelp}</p>
        </Empty>
      )}
      <PageLinks visit={visit} path="/accounts" next={accounts.next} nextText={words.next} firstText={pages.start} />
    </div>
  )
}

const EarningsView = ({ visit, earnings: { today, balanceCents, days } }: { visit: Member; earnings: Earnings }) => {
  const { accounts: words } = visit.texts
  const { money, signedMoney, day } = visit.formats
  const last = days.at(-1)
  const hasAny = days.some(({ feesCents, rewardsCents }) => feesCents !== 0 || rewardsCents !== 0)
  return (
    <section id="earned" aria-labelledby="earnings" {...followedFrom('/accounts/earned', 'money')}>
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
