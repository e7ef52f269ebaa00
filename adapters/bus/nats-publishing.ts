// Publishes batches: several messages on their way at a time, each until the broker has acknowledged it.
import type { Log } from '../../kernel/ports.ts'
import type { EventBatch } from '../../kernel/stream.ts'
import type { JetStreamPublishOptions } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { answerMs, type Connection, type Link, unavailable } from './nats-connection.ts'
import { markHeader, type Marks } from './marking.ts'
import { namesOf } from './nats-settings.ts'
import type { Streams } from './nats-streams.ts'
import { mostMessageBytes, packed, unpacked } from './packing.ts'

/** Messages that the broker has not acknowledged, over all streams of this process. */
export const mostOnTheirWay = 32
/** An acknowledgement may be lost, a stream gone: then the same message is sent again. Readers drop what they have. */
const mostAttempts = 3
/** What the broker counts of a message beside its text. */
const headerBytes = 128
/** No further attempt is made after this time. */
const patienceMs = 5_000

export interface PublishingOptions {
  readonly prefix: string
  readonly connection: Connection
  readonly streams: Streams
  readonly marks: Marks | undefined
  readonly log: Log
}

/** A place is free for the caller when it resolves; calling the result gives it back. */
export const places = (count: number): (() => Promise<() => void>) => {
  const waiting: (() => void)[] = []
  let free = count
  const leave = () => {
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }
  return async () => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    return leave
  }
}

type Marked = Partial<Pick<JetStreamPublishOptions, 'headers'>>

const marked = (message: string, marks: Marks | undefined): Marked => {
  if (!marks) return {}
  const said = headers()
  said.set(markHeader, marks.of(message))
  return { headers: said }
}

/** Whether the broker ever takes it. What it does not take would hold up all that follows; readers find it in the log. */
const fits = (message: string, most: number, { stream, log }: { stream: string; log: Log }): boolean => {
  const bytes = Buffer.byteLength(message)
  if (bytes <= most) return true
  const numbers = unpacked(message).events.map(({ number }) => number)
  log.warn({ stream, numbers, bytes, most }, 'larger than max_payload of the broker: it is read from the log')
  return false
}

export const publisher = ({ prefix, connection, streams, marks, log }: PublishingOptions) => {
  const enter = places(mostOnTheirWay)

  const attempt = async (stream: string, message: string, how: Marked): Promise<void> => {
    const link = await connection.ready()
    try {
      await streams.ensure(link, stream)
      await link.js.publish(namesOf(prefix, stream).events, message, { timeout: answerMs, ...how })
    } catch (error) {
      streams.doubt(link, stream)
      throw error
    }
  }
  const send = async (stream: string, message: string): Promise<void> => {
    const end = performance.now() + patienceMs
    const how = marked(message, marks)
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await attempt(stream, message, how)
      } catch (error) {
        if (attempts === mostAttempts || performance.now() >= end) throw notTaken(error)
      }
    }
  }
  /** After the first failure nothing more is begun, and what is on its way is waited for. */
  const publishEvents = async (batch: EventBatch): Promise<void> => {
    const { nc } = await connection.ready().catch((error: unknown) => {
      throw notTaken(error)
    })
    const most = (nc.info?.max_payload ?? mostMessageBytes) - headerBytes
    const sending = new Set<Promise<void>>()
    const failures: unknown[] = []
    for (const message of packed(batch, most)) {
      if (!fits(message, most, { stream: batch.stream, log })) continue
      const leave = await enter()
      if (failures.length > 0) {
        leave()
        break
      }
      const sent = send(batch.stream, message).catch((error: unknown) => void failures.push(error))
      sending.add(sent)
      void sent.finally(() => {
        leave()
        sending.delete(sent)
      })
    }
    await Promise.all(sending)
    if (failures.length > 0) throw failures[0]
  }
  /** Nobody keeps heads: accepted means that the broker has read it. */
  const publishHead = async (batch: EventBatch): Promise<void> => {
    const link = await connection.ready()
    for (const message of packed(batch)) link.nc.publish(namesOf(prefix, batch.stream).heads, message)
    await flushed(link)
  }
  return (batch: EventBatch): Promise<void> => (batch.events.length > 0 ? publishEvents(batch) : publishHead(batch))
}

const notTaken = (cause: unknown) => unavailable('the broker did not take events', cause)

/** The broker has read all that was sent on this connection. Throws when that takes too long. */
const flushed = async ({ nc, lost }: Link): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(unavailable('the broker does not answer')), answerMs)
  const end = () => reject(unavailable('the connection to the broker was lost'))
  lost.addEventListener('abort', end)
  nc.flush().then(resolve, (error: unknown) => reject(unavailable('the broker did not take a head', error)))
  try {
    await promise
  } finally {
    clearTimeout(timer)
    lost.removeEventListener('abort', end)
  }
}
