// My tasks: what I have to do, what it cost and what it brings, with one button each.
import type { ComponentChildren } from 'preact'
import type { z } from 'zod'
import { isRefusal } from '../../../kernel/result.ts'
import { accounting } from '../../accounting/contract.ts'
import { taskTracker, type Task as TaskSchema } from '../../task-tracker/contract.ts'
import { everybody, managers } from '../../vocabulary.ts'
import { idFrom, localPath } from '../forms.ts'
import { lookAgain, type Since } from '../last-visit.ts'
import { CommandForm } from '../look/fields.tsx'
import { Description, Empty, followedFrom, Movement, Notice, PageLinks, TaskNumber, When } from '../look/parts.tsx'
import { Problem } from '../problem.ts'
import { get, post } from '../route.ts'
import { turnDown, type Member } from '../visit.tsx'
import { type Changes, changesSince, isNew, SinceLastVisit } from './since-last-visit.tsx'

type Task = z.output<typeof TaskSchema>
type Account = z.output<typeof accounting.getAccountInfo.output>
interface Price {
  readonly feeCents: number
  readonly rewardCents: number
}

/** Prices by task; null while accounting is out of reach. */
type Prices = ReadonlyMap<number, Price> | null

export const myTasksPage = [
  get('/', everybody, async (visit) => {
    const { since, cookie } = lookOf(visit)
    const parts = await partsOf(visit, since)
    return visit.page(visit.texts.myTasks.title, <MyTasks visit={visit} {...parts} />, { cookies: [cookie] })
  }),

  /** The whole of it, which asks for itself when something has changed. */
  get('/mine', everybody, async (visit) => {
    const { since, cookie } = lookOf(visit)
    return visit.fragment(<MyTasks visit={visit} {...await partsOf(visit, since)} />, [cookie])
  }),

  post('/tasks/:taskId/complete', everybody, async (visit, form) => {
    const taskId = idFrom(visit.param('taskId'))
    if (taskId === null) throw new Problem('notFound')
    const back = localPath(form.fields.get('back'))
    const outcome = await visit.call(taskTracker.completeTask, { taskId }, { key: form.key })
    if (isRefusal(outcome)) return turnDown(visit, back, taskTracker.completeTask, outcome)
    return visit.seeOther(back, { is: 'taskCompleted', task: String(taskId) })
  }),
]

const lookOf = ({ request, person: { popugId }, now, secure }: Member): Since =>
  lookAgain({ request, popugId, now, secure })

const partsOf = async (visit: Member, since: Date | null): Promise<Omit<MyTasksProps, 'visit'>> => {
  const { popugId } = visit.person
  const after = visit.query.get('after') || undefined
  const [open, completed, account, changes] = await Promise.all([
    visit.need(taskTracker.getTasks, { popugId, state: 'open', after }),
    visit.need(taskTracker.getTasks, { popugId, order: 'completed', limit: 10 }),
    visit.want(accounting.getAccountInfo, { popugId, limit: 1 }),
    since && changesSince(visit, since),
  ])
  const prices = account && (await pricesOf(visit, [...open.tasks, ...completed.tasks]))
  return { open: open.tasks, next: open.next, completed: completed.tasks, prices, account, changes }
}

const pricesOf = async (visit: Member, tasks: readonly Task[]): Promise<Prices> => {
  if (tasks.length === 0) return new Map()
  const known = await visit.want(accounting.getPrices, { taskIds: tasks.map(({ taskId }) => taskId) })
  return known && new Map(known.prices.map((price) => [price.taskId, price]))
}

interface MyTasksProps {
  readonly visit: Member
  readonly open: readonly Task[]
  readonly next: string | null
  readonly completed: readonly Task[]
  readonly prices: Prices
  readonly account: Account | null
  /** What has changed since the visit before; null in a first one. */
  readonly changes: Changes | null
}

const MyTasks = ({ visit, open, next, completed, prices, account, changes }: MyTasksProps) => {
  const { myTasks: words } = visit.texts
  const isPending = prices !== null && [...open, ...completed].some(({ taskId }) => !prices.has(taskId))
  return (
    <div id="mine" {...followedFrom(`/mine${visit.url.search}`, 'mine tasks', isPending)}>
      {account && <Figures visit={visit} account={account} />}
      {(account === null || prices === null) && <Notice>{words.accountingDown}</Notice>}
      {changes && <SinceLastVisit visit={visit} changes={changes} />}
      <section aria-labelledby="open">
        <h2 id="open">{words.open}</h2>
        {open.length === 0 ? (
          <NothingOpen visit={visit} />
        ) : (
          <OpenTasks visit={visit} tasks={open} prices={prices} since={changes?.since ?? null} />
        )}
        <PageLinks visit={visit} path="/" next={next} />
      </section>
      <section aria-labelledby="completed">
        <h2 id="completed">{words.completed}</h2>
        {completed.length === 0 ? (
          <p class="muted">{words.noneCompleted}</p>
        ) : (
          <CompletedTasks visit={visit} tasks={completed} prices={prices} />
        )}
      </section>
    </div>
  )
}

const Figures = ({ visit, account }: { visit: Member; account: Account }) => (
  <dl class="figures">
    <div>
      <dt>{visit.texts.myTasks.balance}</dt>
      <dd>
        <a href="/account">{visit.formats.money(account.balanceCents)}</a>
      </dd>
    </div>
    <div>
      <dt>{visit.texts.myTasks.today}</dt>
      <dd>{visit.formats.signedMoney(account.todayCents)}</dd>
    </div>
  </dl>
)

const NothingOpen = ({ visit }: { visit: Member }) => {
  const { myTasks: words } = visit.texts
  return (
    <Empty title={words.empty}>
      <p>{managers.includes(visit.person.role) ? words.emptyManager : words.emptyHelp}</p>
      <p>
        <a href="/tasks">{words.emptyLink}</a>
      </p>
    </Empty>
  )
}

interface TableProps {
  readonly visit: Member
  readonly tasks: readonly Task[]
  readonly prices: Prices
}

const OpenTasks = ({ visit, tasks, prices, since }: TableProps & { readonly since: Date | null }) => {
  const { myTasks: words } = visit.texts
  return (
    <table class="rows mine">
      <Head visit={visit} last={<span class="sr">{words.action}</span>} />
      <tbody>
        {tasks.map((task) => (
          <tr>
            <TaskCells visit={visit} task={task} prices={prices} isNew={isNew(task, since)} />
            <td class="act">
              <CommandForm action={`/tasks/${task.taskId}/complete`}>
                <button class="btn btn-sm btn-quiet" aria-label={words.completeTask(task.taskId)}>
                  {words.complete}
                </button>
              </CommandForm>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const CompletedTasks = ({ visit, tasks, prices }: TableProps) => {
  const { myTasks: words } = visit.texts
  return (
    <table class="rows mine done">
      <Head visit={visit} last={words.done} />
      <tbody>
        {tasks.map((task) => (
          <tr>
            <TaskCells visit={visit} task={task} prices={prices} />
            <td class="last" data-label={words.done}>
              <When visit={visit} at={task.completedAt ?? task.assignedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const Head = ({ visit, last }: { visit: Member; last: ComponentChildren }) => {
  const { myTasks: words } = visit.texts
  return (
    <thead>
      <tr>
        <th scope="col">{words.task}</th>
        <th scope="col" class="col-time">
          {words.assigned}
        </th>
        <th scope="col" class="money col-money">
          {words.fee}
        </th>
        <th scope="col" class="money col-money">
          {words.reward}
        </th>
        <th scope="col" class="last col-act">
          {last}
        </th>
      </tr>
    </thead>
  )
}

interface CellsProps {
  readonly visit: Member
  readonly task: Task
  readonly prices: Prices
  readonly isNew?: boolean
}

const TaskCells = ({ visit, task, prices, isNew: isNewHere = false }: CellsProps) => {
  const { myTasks: words } = visit.texts
  const price = prices?.get(task.taskId)
  return (
    <>
      <th scope="row" class="task">
        <TaskNumber taskId={task.taskId} /> <Description visit={visit} text={task.description} />
        {isNewHere && <span class="mark">{words.isNew}</span>}
      </th>
      <td class="assigned" data-label={words.assigned}>
        <When visit={visit} at={task.assignedAt} />
      </td>
      <td class="money" data-label={words.fee}>
        {price ? <Movement visit={visit} cents={-price.feeCents} /> : <NoPrice visit={visit} prices={prices} />}
      </td>
      <td class="money" data-label={words.reward}>
        {price ? <Movement visit={visit} cents={price.rewardCents} /> : <NoPrice visit={visit} prices={prices} />}
      </td>
    </>
  )
}

/** Accounting has not heard of the task yet, or cannot be asked. */
const NoPrice = ({ visit, prices }: { visit: Member; prices: Prices }) => {
  const { money } = visit.texts
  return prices === null ? (
    <span class="muted">{money.unknown}</span>
  ) : (
    <span class="pending" title={money.pendingWhy}>
      {money.pending}
    </span>
  )
}
