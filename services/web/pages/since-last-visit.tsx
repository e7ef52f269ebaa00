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
  readonly taken: readonly Taken[]
}

/** What others were given since then; nothing while accounting is out of reach, which the page says anyway. */
export const takenSince = async (visit: Member, since: Date): Promise<readonly Taken[]> => {
  const { popugId } = visit.person
  const found = await visit.want(accounting.getTakenTasks, { popugId, since: since.toISOString() })
  if (!found || found.tasks.length === 0) return []
  const taskIds = found.tasks.map(({ taskId }) => taskId)
  const described = await visit.want(taskTracker.describeTasks, { taskIds })
  const descriptions = new Map(described?.tasks.map(({ taskId, description }) => [taskId, description]))
  return found.tasks.map((task) => ({ ...task, description: descriptions.get(task.taskId) ?? '' }))
}

/** Given since then, also once more. */
export const isNew = ({ assignedAt }: Task, since: Date | null): boolean =>
  since !== null && new Date(assignedAt) > since

/** More than these are only counted. */
const mostTaken = 5

interface Props {
  readonly visit: Member
  readonly open: readonly Task[]
  readonly changes: Changes
}

/** What was given and what was taken away while the reader was not here; nothing where nothing was. */
export const SinceLastVisit = ({ visit, open, changes }: Props) => {
  const { myTasks: words } = visit.texts
  const { since, taken } = changes
  const given = open.filter((task) => isNew(task, since)).length
  if (given === 0 && taken.length === 0) return null
  return (
    <section class="since" aria-labelledby="since">
      <h2 id="since">
        {words.since} <When visit={visit} at={since.toISOString()} />
      </h2>
      {given > 0 && <p>{words.given(given)}</p>}
      {taken.length > 0 && <p>{words.taken(taken.length)}</p>}
      <ul>
        {taken.slice(0, mostTaken).map(({ taskId, description, popugId, popugName }) => (
          <li>
            <TaskNumber taskId={taskId} /> <Description visit={visit} text={description} />{' '}
            <span class="muted">{words.nowWith(popugName ?? visit.texts.reassign.person(popugId))}</span>
          </li>
        ))}
        {taken.length > mostTaken && <li class="muted">{words.andMore(taken.length - mostTaken)}</li>}
      </ul>
    </section>
  )
}
