// Reassignments: no task drawn twice or forgotten by one, and counters that agree with the log.
import type { Attempt, Check, Finding } from '../audit.ts'
import type { Job, LoggedEvent } from './facts.ts'
import { groupBy, taskEvents, taskOf } from './tasks.ts'

interface Seen {
  readonly job: Job
  /** Assignments that this job drew, in number order. */
  readonly drawn: readonly LoggedEvent[]
  readonly completions: ReadonlyMap<number, number>
  readonly journal: readonly Attempt[]
}

const ended: ReadonlySet<string> = new Set(['done', 'cancelled'])

const atRest = ({ job }: Seen): Finding[] =>
  ended.has(job.state)
    ? []
    : [{ what: 'a job at rest has ended', where: `job ${job.id}`, expected: 'done or cancelled', found: job.state }]

const counters = ({ job, drawn }: Seen): Finding[] => {
  const { id, moved, skipped, done } = job
  const what = 'counters of a job agree with the log'
  const found: Finding[] = []
  if (moved !== drawn.length)
    found.push({ what, where: `job ${id}, moved`, expected: String(drawn.length), found: String(moved) })
  if (done !== moved + skipped)
    found.push({ what, where: `job ${id}, done`, expected: String(moved + skipped), found: String(done) })
  if (job.state === 'done' && (job.cursor ?? 0) < (job.upTo ?? 0)) {
    found.push({ what, where: `job ${id}, cursor`, expected: `at least ${job.upTo}`, found: String(job.cursor) })
  }
  return found
}

const twice = ({ job, drawn }: Seen): Finding[] =>
  [...groupBy(drawn, taskOf)]
    .filter(([, events]) => events.length > 1)
    .map(([id, events]) => ({
      what: 'a job draws a task once',
      where: `job ${job.id}, task ${id}`,
      expected: '1',
      found: String(events.length),
    }))

/** Tasks whose creation was acknowledged before anybody sent the command that made the job, highest id first. */
const tasksBefore = ({ job, journal }: Seen): number[] => {
  const sent = Math.min(...journal.filter(({ request }) => request === job.requestId).map((attempt) => attempt.sent))
  const ids = journal.flatMap(({ command, learned, answered }) =>
    command === 'CreateTask' && 'acknowledged' in learned && answered < sent
      ? [Number(learned.acknowledged['taskId'])]
      : [],
  )
  return ids.toSorted((a, b) => b - a)
}

/**
 * A job goes through tasks in the order of their ids, so one that it did not draw must have been completed before it
 * drew any task with a higher id.
 */
const forgotten = (seen: Seen): Finding[] => {
  const { job, drawn, completions } = seen
  if (job.state !== 'done') return []
  const drawnIds = new Set(drawn.map(taskOf))
  const behind = drawn.toSorted((a, b) => taskOf(a) - taskOf(b))
  let passedBy = Infinity
  return tasksBefore(seen).flatMap((id): Finding[] => {
    for (let last = behind.at(-1); last && taskOf(last) > id; last = behind.at(-1)) {
      passedBy = Math.min(passedBy, last.number)
      behind.pop()
    }
    const completion = completions.get(id)
    if (drawnIds.has(id) || (completion !== undefined && completion < passedBy)) return []
    return [
      {
        what: 'a job forgets no task',
        where: `job ${job.id}, task ${id}`,
        expected: 'drawn, or completed before its turn',
        found: completion === undefined ? 'still open' : `completed by #${completion}, passed by #${passedBy}`,
      },
    ]
  })
}

export const checkJobs: Check = (facts, journal, expected) => {
  const events = taskEvents(facts, expected)
  const completions = new Map(
    events.filter(({ type }) => type === 'TaskCompleted').map((event) => [taskOf(event), event.number]),
  )
  const byRequest = groupBy(
    events.filter(({ type }) => type === 'TaskAssigned'),
    ({ requestId }) => requestId,
  )
  return facts.jobs.flatMap((job) => {
    const seen = { job, journal, completions, drawn: byRequest.get(job.requestId) ?? [] }
    return [atRest, counters, twice, forgotten].flatMap((check) => check(seen))
  })
}
