// How an account's log is shown: by day, and with what is still on its way to the ledger.
import type { z } from 'zod'
import type { AccountLine } from '../../accounting/contract.ts'
import type { Task as TaskSchema } from '../../task-tracker/contract.ts'

/** An event's number as people read it; in another epoch the same number is another event. */
export const eventMark = ({ epoch, number }: { epoch: number; number: number }): string =>
  epoch === 1 ? String(number) : `${epoch}.${number}`

export type Line = z.output<typeof AccountLine>
type Task = z.output<typeof TaskSchema>

export interface Day {
  readonly day: string
  readonly lines: readonly Line[]
}

/** Lines under their accounting days, in the order in which they came. */
export const byDay = (lines: readonly Line[]): readonly Day[] =>
  [...Map.groupBy(lines, ({ day }) => day)].map(([day, ofDay]) => ({
    day,
    lines: ofDay,
  }))

export interface OnTheWay {
  readonly kind: 'fee' | 'reward'
  readonly taskId: number
  readonly assignment: number | null
  readonly description: string
}

/**
 * What the task tracker says has happened to this popug's newest tasks and the newest lines do not show.
 * Looks only at what is newer than the oldest of these lines, because older lines are on further pages.
 */
export const onTheWay = (
  tasks: readonly Task[],
  lines: readonly Line[],
  hasFurtherPages: boolean,
): readonly OnTheWay[] => {
  const oldest = hasFurtherPages ? (lines.at(-1)?.at ?? '') : ''
  const shown = new Set(lines.map((line) => name(line.kind, line.taskId, line.assignment)))
  return tasks.flatMap(({ taskId, assignment, assignedAt, completedAt, description }) =>
    [
      { kind: 'fee' as const, assignment, at: assignedAt },
      ...(completedAt === null ? [] : [{ kind: 'reward' as const, assignment: null, at: completedAt }]),
    ]
      .filter(
        ({ kind, at, assignment: number }) =>
          Date.parse(at) > (oldest ? Date.parse(oldest) : -Infinity) && !shown.has(name(kind, taskId, number)),
      )
      .map(({ kind, assignment: number }) => ({ kind, taskId, assignment: number, description })),
  )
}

const name = (kind: string, taskId: number, assignment: number | null): string =>
  kind === 'fee' ? `fee ${taskId} ${assignment}` : `reward ${taskId}`
