// Choosing an assignee: from a list while there are few, by name or number when there are many.
import { taskTracker } from '../../task-tracker/contract.ts'
import { check, idFrom } from '../forms.ts'
import type { FieldAttributes } from '../look/fields.tsx'
import type { Member } from '../visit.tsx'

export interface Popug {
  readonly popugId: number
  readonly name: string
  /** False of who is disabled, a manager or an administrator. */
  readonly assignable?: boolean | undefined
}

/** Of whom one is chosen: for a new task, or to see the tasks of whoever has some. */
type Who = 'assignable' | 'everybody'

/** More than a person looks through in a list. */
const maxListed = 100

/** All of them, by name; null when there are too many for a list. */
export const rosterOf = async (visit: Member, who: Who): Promise<readonly Popug[] | null> => {
  const { popugs } = await visit.need(taskTracker.getRoster, { who, limit: maxListed + 1 })
  return popugs.length > maxListed ? null : popugs
}

export type Found = { readonly popugId: number | undefined } | { readonly problem: string }

/** The person meant by a number, by a name, or by a name with `#number`; none when nothing was given. */
export const findAssignee = async (visit: Member, who: Who, wanted: string): Promise<Found> => {
  const name = wanted.trim()
  if (name === '') return { popugId: undefined }
  const id = idFrom(/^\d+$|(?<=#)\d+$/.exec(name)?.[0] ?? '')
  if (id !== null) return { popugId: id }
  const { allTasks: words } = visit.texts
  const checked = check(taskTracker.getRoster.input, { who, text: name, limit: 6 })
  if ('wrong' in checked) return { problem: visit.texts.forms.rules.text }
  const { popugs } = await visit.need(taskTracker.getRoster, checked.value)
  const same = popugs.filter((popug) => popug.name.toLowerCase() === name.toLowerCase())
  const fitting = same.length > 0 ? same : popugs
  if (fitting.length === 0) return { problem: words.unknownAssignee[who](name) }
  if (fitting.length > 1) return { problem: words.ambiguousAssignee(fitting.map(called).join(', ')) }
  return { popugId: fitting[0]?.popugId }
}

const called = ({ popugId, name }: Popug): string => `${name} #${popugId}`

interface AssigneeProps {
  readonly visit: Member
  readonly roster: readonly Popug[] | null
  readonly value: string
  /** What choosing nobody means. */
  readonly nobody: string
  readonly attributes: FieldAttributes
}

export const AssigneeControl = ({ visit, roster, value, nobody, attributes }: AssigneeProps) => {
  if (roster === null) {
    const shown = idFrom(value) === null ? value : `#${value}`
    return <input class="input" maxlength={200} value={shown} placeholder={nobody} autocomplete="off" {...attributes} />
  }
  const isListed = value === '' || roster.some(({ popugId }) => String(popugId) === value)
  const others = roster.filter(({ assignable }) => assignable === false)
  return (
    <select class="select" {...attributes}>
      <option value="">{nobody}</option>
      {!isListed && (
        <option value={value} selected>
          {value.startsWith('#') ? value : `#${value}`}
        </option>
      )}
      <Options popugs={roster.filter((popug) => !others.includes(popug))} value={value} />
      {others.length > 0 && (
        <optgroup label={visit.texts.allTasks.notAssignable}>
          <Options popugs={others} value={value} />
        </optgroup>
      )}
    </select>
  )
}

const Options = ({ popugs, value }: { popugs: readonly Popug[]; value: string }) => (
  <>
    {popugs.map(({ popugId, name }) => (
      <option value={popugId} selected={String(popugId) === value}>
        {name}
      </option>
    ))}
  </>
)
