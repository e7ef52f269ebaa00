// My account: balance, today, and a log in which every line says which task, why, when and by which event.
import type { z } from 'zod'
import { accounting } from '../../accounting/contract.ts'
import { taskTracker } from '../../task-tracker/contract.ts'
import { everybody } from '../../vocabulary.ts'
import { Description, Empty, followedFrom, Movement, Notice, PageLinks, TaskNumber, When } from '../look/parts.tsx'
import { get } from '../route.ts'
import type { Member } from '../visit.tsx'
import { byDay, eventMark, onTheWay, type Day, type Line, type OnTheWay } from './account-log.ts'

type Account = z.output<typeof accounting.getAccountInfo.output>

/** Descriptions by task; null while the task tracker is out of reach. */
type Descriptions = ReadonlyMap<number, string> | null

export const accountPage = [
  get('/account', everybody, async (visit) =>
    visit.page(
      visit.texts.account.title,
      <MyAccount visit={visit} parts={await accountOf(visit, visit.person.popugId)} />,
    ),
  ),

  /** The whole of it, which asks for itself when something has changed. */
  get('/account/now', everybody, async (visit) =>
    visit.fragment(<MyAccount visit={visit} parts={await accountOf(visit, visit.person.popugId)} />),
  ),
]

const MyAccount = ({ visit, parts }: { visit: Member; parts: AccountParts }) => (
  <div id="account" {...followedFrom(`/account/now${visit.url.search}`, 'mine', parts.pending.length > 0)}>
    <AccountView visit={visit} {...parts} path="/account" name={visit.person.name} />
  </div>
)

/** The event whose line is looked for; nothing when none is, or it is no event's mark. */
const lineIn = (visit: Member): { fromNumber?: number; fromEpoch?: number } => {
  const line = /^(?:([1-9]\d{0,8})\.)?([1-9]\d{0,14})$/.exec(visit.query.get('line') ?? '')
  return line ? { fromEpoch: Number(line[1] ?? 1), fromNumber: Number(line[2]) } : {}
}

/** An account with what explains it: descriptions of tasks, and what is on its way to it. */
export const accountOf = async (visit: Member, popugId: number): Promise<AccountParts> => {
  const after = visit.query.get('after') || undefined
  const from = lineIn(visit)
  // Asked before the ledger, so that what arrives in between is not taken for missing.
  const isNewest = after === undefined && from.fromNumber === undefined
  const mine = isNewest ? await visit.want(taskTracker.getTasks, { popugId, limit: 20 }) : null
  const account = await visit.need(accounting.getAccountInfo, { popugId, after, ...from })
  const described = await visit.want(taskTracker.describeTasks, {
    taskIds: [...new Set(account.lines.map(({ taskId }) => taskId))],
  })
  const descriptions = described && new Map(described.tasks.map(({ taskId, description }) => [taskId, description]))
  return { account, descriptions, pending: mine ? onTheWay(mine.tasks, account.lines, account.next !== null) : [] }
}

interface AccountParts {
  readonly account: Account
  readonly descriptions: Descriptions
  readonly pending: readonly OnTheWay[]
}

interface AccountProps extends AccountParts {
  readonly visit: Member
  readonly name: string
  /** Where the log is a page. */
  readonly path: string
}

export const AccountView = ({ visit, name, path, account, descriptions, pending }: AccountProps) => {
  const { account: words } = visit.texts
  return (
    <>
      <p class="lead print-only">{name}</p>
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
          <Empty title={words.empty}>{account.popugId === visit.person.popugId && <p>{words.emptyHelp}</p>}</Empty>
        ) : (
          <Log visit={visit} account={account} descriptions={descriptions} />
        )}
        <PageLinks visit={visit} path={path} next={account.next} />
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
            {entry.kind === 'fee' ? words.fee(entry.assignment) : words.reward}: <TaskNumber taskId={entry.taskId} />{' '}
            <Description visit={visit} text={entry.description} />
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
        <DayOfLog visit={visit} day={day} account={account} descriptions={descriptions} />
      ))}
    </table>
  )
}

interface DayProps {
  readonly visit: Member
  readonly day: Day
  readonly account: Account
  readonly descriptions: Descriptions
}

const DayOfLog = ({ visit, day, account, descriptions }: DayProps) => (
  <tbody>
    <tr class="day">
      <th scope="rowgroup" colspan={5}>
        {day.day === account.today
          ? `${visit.texts.account.todayShort}, ${visit.formats.day(day.day)}`
          : visit.formats.day(day.day)}
      </th>
    </tr>
    {day.lines.map((line) => (
      <LogLine
        visit={visit}
        line={line}
        of={account.popugId === visit.person.popugId ? 'reader' : 'popug'}
        description={descriptions?.get(line.taskId)}
      />
    ))}
  </tbody>
)

interface LineProps {
  readonly visit: Member
  readonly line: Line
  readonly of: 'reader' | 'popug'
  readonly description: string | undefined
}

const LogLine = ({ visit, line, of, description }: LineProps) => {
  const { account: words } = visit.texts
  return (
    <tr id={`line-${eventMark(line.cause)}`}>
      <td class="hour">
        <When visit={visit} at={line.at} format="time" />
      </td>
      <th scope="row" class="task">
        <span class="why">{line.kind === 'fee' ? words.fee(line.assignment) : words.reward}</span>
        <div class="which">
          <TaskNumber taskId={line.taskId} />{' '}
          {description !== undefined && <Description visit={visit} text={description} />}
        </div>
      </th>
      <td class="cause">
        <code title={line.cause.eventId}>
          {line.cause.stream} #{eventMark(line.cause)}
        </code>
      </td>
      <td class="money sum">
        <Movement visit={visit} cents={line.amountCents} of={of} />
      </td>
      <td class="money running">{visit.formats.money(line.balanceCents)}</td>
    </tr>
  )
}
