// Tells open pages that something has changed, so that they ask again. A hint and no more: what is lost is asked for later.
import type { Bus } from '../../kernel/ports.ts'
import { identity } from '../identity/contract.ts'
import { taskTracker } from '../task-tracker/contract.ts'
import { accountants, everybody, managers, type Role } from '../vocabulary.ts'

/**
 * What may have changed, and who is told: tasks of anybody, what concerns the reader, how far a reassignment is,
 * anybody's money, and people.
 */
const toldTo = {
  tasks: everybody,
  mine: everybody,
  reassignments: managers,
  money: accountants,
  people: accountants,
} as const satisfies Record<string, readonly Role[]>

type Topic = keyof typeof toldTo

interface Who {
  readonly popugId: number
  readonly role: Role
}

export interface Live {
  /** Hears of events from now on. Gives how to end it. */
  follow(bus: Bus): Promise<() => Promise<void>>
  /** A stream of hints for one reader; it ends when `isStillIn` says that their session has. */
  answer(who: Who, isStillIn: () => Promise<boolean>): Response
  /** Ends every stream and begins none any more, so that a server that stops need not wait for them. */
  end(): void
}

/** Hints of one topic come at most so often: a reassignment of a million tasks must not make a million requests. */
const pauseMs: Readonly<Record<Topic, number>> = {
  tasks: 2_000,
  mine: 1_000,
  reassignments: 1_000,
  money: 2_000,
  people: 2_000,
}
/** Accounting comes to an event a moment after it was said. */
const comesLater: ReadonlySet<Topic> = new Set(['mine', 'money', 'people'])
const pingMs = 20_000
/** Connections of one process; who comes later sees what is new when they go to a page. */
const mostReaders = 5_000
/** What a browser that does not read is kept for. */
const mostWaiting = 64

interface Reader extends Who {
  readonly hint: (topic: Topic) => void
  readonly end: () => void
}

export const createLive = (): Live => {
  const readers = new Set<Reader>()
  let ended = false
  return {
    follow: async (bus) => {
      const followed = [
        [taskTracker.getTasks.service, tellOfTasks],
        [identity.getPeople.service, tellOfPeople],
      ] as const
      const ends = await Promise.all(
        followed.map(([stream, tell]) =>
          bus.subscribe(stream, 'web', ({ events }) => {
            if (events.length > 0) tell(events, readers)
          }),
        ),
      )
      return async () => void (await Promise.all(ends.map((end) => end())))
    },
    answer: (who, isStillIn) => {
      if (ended || readers.size >= mostReaders)
        return new Response(null, { status: 503, headers: { 'retry-after': '30' } })
      return new Response(streamFor(readers, who, isStillIn), {
        headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' },
      })
    },
    end: () => {
      ended = true
      for (const reader of readers) reader.end()
    },
  }
}

type Tell = (events: readonly { readonly data?: unknown }[], readers: Iterable<Reader>) => void

const tellOfTasks: Tell = (events, readers) => {
  const concerned = new Set(events.map(({ data }) => fieldOf(data, 'popugId')))
  const isReassigned = events.some(({ data }) => Number(fieldOf(data, 'assignment') ?? 1) > 1)
  for (const reader of readers) {
    reader.hint('tasks')
    if (concerned.has(reader.popugId)) reader.hint('mine')
    if (isReassigned) reader.hint('reassignments')
    reader.hint('money')
  }
}

const tellOfPeople: Tell = (_events, readers) => {
  for (const reader of readers) reader.hint('people')
}

/** Of another version's event, too. */
const fieldOf = (data: unknown, name: string): unknown =>
  typeof data === 'object' && data !== null ? Object.entries(data).find(([key]) => key === name)?.[1] : undefined

const streamFor = (readers: Set<Reader>, who: Who, isStillIn: () => Promise<boolean>): ReadableStream<Uint8Array> => {
  const encoder = new TextEncoder()
  let leave = (): boolean => false
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      const say = (text: string) => {
        if ((controller.desiredSize ?? 0) < -mostWaiting) return close()
        controller.enqueue(encoder.encode(text))
      }
      const { hint, stop } = paced((topic) => say(`event: hint\ndata: ${topic}\n\n`))
      const hintIfTold = (topic: Topic) => {
        if (toldTo[topic].includes(who.role)) hint(topic)
      }
      const ping = async () => {
        const isIn = await isStillIn().catch(() => true)
        if (!readers.has(reader)) return
        if (isIn) return say(':\n\n')
        say('event: over\ndata:\n\n')
        close()
      }
      const timer = setInterval(() => void ping(), pingMs)
      leave = () => {
        clearInterval(timer)
        stop()
        return readers.delete(reader)
      }
      const close = () => {
        if (leave()) controller.close()
      }
      const reader: Reader = { ...who, hint: hintIfTold, end: close }
      readers.add(reader)
      say('retry: 2000\n\n')
    },
    cancel: () => void leave(),
  })
}

/** The first hint of a topic goes out at once, and one more after the pause if there was any meanwhile. */
const paced = (say: (topic: Topic) => void) => {
  const timers = new Map<Topic, NodeJS.Timeout>()
  const due = new Set<Topic>()
  const send = (topic: Topic) => {
    due.delete(topic)
    timers.set(
      topic,
      setTimeout(() => {
        timers.delete(topic)
        if (due.has(topic)) send(topic)
      }, pauseMs[topic]),
    )
    say(topic)
  }
  const hint = (topic: Topic) => {
    if (timers.has(topic)) {
      due.add(topic)
      return
    }
    send(topic)
    if (comesLater.has(topic)) due.add(topic)
  }
  return { hint, stop: () => timers.forEach((timer) => clearTimeout(timer)) }
}
