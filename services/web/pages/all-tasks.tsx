// All tasks: found by state, assignee and text, all of it in the address; and the form for a new one.
import type { z } from 'zod'
import { isRefusal } from '../../../kernel/result.ts'
import { taskState, taskTracker, type Task as TaskSchema } from '../../task-tracker/contract.ts'
import { everybody, managers } from '../../vocabulary.ts'
import { check, type Form } from '../forms.ts'
import { CommandForm, Field, FormError } from '../look/fields.tsx'
import { Description, Empty, PageLinks, When } from '../look/parts.tsx'
import { statusOf } from '../problem.ts'
import { get, post } from '../route.ts'
import { refusalText } from '../texts/refusals.ts'
import type { Member } from '../visit.tsx'
import { AssigneeControl, findAssignee, rosterOf, type Popug } from './assignee.tsx'

type Task = z.output<typeof TaskSchema>

export const allTasksPage = [
  get('/tasks', everybody, (visit) => allTasksView(visit, {})),

  post('/tasks', everybody, async (visit, form) => {
    const description = form.text('description')
    const found = await findAssignee(visit, form.text('popugId'))
    if ('problem' in found) return allTasksView(visit, { form, assigneeError: found.problem, status: 422 })
    const checked = check(taskTracker.createTask.input, { description, popugId: found.popugId })
    if ('wrong' in checked)
      return allTasksView(visit, { form, descriptionError: visit.texts.forms.rules.description, status: 422 })
    const outcome = await visit.call(taskTracker.createTask, checked.value, { key: form.key })
    if (isRefusal(outcome)) {
      const error = refusalText(visit.texts, outcome)
      // The key of a form that was sent before is spent; the form as it stands now is another one.
      const isSpent = outcome.refused === 'key_reused'
      return allTasksView(visit, { form, error, isSpent, status: statusOf(taskTracker.createTask, outcome) })
    }
    const { taskId, assigneeName } = outcome.ok
    return visit.seeOther('/tasks', { is: 'taskCreated', task: String(taskId), name: assigneeName })
  }),
]

/** The form for a new task as it was sent, and what was wrong with it. */
interface Sent {
  readonly form?: Form
  readonly descriptionError?: string
  readonly assigneeError?: string
  readonly error?: string
  readonly isSpent?: boolean
}

interface Filter {
  readonly state: string
  readonly assignee: string
  readonly text: string
  readonly stateError?: string
  readonly assigneeError?: string
  readonly textError?: string
}

const allTasksView = async (visit: Member, { status, ...sent }: Sent & { status?: number }): Promise<Response> => {
  const asked = {
    state: visit.query.get('state') ?? '',
    assignee: visit.query.get('assignee') ?? '',
    text: visit.query.get('text') ?? '',
  }
  const [roster, found] = await Promise.all([rosterOf(visit), findAssignee(visit, asked.assignee)])
  const state = asked.state === '' ? undefined : taskState.safeParse(asked.state)
  const checked = check(taskTracker.getTasks.input, {
    text: asked.text || undefined,
    state: state?.data,
    popugId: 'problem' in found ? undefined : found.popugId,
    after: visit.query.get('after') || undefined,
  })
  const { rules } = visit.texts.forms
  const filter: Filter = {
    ...asked,
    ...(state?.success === false ? { stateError: rules.state } : {}),
    ...('problem' in found ? { assigneeError: found.problem } : {}),
    ...('wrong' in checked && checked.wrong.has('text') ? { textError: rules.text } : {}),
  }
  const isWrong = 'wrong' in checked || filter.stateError !== undefined || filter.assigneeError !== undefined
  const page = isWrong ? { tasks: [], next: null } : await visit.need(taskTracker.getTasks, checked.value)
  return visit.page(
    visit.texts.allTasks.title,
    <AllTasks visit={visit} roster={roster} filter={filter} sent={sent} tasks={page.tasks} next={page.next} />,
    { status: status ?? (isWrong ? 422 : 200) },
  )
}

interface AllTasksProps {
  readonly visit: Member
  readonly roster: readonly Popug[] | null
  readonly filter: Filter
  readonly sent: Sent
  readonly tasks: readonly Task[]
  readonly next: string | null
}

const AllTasks = ({ visit, roster, filter, sent, tasks, next }: AllTasksProps) => (
  <>
    <NewTask visit={visit} roster={roster} sent={sent} />
    <section aria-labelledby="list">
      <h2 id="list">{visit.texts.allTasks.list}</h2>
      <FilterForm visit={visit} roster={roster} filter={filter} />
      {tasks.length === 0 ? <Nothing visit={visit} filter={filter} /> : <TaskTable visit={visit} tasks={tasks} />}
      <PageLinks visit={visit} next={next} />
    </section>
  </>
)

const NewTask = ({ visit, roster, sent }: { visit: Member; roster: readonly Popug[] | null; sent: Sent }) => {
  const { allTasks: words } = visit.texts
  const { form } = sent
  return (
    <section aria-labelledby="create" class="create">
      <h2 id="create">{words.create}</h2>
      {sent.error && <FormError>{sent.error}</FormError>}
      <CommandForm
        action={`/tasks${visit.url.search}`}
        class="create-form"
        idempotencyKey={sent.isSpent ? undefined : form?.key}
      >
        <Field name="description" label={words.description} error={sent.descriptionError} help={words.createHelp}>
          {(attributes) => (
            <textarea class="textarea" rows={2} required maxlength={2_000} {...attributes}>
              {form?.text('description') ?? ''}
            </textarea>
          )}
        </Field>
        {managers.includes(visit.person.role) && (
          <Field
            name="popugId"
            label={words.assignee}
            error={sent.assigneeError}
            help={roster === null ? words.assigneeHelp : undefined}
          >
            {(attributes) => (
              <AssigneeControl
                roster={roster}
                value={form?.text('popugId') ?? ''}
                nobody={words.draw}
                attributes={attributes}
              />
            )}
          </Field>
        )}
        <button class="btn btn-primary">{words.submit}</button>
      </CommandForm>
    </section>
  )
}

const FilterForm = ({ visit, roster, filter }: { visit: Member; roster: readonly Popug[] | null; filter: Filter }) => {
  const { allTasks: words } = visit.texts
  const isFiltered = filter.state !== '' || filter.assignee !== '' || filter.text !== ''
  return (
    <form method="get" action="/tasks" class="filter" role="search" aria-label={words.filter}>
      <Field name="text" label={words.text} help={words.textHelp} error={filter.textError}>
        {(attributes) => <input class="input" type="search" maxlength={200} value={filter.text} {...attributes} />}
      </Field>
      <Field name="state" label={words.state} error={filter.stateError}>
        {(attributes) => (
          <select class="select" {...attributes}>
            <option value="">{words.anyState}</option>
            {taskState.options.map((state) => (
              <option value={state} selected={state === filter.state}>
                {words.states[state]}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field
        name="assignee"
        label={words.assignee}
        error={filter.assigneeError}
        help={roster === null ? words.assigneeHelp : undefined}
      >
        {(attributes) => (
          <AssigneeControl roster={roster} value={filter.assignee} nobody={words.anybody} attributes={attributes} />
        )}
      </Field>
      <div class="filter-acts">
        <button class="btn">{words.apply}</button>
        {isFiltered && <a href="/tasks">{words.clear}</a>}
      </div>
    </form>
  )
}

const Nothing = ({ visit, filter }: { visit: Member; filter: Filter }) => {
  const { allTasks: words } = visit.texts
  const isFiltered = filter.state !== '' || filter.assignee !== '' || filter.text !== ''
  return isFiltered ? (
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

const TaskTable = ({ visit, tasks }: { visit: Member; tasks: readonly Task[] }) => {
  const { allTasks: words } = visit.texts
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{words.task}</th>
          <th scope="col" class="col-state">
            {words.state}
          </th>
          <th scope="col" class="col-name">
            {words.assignee}
          </th>
          <th scope="col" class="last col-time">
            {words.created}
          </th>
        </tr>
      </thead>
      <tbody>
        {tasks.map((task) => (
          <tr>
            <th scope="row" class="task">
              <span class="number">#{task.taskId}</span> <Description visit={visit} text={task.description} />
            </th>
            <td>
              <span class={`state state-${task.state}`}>{words.states[task.state]}</span>
            </td>
            <td>
              <Assignee visit={visit} task={task} />
            </td>
            <td class="last">
              <When visit={visit} at={task.createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const Assignee = ({ visit, task }: { visit: Member; task: Task }) => {
  const { allTasks: words } = visit.texts
  return (
    <>
      <a class="plain" href={`/tasks?assignee=${task.assigneeId}`}>
        {task.assigneeName}
      </a>
      {task.assigneeId === visit.person.popugId && <span class="muted"> ({words.you})</span>}
      {task.state === 'open' && !task.assigneeActive && <span class="warning below">{words.disabled}</span>}
    </>
  )
}
