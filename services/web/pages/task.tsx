// A task: its whole story, who made each part of it happen, what that cost or brought, and where the ledger says so.
import type { z } from 'zod'
import { accounting } from '../../accounting/contract.ts'
import { taskTracker } from '../../task-tracker/contract.ts'
import { accountants, everybody } from '../../vocabulary.ts'
import { idFrom } from '../forms.ts'
import { CommandForm } from '../look/fields.tsx'
import { followedFrom, Movement, Notice, PageLinks, When } from '../look/parts.tsx'
import { Problem } from '../problem.ts'
import { get } from '../route.ts'
import type { Member } from '../visit.tsx'
import { eventMark } from './account-log.ts'
import { Misplaced } from './task-list.tsx'
import { bookingOf, type Happening, isUnderWay, type Postings } from './task-story.ts'

type History = z.output<typeof taskTracker.getTaskHistory.output>

export const taskPage = [
  get('/tasks/:taskId', everybody, async (visit) => {
    const story = await storyOf(visit)
    return visit.page(visit.texts.task.title(story.history.task.taskId), <Task visit={visit} {...story} />)
  }),

  /** The part that changes while money is on its way. */
  get('/tasks/:taskId/story', everybody, async (visit) =>
    visit.fragment(<Story visit={visit} {...await storyOf(visit)} />),
  ),
]

interface Told {
  readonly history: History
  /** Null while accounting is out of reach. */
  readonly ledger: Postings | null
}

const storyOf = async (visit: Member): Promise<Told> => {
  const taskId = idFrom(visit.param('taskId'))
  if (taskId === null) throw new Problem('notFound')
  const history = await visit.need(taskTracker.getTaskHistory, { taskId, after: visit.query.get('after') || undefined })
  const fromNumber = history.happenings[0]?.number ?? 0
  const ledger = await visit.want(accounting.getTaskPostings, { taskId, fromNumber, limit: 100 })
  return { history, ledger }
}

type Props = Told & { readonly visit: Member }

const Task = ({ visit, history, ledger }: Props) => {
  const { task } = history
  const { task: words } = visit.texts
  const isMine = task.state === 'open' && task.assigneeId === visit.person.popugId
  return (
    <>
      <p class="lead description">{task.description}</p>
      {isMine && (
        <CommandForm action={`/tasks/${task.taskId}/complete`} class="acts">
          <input type="hidden" name="back" value={`/tasks/${task.taskId}`} />
          <button class="btn btn-primary">{visit.texts.myTasks.complete}</button>
        </CommandForm>
      )}
      <Facts visit={visit} history={history} ledger={ledger} />
      {ledger === null && <Notice>{words.accountingDown}</Notice>}
      <Story visit={visit} history={history} ledger={ledger} />
    </>
  )
}

const Facts = ({ visit, history: { task, createdByName }, ledger }: Props) => {
  const { task: words, allTasks, money } = visit.texts
  const price = ledger?.price
  const missing = ledger === null ? money.unknown : money.pending
  return (
    <dl class="facts">
      <div>
        <dt>{allTasks.state}</dt>
        <dd>
          <span class={`state state-${task.state}`}>{allTasks.states[task.state]}</span>
        </dd>
      </div>
      <div>
        <dt>{allTasks.assignee}</dt>
        <dd>
          <Who visit={visit} id={task.assigneeId} name={task.assigneeName} />
          <Misplaced visit={visit} task={task} />
        </dd>
      </div>
      <div>
        <dt>{words.createdBy}</dt>
        <dd>
          <Who visit={visit} id={task.createdBy} name={createdByName} />, <When visit={visit} at={task.createdAt} />
        </dd>
      </div>
      <div>
        <dt>{words.fee}</dt>
        <dd>{price ? visit.formats.money(price.feeCents) : <span class="pending">{missing}</span>}</dd>
      </div>
      <div>
        <dt>{words.reward}</dt>
        <dd>{price ? visit.formats.money(price.rewardCents) : <span class="pending">{missing}</span>}</dd>
      </div>
    </dl>
  )
}

/** Follows what happens to tasks, and asks for itself while some of its money is on its way to the ledger. */
const Story = ({ visit, history, ledger }: Props) => {
  const { task: words, pages } = visit.texts
  const { task, happenings, next } = history
  const address = `/tasks/${task.taskId}/story${visit.url.search}`
  return (
    <section
      id="story"
      aria-labelledby="story-title"
      {...followedFrom(address, 'tasks', isUnderWay(happenings, ledger))}
    >
      <h2 id="story-title">{words.story}</h2>
      <table class="rows story">
        <thead>
          <tr>
            <th scope="col">{words.what}</th>
            <th scope="col" class="col-time">
              {words.when}
            </th>
            <th scope="col" class="col-origin">
              {words.origin}
            </th>
            <th scope="col" class="money col-money">
              {words.amount}
            </th>
          </tr>
        </thead>
        <tbody>
          {happenings.map((happening) => (
            <StoryRow visit={visit} happening={happening} ledger={ledger} />
          ))}
        </tbody>
      </table>
      <PageLinks
        visit={visit}
        path={`/tasks/${task.taskId}`}
        next={next}
        nextText={words.later}
        firstText={pages.start}
      />
    </section>
  )
}

interface HappeningProps {
  readonly visit: Member
  readonly happening: Happening
  readonly ledger: Postings | null
}

const StoryRow = ({ visit, happening, ledger }: HappeningProps) => {
  const { task: words } = visit.texts
  const { what, assignment, popugId, popugName, byId, byName } = happening
  return (
    <tr>
      <th scope="row" class="task">
        {what === 'assigned' ? words.assigned(assignment ?? 1) : words.completed}{' '}
        <strong>
          <Who visit={visit} id={popugId} name={popugName} />
        </strong>
        {what === 'assigned' && byId !== null && (
          <span class="muted below">
            {assignment === 1 ? words.creator : words.presser} <Who visit={visit} id={byId} name={byName} />
          </span>
        )}
      </th>
      <td data-label={words.when}>
        <When visit={visit} at={happening.at} />
      </td>
      <td class="origin" data-label={words.origin}>
        <code title={happening.eventId}>
          {happening.number === null ? words.unnumbered : `task-tracker #${happening.number}`}
        </code>
        <code class="request" title={words.request}>
          <span class="sr">{words.request} </span>
          {happening.requestId}
        </code>
      </td>
      <td class="money" data-label={words.amount}>
        <Money visit={visit} happening={happening} ledger={ledger} />
      </td>
    </tr>
  )
}

const Money = ({ visit, happening, ledger }: HappeningProps) => {
  const { task: words, money } = visit.texts
  const { person } = visit
  const booking = bookingOf(happening, ledger, person.popugId)
  if (booking.is === 'unknown') return <span class="muted">{money.unknown}</span>
  if (booking.is === 'aside') return <span class="warning">{words.aside}</span>
  if (booking.is === 'pending') {
    return (
      <span class="pending" title={words.pendingWhy}>
        {money.pending}
      </span>
    )
  }
  const of = happening.popugId === person.popugId ? 'reader' : 'popug'
  if (booking.is === 'priced') return <Movement visit={visit} cents={booking.amountCents} of={of} />
  const { posting } = booking
  const movement = <Movement visit={visit} cents={posting.amountCents} of={of} />
  const account = accountOf(visit, posting.popugId)
  if (account === null) return movement
  return (
    <a class="plain" href={`${account}?line=${eventMark(posting.cause)}#line-${eventMark(posting.cause)}`}>
      {movement}
      <span class="sr"> {words.toLine}</span>
    </a>
  )
}

/** Where this reader finds the account; null where it is not theirs to see. */
const accountOf = ({ person }: Member, popugId: number): string | null => {
  if (popugId === person.popugId) return '/account'
  return accountants.includes(person.role) ? `/accounts/${popugId}` : null
}

const Who = ({ visit, id, name }: { visit: Member; id: number; name: string | null }) => {
  const shown = name ?? visit.texts.reassign.person(id)
  return (
    <>
      {shown}
      {id === visit.person.popugId && <span class="muted"> ({visit.texts.allTasks.you})</span>}
    </>
  )
}
