// All tasks: found by state, assignee and text, all of it in the address; and the form for a new one.
import { isRefusal } from '../../../kernel/result.ts'
import { taskOrder, taskState, taskTracker } from '../../task-tracker/contract.ts'
import { everybody, managers } from '../../vocabulary.ts'
import { check, type Form } from '../forms.ts'
import { ChoiceField, CommandForm, Field, FormError } from '../look/fields.tsx'
import { statusOf } from '../problem.ts'
import { get, post } from '../route.ts'
import { refusalText } from '../texts/refusals.ts'
import type { Member } from '../visit.tsx'
import { AssigneeControl, findAssignee, rosterOf, type Popug } from './assignee.tsx'
import { type Filter, isFiltered, listOf, TaskList } from './task-list.tsx'

export const allTasksPage = [
  get('/tasks', everybody, (visit) => allTasksView(visit, {})),

  /** The list alone, which asks for itself when something has changed. */
  get('/tasks/list', everybody, async (visit) => visit.fragment(<TaskList visit={visit} list={await listOf(visit)} />)),

  post('/tasks', everybody, async (visit, form) => {
    const description = form.text('description')
    const found = await findAssignee(visit, 'assignable', form.text('popugId'))
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

const allTasksView = async (visit: Member, { status, ...sent }: Sent & { status?: number }): Promise<Response> => {
  const mayChoose = managers.includes(visit.person.role)
  const [assignable, everybodyHere, found] = await Promise.all([
    mayChoose ? rosterOf(visit, 'assignable') : null,
    rosterOf(visit, 'everybody'),
    listOf(visit),
  ])
  return visit.page(
    visit.texts.allTasks.title,
    <>
      <NewTask visit={visit} roster={assignable} sent={sent} />
      <section aria-labelledby="list">
        <h2 id="list">{visit.texts.allTasks.list}</h2>
        <FilterForm visit={visit} roster={everybodyHere} filter={found.filter} />
        <TaskList visit={visit} list={found} />
      </section>
    </>,
    { status: status ?? (found.isWrong ? 422 : 200) },
  )
}

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
            <textarea class="textarea" rows={2} required maxlength={2_000} data-enter-sends {...attributes}>
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
                visit={visit}
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
  return (
    <form method="get" action="/tasks" class="filter filter-tasks" role="search" aria-label={words.filter}>
      <Field name="text" label={words.text} help={words.textHelp} error={filter.textError}>
        {(attributes) => <input class="input" type="search" maxlength={200} value={filter.text} {...attributes} />}
      </Field>
      <ChoiceField
        name="state"
        label={words.state}
        error={filter.stateError}
        value={filter.state}
        options={[['', words.anyState], ...taskState.options.map((state) => [state, words.states[state]] as const)]}
      />
      <Field
        name="assignee"
        label={words.assignee}
        error={filter.assigneeError}
        help={roster === null ? words.assigneeHelp : undefined}
      >
        {(attributes) => (
          <AssigneeControl
            visit={visit}
            roster={roster}
            value={filter.assignee}
            nobody={words.anybody}
            attributes={attributes}
          />
        )}
      </Field>
      <ChoiceField
        name="order"
        label={words.order}
        error={filter.orderError}
        value={filter.order}
        options={taskOrder.options.map((order) => [order, words.orders[order]])}
      />
      <div class="filter-acts">
        <button class="btn">{words.apply}</button>
        {(isFiltered(filter) || filter.order !== 'newest') && <a href="/tasks">{words.clear}</a>}
      </div>
    </form>
  )
}
