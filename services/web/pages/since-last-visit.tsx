// What has changed in somebody's tasks since they looked at them before: what was given to them, and what others got.
import type { z } from 'zod'
import { accounting } from '../../accounting/contract.ts'
import { taskTracker, type Task as TaskSchema } from '../../task-tracker/contract.ts'
import { Description, TaskNumber, When } from '../look/parts.tsx'
import type { Member } from '../visit.tsx'

type Task = z.output<typeof TaskSchema>
type Taken = z.output<typeof accounting.getTakenTasks.output>['tasks'][number] & { readonly description: string }

export interface Changes {
  readonly since: Date
  /** How many were given; null while the task tracker cannot count them. */
  readonly given: z.output<typeof taskTracker.countGivenTasks.output> | null
  readonly taken: readonly Taken[]
  readonly more: 'none' | 'some' | 'unknown'
}

/** More than these are not counted. */
const mostCounted = 200

export const changesSince = async (visit: Member, since: Date): Promise<Changes> => {
  const asked = { popugId: visit.person.popugId, since: since.toISOString() }
  const [given, taken] = await Promise.all([
    visit.want(taskTracker.countGivenTasks, { ...asked, most: mostCounted }),
    takenSince(visit, asked),
  ])
  return { since, given, ...taken }
}

/** What others were given since then; nothing while accounting is out of reach, which the page says anyway. */
const takenSince = async (
  visit: Member,
  asked: { readonly popugId: number; readonly since: string },
): Promise<Pick<Changes, 'taken' | 'more'>> => {
  const found = await visit.want(accounting.getTakenTasks, { ...asked, limit: mostCounted })
  const { tasks, more = 'none' } = found ?? { tasks: [] }
  const shown = tasks.slice(0, mostShown).map(({ taskId }) => taskId)
  const described = shown.length > 0 ? await visit.want(taskTracker.describeTasks, { taskIds: shown }) : null
  const descriptions = new Map(described?.tasks.map(({ taskId, description }) => [taskId, description]))
  return { taken: tasks.map((task) => ({ ...task, description: descriptions.get(task.taskId) ?? '' })), more }
}

/** Given since then, also once more. */
export const isNew = ({ assignedAt }: Task, since: Date | null): boolean =>
  since !== null && new Date(assignedAt) > since

/** More than these are only counted. */
const mostShown = 5

/** What was given and what was taken away while the reader was not here; nothing where nothing was. */
export const SinceLastVisit = ({ visit, changes }: { visit: Member; changes: Changes }) => {
  const { myTasks: words } = visit.texts
  const { since, given, taken, more } = changes
  const wasGiven = given !== null && given.tasks > 0
  if (!wasGiven && taken.length === 0 && more === 'none') return null
  return (
    <section class="since" aria-labelledby="since">
      <h2 id="since">
        {words.since} <When visit={visit} at={since.toISOString()} />
      </h2>
      {wasGiven && <p>{given.exact ? words.given(given.tasks) : words.givenMore(given.tasks)}</p>}
      {taken.length === 0 && more !== 'none' && <p>{words.takenPerhaps}</p>}
      {taken.length > 0 && <TakenTasks visit={visit} taken={taken} more={more} />}
    </section>
  )
}

const TakenTasks = ({ visit, taken, more }: Pick<Changes, 'taken' | 'more'> & { visit: Member }) => {
  const { myTasks: words } = visit.texts
  const counted = { none: words.taken, some: words.takenMore, unknown: words.takenAtLeast }[more]
  return (
    <>
      <p>{counted(taken.length)}</p>
      <ul>
        {taken.slice(0, mostShown).map(({ taskId, description, popugId, popugName }) => (
          <li>
            <TaskNumber taskId={taskId} /> <Description visit={visit} text={description} />{' '}
            <span class="muted">{words.nowWith(popugName ?? visit.texts.reassign.person(popugId))}</span>
          </li>
        ))}
        {taken.length > mostShown && (
          <li class="muted">{more === 'none' ? words.andMore(taken.length - mostShown) : words.andOthers}</li>
        )}
      </ul>
    </>
  )
}
