// My account: balance, today, and a log in which every line says which task, why, when and by which event.
import type { z } from 'zod'
import { accounting } from '../../accounting/contract.ts'
import { taskTracker } from '../../task-tracker/contract.ts'
import { everybody } from '../../vocabulary.ts'
import { Description, Empty, Movement, Notice, PageLinks, When } from '../look/parts.tsx'
import { get } from '../route.ts'
import type { Member } from '../visit.tsx'
import { byDay, onTheWay, type Day, type Line, type OnTheWay } from './account-log.ts'

type Account = z.output<typeof accounting.getAccountInfo.output>

/** Descriptions by task; null while the task tracker is out of reach. */
type Descriptions = ReadonlyMap<number, string> | null

export const accountPage = [
  get('/account', everybody, async (visit) => {
    const { popugId } = visit.person
    const after = visit.query.get('after') || undefined
    // Asked before the ledger, so that what arrives in between is not taken for missing.
    const mine = after ? null : await visit.want(taskTracker.getTasks, { popugId, limit: 20 })
    const account = await visit.need(accounting.getAccountInfo, { popugId, after })
    const described = await visit.want(taskTracker.describeTasks, {
      taskIds: [...new Set(account.lines.map(({ taskId }) => taskId))],
    })
    const descriptions = described && new Map(described.tasks.map(({ taskId, description }) => [taskId, description]))
    const pending = mine ? onTheWay(mine.tasks, account.lines, account.next !== null) : []
    return visit.page(
      visit.texts.account.title,
      <AccountView visit={visit} account={account} descriptions={descriptions} pending={pending} />,
    )
  }),
]

interface AccountProps {
  readonly visit: Member
  readonly account: Account
  readonly descriptions: Descriptions
  readonly pending: readonly OnTheWay[]
}

const AccountView = ({ visit, account, descriptions, pending }: AccountProps) => {
  const { account: words } = visit.texts
  return (
    <>
      <p class="lead print-only">{visit.person.name}</p>
      <dl class="figures">
        <div>
          <dt>{words.balance}</dt>
          <dd>{visit.formats.money(account.balanceCents)}</dd>
        </div>
        <div>
          <dt>{words.today(visit.formats.day(account.today))}</dt>
          <dd>{visit.formats.signedMoney(account.todayCents)}</dd>
        </div>
      </dl>
      {descriptions === null && <Notice>{words.trackerDown}</Notice>}
      {pending.length > 0 && <Pending visit={visit} pending={pending} />}
      <section aria-labelledby="log">
        <h2 id="log">{words.log}</h2>
        {account.lines.length === 0 ? (
          <Empty title={words.empty}>
            <p>{words.emptyHelp}</p>
          </Empty>
        ) : (
          <Log visit={visit} account={account} descriptions={descriptions} />
        )}
        <PageLinks visit={visit} next={account.next} />
      </section>
    </>
  )
}

const Pending = ({ visit, pending }: { visit: Member; pending: readonly OnTheWay[] }) => {
  const { account: words } = visit.texts
  return (
    <section aria-labelledby="pending" class="on-the-way">
      <h2 id="pending">{words.onTheWay}</h2>
      <p>{words.onTheWayHelp(pending.length)}</p>
      <ul>
        {pending.map((entry) => (
          <li>
            {entry.kind === 'fee' ? words.fee(entry.assignment) : words.reward}:{' '}
            <span class="number">#{entry.taskId}</span> <Description visit={visit} text={entry.description} />
          </li>
        ))}
      </ul>
    </section>
  )
}

const Log = ({ visit, account, descriptions }: { visit: Member; account: Account; descriptions: Descriptions }) => {
  const { account: words } = visit.texts
  return (
    <table class="rows ledger">
      <thead>
        <tr>
          <th scope="col" class="col-hour">
            {words.when}
          </th>
          <th scope="col">{words.what}</th>
          <th scope="col" class="col-cause">
            {words.cause}
          </th>
          <th scope="col" class="money col-money">
            {words.amount}
          </th>
          <th scope="col" class="money col-money">
            {words.running}
          </th>
        </tr>
      </thead>
      {byDay(account.lines).map((day) => (
        <DayOfLog visit={visit} day={day} today={account.today} descriptions={descriptions} />
      ))}
    </table>
  )
}

const DayOfLog = ({
  visit,
  day,
  today,
  descriptions,
}: {
  visit: Member
  day: Day
  today: string
  descriptions: Descriptions
}) => (
  <tbody>
    <tr class="day">
      <th scope="rowgroup" colspan={5}>
        {day.day === today
          ? `${visit.texts.account.todayShort}, ${visit.formats.day(day.day)}`
          : visit.formats.day(day.day)}
      </th>
    </tr>
    {day.lines.map((line) => (
      <LogLine visit={visit} line={line} description={descriptions?.get(line.taskId)} />
    ))}
  </tbody>
)

const LogLine = ({ visit, line, description }: { visit: Member; line: Line; description: string | undefined }) => {
  const { account: words } = visit.texts
  return (
    <tr>
      <td class="hour">
        <When visit={visit} at={line.at} format="time" />
      </td>
      <th scope="row" class="task">
        <span class="why">{line.kind === 'fee' ? words.fee(line.assignment) : words.reward}</span>
        <div class="which">
          <span class="number">#{line.taskId}</span>{' '}
          {description !== undefined && <Description visit={visit} text={description} />}
        </div>
      </th>
      <td class="cause">
        <code title={line.cause.eventId}>
          {line.cause.stream} #{line.cause.number}
        </code>
      </td>
      <td class="money sum">
        <Movement visit={visit} cents={line.amountCents} />
      </td>
      <td class="money running">{visit.formats.money(line.balanceCents)}</td>
    </tr>
  )
}
