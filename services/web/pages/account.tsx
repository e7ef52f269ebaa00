// My account: balance, today, and a log in which every line says which task, why, when and by which event.
import type { z } from 'zod'
import { Fault } from '../../../kernel/result.ts'
import { accounting } from '../../accounting/contract.ts'
import { taskTracker } from '../../task-tracker/contract.ts'
import { everybody } from '../../vocabulary.ts'
import { Description, Empty, followedFrom, Movement, Notice, PageLinks, TaskNumber, When } from '../look/parts.tsx'
import { get } from '../route.ts'
import type { Member } from '../visit.tsx'
import { byDay, eventMark, type Day, type Line } from './account-log.ts'
import { onTheWayTo, Pending, type OnTheWay } from './on-the-way.tsx'

type Account = z.output<typeof accounting.getAccountInfo.output>

/** Descriptions by task; null while the task tracker is out of reach. */
type Descriptions = ReadonlyMap<number, string> | null

export const accountPage = [
  get('/account', everybody, async (visit) => {
    const { account: words } = visit.texts
    const parts = await accountOf(visit, visit.person.popugId).catch((error: unknown) =>
      withoutAccounting(visit, error),
    )
    return parts === null
      ? visit.page(words.title, <Missing visit={visit} />, { status: 503 })
      : visit.page(words.title, <MyAccount visit={visit} parts={parts} />)
  }),

  /** The whole of it, which asks for itself when something has changed. */
  get('/account/now', everybody, async (visit) =>
    visit.fragment(<MyAccount visit={visit} parts={await accountOf(visit, visit.person.popugId)} />),
  ),
]

/** A page that says what is missing, where accounting does not answer. */
const withoutAccounting = ({ deps, requestId }: Member, error: unknown): null => {
  if (!(error instanceof Fault) || error.kind !== 'unavailable') throw error
  deps.log.warn({ err: error, requestId }, 'an account was asked for that cannot be shown')
  return null
}

const Missing = ({ visit }: { visit: Member }) => (
  <>
    <Notice>{visit.texts.account.accountingDown}</Notice>
    <p>
      <a href="/account">{visit.texts.problems.reload}</a>
    </p>
  </>
)

const MyAccount = ({ visit, parts }: { visit: Member; parts: AccountParts }) => (
  <LiveAccount visit={visit} {...parts} path="/account" name={visit.person.name} topic="mine" />
)

/** Follows what happens, and asks again each second while something that it shows as on its way may have come. */
export const LiveAccount = ({ topic, ...props }: AccountProps & { readonly topic: 'mine' | 'money' }) => {
  const isUnderWay = (props.onTheWay?.happenings.length ?? 0) > 0
  return (
    <div id="account" {...followedFrom(`${props.path}/now${props.visit.url.search}`, topic, isUnderWay)}>
      <AccountView {...props} />
    </div>
  )
}

/** The event whose line is looked for; nothing when none is, or it is no event's mark. */
const lineIn = (visit: Member): { fromNumber?: number; fromEpoch?: number } => {
  const line = /^(?:([1-9]\d{0,8})\.)?([1-9]\d{0,14})$/.exec(visit.query.get('line') ?? '')
  return line ? { fromEpoch: Number(line[1] ?? 1), fromNumber: Number(line[2]) } : {}
}

/** An account with what explains it: descriptions of tasks, and what is on its way to it. */
export const accountOf = async (visit: Member, popugId: number): Promise<AccountParts> => {
  const after = visit.query.get('after') || undefined
  const from = lineIn(visit)
  const account = await visit.need(accounting.getAccountInfo, { popugId, after, ...from })
  const taskIds = [...new Set(account.lines.map(({ taskId }) => taskId))]
  const isNewest = after === undefined && from.fromNumber === undefined
  const [described, onTheWay] = await Promise.all([
    visit.want(taskTracker.describeTasks, { taskIds }),
    isNewest ? onTheWayTo(visit, account) : nothing,
  ])
  const descriptions = described && new Map(described.tasks.map(({ taskId, description }) => [taskId, description]))
  return { account, descriptions, onTheWay: onTheWay && behind(account, onTheWay) }
}

/** What has got into the ledger while it was read is not on the way any more. */
const behind = ({ lines }: Account, { happenings, ...rest }: OnTheWay): OnTheWay => {
  const booked = new Set(lines.map(({ cause }) => cause.eventId))
  return { ...rest, happenings: happenings.filter(({ eventId }) => !booked.has(eventId)) }
}

const nothing: OnTheWay = { head: 0, complete: true, happenings: [] }

interface AccountParts {
  readonly account: Account
  readonly descriptions: Descriptions
  /** Null while the task tracker is out of reach; further pages show nothing of it. */
  readonly onTheWay: OnTheWay | null
}

interface AccountProps extends AccountParts {
  readonly visit: Member
  readonly name: string
  /** Where the log is a page. */
  readonly path: string
}

const AccountView = ({ visit, name, path, account, descriptions, onTheWay }: AccountProps) => {
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
      {(descriptions === null || onTheWay === null) && <Notice>{words.trackerDown}</Notice>}
      {onTheWay && <Pending visit={visit} onTheWay={onTheWay} upTo={account.upTo} path={path} />}
      <section aria-labelledby="log">
        <h2 id="log">{words.log}</h2>
        {account.lines.length === 0 ? (
          <Empty title={words.empty}>
            {account.popugId === visit.person.popugId ? <p>{words.emptyHelp}</p> : <NextForOther visit={visit} />}
          </Empty>
        ) : (
          <Log visit={visit} account={account} descriptions={descriptions} />
        )}
        <PageLinks visit={visit} path={path} next={account.next} />
      </section>
    </>
  )
}

const NextForOther = ({ visit }: { visit: Member }) => (
  <>
    <p>{visit.texts.account.emptyHelpOfOther}</p>
    <p>
      <a href="/tasks">{visit.texts.account.emptyLink}</a>
    </p>
  </>
)

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
