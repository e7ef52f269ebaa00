// Tasks and people: the tables say what the logs say, and everybody knows the same people.
import type { Check, Expected, Finding } from '../audit.ts'
import { type Facts, type LoggedEvent, type Person, streamNamed } from './facts.ts'

/** Events of the task tracker but those that a test forged. */
export const taskEvents = (facts: Facts, { parked = [], ignored = [] }: Expected): LoggedEvent[] => {
  const forged = new Set([...parked, ...ignored])
  return streamNamed(facts, 'task-tracker').events.filter(({ number }) => !forged.has(number))
}

export const groupBy = <Item, Key>(items: Iterable<Item>, keyOf: (item: Item) => Key): Map<Key, Item[]> =>
  Map.groupBy(items, keyOf)

export const taskOf = ({ data }: LoggedEvent): number => Number(data['taskId'])
export const popugOf = ({ data }: LoggedEvent): number => Number(data['popugId'])
export const assignmentOf = ({ data }: LoggedEvent): number => Number(data['assignment'])

interface Story {
  readonly state: 'open' | 'completed'
  readonly assignee: number
  readonly assignment: number
}

/** What the events of one task say of it, or what is wrong with them. */
const storyOf = (events: readonly LoggedEvent[]): Story | string => {
  let story: Story = { state: 'open', assignee: 0, assignment: 0 }
  for (const event of events) {
    if (story.state === 'completed') return `#${event.number} ${event.type} after it was completed`
    if (event.type === 'TaskAssigned') {
      const assignment = assignmentOf(event)
      if (assignment !== story.assignment + 1)
        return `#${event.number} assignment ${assignment} after ${story.assignment}`
      story = { state: 'open', assignee: popugOf(event), assignment }
    } else if (event.type === 'TaskCompleted') {
      if (popugOf(event) !== story.assignee)
        return `#${event.number} completed by ${popugOf(event)}, assigned to ${story.assignee}`
      story = { ...story, state: 'completed' }
    } else return `#${event.number} of unknown type ${event.type}`
  }
  return story
}

const say = ({ state, assignee, assignment }: Story): string => `${state}, assignment ${assignment} to ${assignee}`

const stories: Check = (facts, _journal, expected) => {
  const eventsOf = groupBy(taskEvents(facts, expected), taskOf)
  const taskById = new Map(facts.tasks.map((task) => [task.id, task]))
  return [...new Set([...eventsOf.keys(), ...taskById.keys()])].flatMap((id): Finding[] => {
    const task = taskById.get(id)
    const story = storyOf(eventsOf.get(id) ?? [])
    const where = `task ${id}`
    if (typeof story === 'string')
      return [{ what: 'events of a task make sense', where, expected: 'a story', found: story }]
    const found = task ? say({ ...task, state: task.state as Story['state'] }) : 'no task'
    return say(story) === found ? [] : [{ what: 'a task is as the log says', where, expected: say(story), found }]
  })
}

const texts: Check = ({ tasks }) =>
  tasks
    .filter(({ description }) => description === null)
    .map(({ id }) => ({ what: 'a task has its description', where: `task ${id}`, expected: 'a text', found: 'none' }))

const describe = ({ name, role, active, version }: Person): string =>
  `${name}, ${role}, ${active ? 'active' : 'disabled'}, version ${version}`

const differingPeople = (what: string, people: readonly Person[], known: readonly Person[]): Finding[] => {
  const [theirs, ours] = [people, known].map((some) => new Map(some.map((person) => [person.id, describe(person)])))
  const ids = new Set([...(theirs?.keys() ?? []), ...(ours?.keys() ?? [])])
  return [...ids].flatMap((id) => {
    const [expected, found] = [theirs?.get(id) ?? 'nobody', ours?.get(id) ?? 'nobody']
    return expected === found ? [] : [{ what, where: `person ${id}`, expected, found }]
  })
}

/** People as their events say them. */
const toldPeople = (facts: Facts): Person[] => {
  const told = new Map<number, Person>()
  for (const event of streamNamed(facts, 'identity').events) {
    told.set(popugOf(event), { ...event.data, id: popugOf(event) } as unknown as Person)
  }
  return [...told.values()]
}

const named = ({ id, name, version }: Pick<Person, 'id' | 'name' | 'version'>): Person => ({
  id,
  name,
  version,
  role: 'any',
  active: true,
})

const people: Check = (facts, _journal, { unwatched = false }) => [
  ...differingPeople('people are as the log says', toldPeople(facts), facts.people),
  ...differingPeople('the task tracker knows everybody', facts.people, facts.roster),
  ...differingPeople('accounting knows everybody', facts.people, facts.holders),
  ...(unwatched ? [] : differingPeople('operations names everybody', facts.people.map(named), facts.names.map(named))),
]

export const checkTasks: Check = (facts, journal, expected) =>
  [stories, texts, people].flatMap((check) => check(facts, journal, expected))
