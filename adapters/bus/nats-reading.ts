// Reads one stream for one reader, in sessions: whatever happens to the connection, the stream or the consumer ends the
// session, and the next one begins. What none of them brings is fetched from the producer's log.
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { type Consumer, type ConsumerMessages, DeliverPolicy } from '@nats-io/jetstream'
import { describeError } from '../../kernel/failure.ts'
import type { Log } from '../../kernel/ports.ts'
import type { EventBatch } from '../../kernel/stream.ts'
import type { Marks } from './marking.ts'
import { type Connection, type Link, unavailable } from './nats-connection.ts'
import { type Hearing, hearing } from './nats-hearing.ts'
import { namesOf } from './nats-settings.ts'
import type { Streams } from './nats-streams.ts'

export interface ReadingOptions {
  readonly prefix: string
  readonly stream: string
  readonly reader: string
  readonly deliver: (batch: EventBatch) => void
  readonly connection: Connection
  readonly streams: Streams
  readonly marks: Marks | undefined
  readonly log: Log
}

export interface Reading {
  /** Resolves when the first session has begun, or when it could not. */
  readonly begun: Promise<void>
  /** Nothing is delivered after this call. */
  end(): Promise<void>
}

/** Messages that the broker may send ahead: this bounds the memory of a process that is busy. */
const mostAhead = 32
/** How often the broker says that it is there when it has nothing to send; two that are missed end the session. */
const beatMs = 1_000
/** Pauses between sessions are drawn up to this. */
const mostPauseMs = 500
/** Nobody waits longer for a session to take its leave of a broker that does not answer. */
const mostEndMs = 1_000
/** The broker forgets the consumer of a process that was killed. */
const forgottenAfterMs = 30_000

/** A session soon after another one begins with the last message of that one, a later one with what is new. */
const soonMs = 10_000

/** What one session leaves to the next. */
interface Course {
  readonly ending: AbortSignal
  readonly began: () => void
  /** A message came, which the broker took at this time of its clock. */
  readonly came: (takenAt: Date) => void
  /** Where to begin, by the broker's clock; null for what is new. */
  readonly from: () => Date | null
}

export const startReading = (options: ReadingOptions): Reading => {
  const { stream, reader, log } = options
  const ending = new AbortController()
  const begun = Promise.withResolvers<void>()
  let said = ''
  let last: { readonly takenAt: Date; readonly heardAt: number } | null = null

  /** While a broker is away, the same failure returns several times a second. */
  const complain = (error: unknown) => {
    const trouble = describeError(error)
    if (trouble !== said) log.warn({ stream, reader, err: error }, 'the broker brings no events, trying again')
    said = trouble
  }
  const course: Course = {
    ending: ending.signal,
    began: () => {
      if (said !== '') log.info({ stream, reader }, 'the broker brings events again')
      said = ''
      begun.resolve()
    },
    came: (takenAt) => (last = { takenAt, heardAt: performance.now() }),
    from: () => (last && performance.now() - last.heardAt < soonMs ? last.takenAt : null),
  }
  const run = async () => {
    while (!ending.signal.aborted) {
      await session(options, course).catch(complain)
      begun.resolve()
      await pause(Math.random() * mostPauseMs, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    begun: begun.promise,
    end: async () => {
      ending.abort()
      await Promise.race([running, pause(mostEndMs, undefined, { ref: false })])
    },
  }
}

/** Returns when it is told to end. Throws when nothing more will come. */
const session = async (options: ReadingOptions, course: Course): Promise<void> => {
  const { connection, streams, stream, prefix } = options
  const link = await connection.ready()
  const heard = hearing(options, AbortSignal.any([course.ending, link.lost]))
  const heads = link.nc.subscribe(namesOf(prefix, stream).heads, {
    callback: (error, message) => (error ? heard.fail(error) : heard.hear(message)),
  })
  try {
    await streams.ensure(link, stream)
    const consumer = await newConsumer(options, link, course.from())
    try {
      await consume(consumer, heard, course)
    } finally {
      if (!link.lost.aborted) await consumer.delete().catch(() => false)
    }
  } catch (error) {
    if (course.ending.aborted) return
    streams.doubt(link, stream)
    throw error
  } finally {
    heads.unsubscribe()
  }
}

const newConsumer = ({ prefix, stream, reader }: ReadingOptions, { js }: Link, from: Date | null): Promise<Consumer> =>
  js.consumers.get(namesOf(prefix, stream).stream, {
    ...(from ? { opt_start_time: from.toISOString() } : { deliver_policy: DeliverPolicy.New }),
    // For those who look at the broker: it says whose it is.
    name_prefix: `${reader.replaceAll(/[^\w-]/g, '-')}-${crypto.randomUUID().slice(0, 8)}`,
    inactive_threshold: forgottenAfterMs,
  })

const consume = async (consumer: Consumer, { hear, failed }: Hearing, { began, came, ending }: Course) => {
  const messages = await consumer.consume({
    max_messages: mostAhead,
    idle_heartbeat: beatMs,
    abort_on_missing_resource: true,
    callback: (message) => {
      hear(message)
      came(message.time)
    },
  })
  began()
  try {
    await Promise.race([aborted(ending), closed(messages), troubled(messages), failed])
  } finally {
    messages.stop()
  }
}

const aborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort')
}

const closed = async (messages: ConsumerMessages): Promise<never> => {
  throw unavailable('the subscription ended', await messages.closed())
}

/**
 * What the library says when nothing more will come; its own ways out of that take up to half a minute, and its `reset`
 * asks for a consumer with a start time and a start number at once, which the broker refuses.
 */
const endings: ReadonlySet<string> = new Set([
  'heartbeats_missed',
  'consumer_deleted',
  'consumer_not_found',
  'stream_not_found',
  'no_responders',
  'reset',
])

const troubled = async (messages: ConsumerMessages): Promise<void> => {
  for await (const { type } of messages.status())
    if (endings.has(type)) throw unavailable(`the subscription failed: ${type}`)
}
