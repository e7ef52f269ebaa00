// Commands: what was acknowledged has its effect exactly once, what was not once or not at all, and nothing happened that nobody asked for.
import type { Attempt, Check, Finding } from '../audit.ts'
import { type Facts, type LoggedEvent, streamNamed, type Task } from './facts.ts'
import { assignmentOf, groupBy, popugOf, taskEvents, taskOf } from './tasks.ts'

/** All attempts at one command, which agree in everything but what was learned. */
interface Command extends Pick<Attempt, 'request' | 'command' | 'actor' | 'input'> {
  readonly answers: readonly Readonly<Record<string, unknown>>[]
  /** Some attempt ended without an answer. */
  readonly open: boolean
}

const commandsOf = (journal: readonly Attempt[]): Command[] =>
  [...groupBy(journal, ({ request }) => request).values()].map((attempts) => {
    const [first] = attempts as [Attempt]
    const answers = attempts.flatMap(({ learned }) => ('acknowledged' in learned ? [learned.acknowledged] : []))
    return { ...first, answers, open: attempts.some(({ learned }) => 'unknown' in learned) }
  })

const nameOf = ({ command, request, actor }: Command): string => `${command} ${request} of ${actor}`

/** How often the effect must exist, given what the client learned. */
const counted = (command: Command, effect: string, count: number): Finding[] => {
  const acknowledged = command.answers.length > 0
  const right = acknowledged ? count === 1 : count <= (command.open ? 1 : 0)
  if (right) return []
  const expected = acknowledged ? 'exactly one' : command.open ? 'at most one' : 'none, it was refused'
  return [{ what: `${effect} of a command`, where: nameOf(command), expected, found: String(count) }]
}

/** Each answer to one command must say these things. */
const answered = (command: Command, facts: Readonly<Record<string, unknown>>): Finding[] =>
  command.answers.flatMap((answer) =>
    Object.entries(facts)
      .filter(([field, value]) => answer[field] !== value)
      .map(([field, value]) => ({
        what: 'an answer says what happened',
        where: `${nameOf(command)}, ${field}`,
        expected: String(value),
        found: String(answer[field]),
      })),
  )

interface Index {
  readonly facts: Facts
  readonly byRequest: ReadonlyMap<string, readonly LoggedEvent[]>
  readonly byDescription: ReadonlyMap<unknown, readonly Task[]>
  readonly completions: ReadonlyMap<unknown, readonly LoggedEvent[]>
}

const created = (command: Command, { byDescription, byRequest }: Index): Finding[] => {
  const tasks = byDescription.get(command.input['description']) ?? []
  const events = byRequest.get(command.request) ?? []
  const [task, event] = [tasks[0], events[0]]
  const own = [...counted(command, 'task', tasks.length), ...counted(command, 'first assignment', events.length)]
  if (own.length > 0 || !task || !event) return own
  return [
    ...answered(command, { taskId: task.id, assigneeId: popugOf(event), assignment: 1 }),
    ...same('the creator of a task', command, command.actor, task.createdBy),
    ...same('the task that was assigned', command, task.id, taskOf(event)),
    ...same('the named assignee', command, command.input['popugId'] ?? popugOf(event), popugOf(event)),
  ]
}

const same = (what: string, command: Command, expected: unknown, found: unknown): Finding[] =>
  expected === found ? [] : [{ what, where: nameOf(command), expected: String(expected), found: String(found) }]

/** Who completes a task again gets the answer, while the event may be an earlier command's. */
const completed = (command: Command, { byRequest, completions }: Index): Finding[] => {
  const { taskId } = command.input
  const most = command.answers.length > 0 || command.open ? 1 : 0
  const own = (byRequest.get(command.request) ?? []).length
  const what = 'completion of a command'
  const tooMany = own > most ? [{ what, where: nameOf(command), expected: `at most ${most}`, found: String(own) }] : []
  if (command.answers.length === 0) return tooMany
  const all = completions.get(taskId) ?? []
  return [
    ...tooMany,
    ...counted(command, 'completion', all.length),
    ...all.flatMap((event) => same('who completed a task', command, command.actor, popugOf(event))),
    ...answered(command, { taskId, state: 'completed', assigneeId: command.actor }),
  ]
}

const started = (command: Command, { facts }: Index): Finding[] => {
  const jobs = facts.jobs.filter(({ requestId }) => requestId === command.request)
  return [...counted(command, 'job', jobs.length), ...jobs.flatMap(({ id }) => answered(command, { id }))]
}

const cancelled = (command: Command, { facts }: Index): Finding[] => {
  if (command.answers.length === 0) return []
  const job = facts.jobs.find(({ id }) => id === command.input['id'])
  return same('state of a cancelled job', command, 'cancelled', job?.state)
}

const invited = (command: Command, { facts, byRequest }: Index): Finding[] => [
  ...counted(command, 'person', facts.people.filter(({ email }) => email === command.input['email']).length),
  ...counted(command, 'registration', byRequest.get(command.request)?.length ?? 0),
]

const effects = {
  CreateTask: created,
  CompleteTask: completed,
  AssignTasks: started,
  CancelReassignment: cancelled,
  InvitePerson: invited,
}

/** Fields of an answer have no order of their own. */
const inOrder = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const fields = Object.entries(value).map(([name, field]): [string, unknown] => [name, inOrder(field)])
  return Object.fromEntries(fields.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** One key, one answer, however often it is asked. */
const sameAnswers = (command: Command): Finding[] => {
  const texts = new Set(command.answers.map((answer) => JSON.stringify(inOrder(answer))))
  if (texts.size <= 1) return []
  return [{ what: 'a command has one answer', where: nameOf(command), expected: '1', found: [...texts].join(' and ') }]
}

const causeOf = (event: LoggedEvent): string => {
  if (event.type === 'TaskCompleted') return 'CompleteTask'
  return assignmentOf(event) === 1 ? 'CreateTask' : 'AssignTasks'
}

/** Whatever happened to tasks was asked for by a command of the right kind. */
const asked = (commands: readonly Command[], facts: Facts, events: readonly LoggedEvent[]): Finding[] => {
  const kinds = new Map(commands.map(({ request, command }) => [request, command]))
  const causes = [
    ...events.map((event) => ({
      where: `task-tracker #${event.number}`,
      by: event.requestId,
      expected: causeOf(event),
    })),
    ...facts.jobs.map(({ id, requestId }) => ({ where: `job ${id}`, by: requestId, expected: 'AssignTasks' })),
  ]
  return causes.flatMap(({ where, by, expected }) => {
    const found = kinds.get(by) ?? 'nobody'
    return expected === found ? [] : [{ what: 'whatever happened was asked for', where, expected, found }]
  })
}

export const checkCommands: Check = (facts, journal, expected) => {
  const commands = commandsOf(journal)
  const events = taskEvents(facts, expected)
  const byRequest = groupBy([...events, ...streamNamed(facts, 'identity').events], ({ requestId }) => requestId)
  const index = {
    facts,
    byRequest,
    byDescription: groupBy(facts.tasks, ({ description }) => description),
    completions: groupBy(
      events.filter(({ type }) => type === 'TaskCompleted'),
      taskOf,
    ),
  }
  return [
    ...commands.flatMap((command) => [...effects[command.command](command, index), ...sameAnswers(command)]),
    ...asked(commands, facts, events),
  ]
}
