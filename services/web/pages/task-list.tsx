// The list of all tasks as the address filters it, each with what an assignment costs; it follows what happens.
import type { z } from 'zod'
import { accounting } from '../../accounting/contract.ts'
import { taskOrder, taskState, taskTracker, type Task as TaskSchema } from '../../task-tracker/contract.ts'
import { check } from '../forms.ts'
import { Description, Empty, followedFrom, PageLinks, TaskNumber, When } from '../look/parts.tsx'
import type { Member } from '../visit.tsx'
import { findAssignee } from './assignee.tsx'

type Task = z.output<typeof TaskSchema>

/** Fees by task; null while accounting is out of reach. */
type Fees = ReadonlyMap<number, number> | null

export interface Filter {
  readonly state: string
  readonly assignee: string
  readonly text: string
  readonly order: z.output<typeof taskOrder>
  readonly stateError?: string
  readonly assigneeError?: string
  readonly textError?: string
  readonly orderError?: string
}

export interface List {
  readonly filter: Filter
  readonly isWrong: boolean
  readonly tasks: readonly Task[]
  readonly next: string | null
  readonly fees: Fees
}

export const listOf = async (visit: Member): Promise<List> => {
  const asked = {
    state: visit.query.get('state') ?? '',
    assignee: visit.query.get('assignee') ?? '',
    text: visit.query.get('text') ?? '',
  }
  const found = await findAssignee(visit, 'everybody', asked.assignee)
  const state = asked.state === '' ? undefined : taskState.safeParse(asked.state)
  const order = taskOrder.safeParse(visit.query.get('order') || 'newest')
  const checked = check(taskTracker.getTasks.input, {
    order: order.data,
    text: asked.text || undefined,
    state: state?.data,
    popugId: 'problem' in found ? undefined : found.popugId,
    after: visit.query.get('after') || undefined,
  })
  const { rules } = visit.texts.forms
  const filter: Filter = {
    ...asked,
    order: order.data ?? 'newest',
    ...(order.success ? {} : { orderError: rules.order }),
    ...(state?.success === false ? { stateError: rules.state } : {}),
    ...('problem' in found ? { assigneeError: found.problem } : {}),
    ...('wrong' in checked && checked.wrong.has('text') ? { textError: rules.text } : {}),
  }
  const isWrong =
    'wrong' in checked || [filter.stateError, filter.assigneeError, filter.orderError].some((one) => one !== undefined)
  const page = isWrong ? { tasks: [], next: null } : await visit.need(taskTracker.getTasks, checked.value)
  return { filter, isWrong, ...page, fees: await feesOf(visit, page.tasks) }
}

const feesOf = async (visit: Member, tasks: readonly Task[]): Promise<Fees> => {
  if (tasks.length === 0) return new Map()
  const known = await visit.want(accounting.getPrices, { taskIds: tasks.map(({ taskId }) => taskId) })
  return known && new Map(known.prices.map(({ taskId, feeCents }) => [taskId, feeCents]))
}

interface ListProps {
  readonly visit: Member
  readonly list: List
}

/** Further pages stay as they were asked for. */
export const TaskList = ({ visit, list }: ListProps) => {
  const { tasks, fees, next, filter } = list
  const { pages } = visit.texts
  const isPending = fees !== null && tasks.some(({ taskId }) => !fees.has(taskId))
  const follows = visit.query.has('after') ? {} : followedFrom(`/tasks/list${visit.url.search}`, 'tasks', isPending)
  return (
    <div id="tasks" {...follows}>
      {tasks.length === 0 ? <Nothing visit={visit} filter={filter} /> : <TaskTable visit={visit} list={list} />}
      <PageLinks
        visit={visit}
        path="/tasks"
        next={next}
        nextText={visit.texts.allTasks.nextIn[filter.order]}
        firstText={filter.order === 'newest' ? pages.first : pages.start}
      />
    </div>
  )
}

const Fee = ({ visit, fees, taskId }: { visit: Member; fees: Fees; taskId: number }) => {
  const { money } = visit.texts
  const fee = fees?.get(taskId)
  if (fee !== undefined) return <>{visit.formats.money(fee)}</>
  if (fees === null) return <span class="muted">{money.unknown}</span>
  return (
    <span class="pending" title={money.pendingWhy}>
      {money.pending}
    </span>
  )
}

/** True where not all tasks are asked for. */
export const isFiltered = ({ state, assignee, text, order }: Filter): boolean =>
  state !== '' || assignee !== '' || text !== '' || order === 'completed'

const Nothing = ({ visit, filter }: { visit: Member; filter: Filter }) => {
  const { allTasks: words } = visit.texts
  return isFiltered(filter) ? (
    <Empty title={words.emptyFiltered}>
      <p>
        <a href="/tasks">{words.clear}</a>
      </p>
    </Empty>
  ) : (
    <Empty title={words.empty}>
      <p>{words.emptyHelp}</p>
    </Empty>
  )
}

const TaskTable = ({ visit, list: { tasks, fees, filter } }: ListProps) => {
  const { allTasks: words } = visit.texts
  const isByCompletion = filter.order === 'completed'
  return (
    <table class="rows tasks">
      <thead>
        <tr>
          <th scope="col">{words.task}</th>
          <th scope="col" class="col-state">
            {words.state}
          </th>
          <th scope="col" class="col-name">
            {words.assignee}
          </th>
          <th scope="col" class="money col-money">
            {visit.texts.money.feeOf}
          </th>
          <th scope="col" class="last col-time">
            {isByCompletion ? words.completed : words.created}
          </th>
        </tr>
      </thead>
      <tbody>
        {tasks.map((task) => (
          <tr>
            <th scope="row" class="task">
              <TaskNumber taskId={task.taskId} /> <Description visit={visit} text={task.description} />
            </th>
            <td>
              <span class={`state state-${task.state}`}>{words.states[task.state]}</span>
            </td>
            <td>
              <Assignee visit={visit} task={task} />
            </td>
            <td class="money" data-label={visit.texts.money.feeOf}>
              <Fee visit={visit} fees={fees} taskId={task.taskId} />
            </td>
            <td class="last" data-label={isByCompletion ? words.completed : words.created}>
              <When visit={visit} at={(isByCompletion && task.completedAt) || task.createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Says of an open task that its assignee can no longer be given any, and why. */
export const Misplaced = ({ visit, task }: { visit: Member; task: Task }) => {
  const { allTasks: words } = visit.texts
  const { state, assigneeActive, assigneeAssignable = assigneeActive } = task
  if (state !== 'open' || assigneeAssignable) return null
  return <span class="warning below">{assigneeActive ? words.promoted : words.disabled}</span>
}

const Assignee = ({ visit, task }: { visit: Member; task: Task }) => {
  const { allTasks: words } = visit.texts
  return (
    <>
      <a class="plain" href={`/tasks?assignee=${task.assigneeId}`}>
        {task.assigneeName}
      </a>
      {task.assigneeId === visit.person.popugId && <span class="muted"> ({words.you})</span>}
      <Misplaced visit={visit} task={task} />
    </>
  )
}
