// Streams and positions: numbers without a gap, nothing left behind, everybody at the head of the same history.
import type { Check, Expected, Finding } from '../audit.ts'
import type { Facts, Stream } from './facts.ts'

interface Consumer {
  readonly schema: string
  readonly consumer: string
  readonly stream: string
}

/** Who must have read what; a consumer that is not there has missed everything. */
const consumers: readonly Consumer[] = [
  { schema: 'task_tracker', consumer: 'roster', stream: 'identity' },
  { schema: 'accounting', consumer: 'holders', stream: 'identity' },
  { schema: 'accounting', consumer: 'ledger', stream: 'task-tracker' },
]
const watching: readonly Consumer[] = [{ schema: 'operations', consumer: 'names', stream: 'identity' }]

const numbers: Check = ({ streams }) =>
  streams.flatMap(({ name, events }) =>
    events
      .filter(({ number }, index) => number !== index + 1)
      .slice(0, 1)
      .map(({ number }) => ({
        what: 'numbers of a stream have no gap',
        where: name,
        expected: `number ${events.findIndex((event) => event.number === number) + 1}`,
        found: `number ${number}`,
      })),
  )

const headOf = ({ name, head, headEventId, events }: Stream): Finding[] => {
  const last = events.at(-1)
  if (head === (last?.number ?? 0) && headEventId === (last?.eventId ?? null)) return []
  const expected = `${last?.number ?? 0} ${last?.eventId ?? 'none'}`
  return [
    { what: "a stream's head is its last event", where: name, expected, found: `${head} ${headEventId ?? 'none'}` },
  ]
}

const heads: Check = ({ streams }) => streams.flatMap(headOf)

const eventIds: Check = ({ streams }) => {
  const seen = new Map<string, string>()
  const found: Finding[] = []
  for (const { name, events } of streams) {
    for (const { number, eventId } of events) {
      const where = `${name} #${number}`
      const before = seen.get(eventId)
      if (before)
        found.push({
          what: 'an event has a number once',
          where,
          expected: 'an id of its own',
          found: `that of ${before}`,
        })
      seen.set(eventId, where)
    }
  }
  return found
}

const atRest: Check = ({ streams }) =>
  streams.flatMap(({ name, head, published, unnumbered }) => [
    ...(unnumbered === 0
      ? []
      : [{ what: 'an outbox at rest is empty', where: name, expected: '0', found: String(unnumbered) }]),
    ...(published === head
      ? []
      : [{ what: 'everything was published', where: name, expected: String(head), found: String(published) }]),
  ])

const positionOf = ({ streams, positions }: Facts, wanted: Consumer): Finding[] => {
  const where = `${wanted.schema}.${wanted.consumer} of ${wanted.stream}`
  const stream = streams.find(({ name }) => name === wanted.stream)
  const own = positions.filter(({ schema, consumer }) => schema === wanted.schema && consumer === wanted.consumer)
  const [position] = own
  if (!stream || !position || own.length > 1) {
    return [{ what: 'a consumer has one position', where, expected: '1', found: String(own.length) }]
  }
  const say = (number: number, eventId: string | null, state: string, epoch: number) =>
    `${number} ${eventId ?? 'none'} ${state} epoch ${epoch}`
  const expected = say(stream.head, stream.events.at(-1)?.eventId ?? null, 'running', stream.epoch)
  const found = say(position.number, position.eventId, position.state, position.epoch)
  return expected === found ? [] : [{ what: 'a position at rest is the head', where, expected, found }]
}

const positions: Check = (facts, _journal, { unwatched = false }) =>
  [...consumers, ...(unwatched ? [] : watching)].flatMap((consumer) => positionOf(facts, consumer))

/** Whoever watches has said what was missing, and says that it has come. */
const healed: Check = ({ undelivered }) =>
  undelivered.map(({ service, consumer, stream, after, head }) => ({
    what: 'what was missing is shown as healed',
    where: `${consumer} of ${service} in ${stream}`,
    expected: 'healed',
    found: `missing after ${after} up to ${head}`,
  }))

const unexpected = ({ parked }: Facts, expected: Expected): Finding[] => {
  const wanted = new Set(
    [...(expected.parked ?? []), ...(expected.lost?.contradicting ?? [])].map(
      (number) => `accounting.ledger task-tracker #${number}`,
    ),
  )
  const found = new Set(
    parked
      .filter(({ state }) => state !== 'applied')
      .map(({ schema, consumer, stream, number }) => `${schema}.${consumer} ${stream} #${number}`),
  )
  const what = 'nothing is parked but what must be'
  return [
    ...[...found.difference(wanted)].map((where) => ({ what, where, expected: 'applied', found: 'parked' })),
    ...[...wanted.difference(found)].map((where) => ({ what, where, expected: 'parked', found: 'not parked' })),
  ]
}

export const checkStreams: Check = (facts, journal, expected) => [
  ...[numbers, heads, eventIds, atRest, positions, healed].flatMap((check) => check(facts, journal, expected)),
  ...unexpected(facts, expected),
]
