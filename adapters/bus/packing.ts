// Cuts batches into messages, written as JSON, and reads them again.
import { z } from 'zod'
import { EventBatch } from '../../kernel/stream.ts'

/** One message carries at most this many events ... */
const mostEvents = 200
/** ... and at most this many bytes of them, as long as no single event is larger. */
const mostEventBytes = 192 * 1024
/** No message is larger: an event's data has at most 64 KiB, its other fields and the batch's are a fraction of that. */
export const mostMessageBytes = 256 * 1024

/** What a message has beside its events. */
const batchBytes = 1_024

/**
 * Writes a batch as messages, one after another as they are asked for; each names the event before its first. None is
 * larger than `mostBytes`, unless one event alone is.
 */
export function* packed(batch: EventBatch, mostBytes = mostMessageBytes): Generator<string, void, undefined> {
  const room = Math.min(mostEventBytes, mostBytes - batchBytes)
  const { events, ...said } = batch
  let { predecessor } = batch
  let texts: string[] = []
  let bytes = 0
  const message = () => `${JSON.stringify({ ...said, predecessor }).slice(0, -1)},"events":[${texts.join()}]}`
  for (const [index, event] of events.entries()) {
    const text = JSON.stringify(event)
    const size = Buffer.byteLength(text)
    if (texts.length === mostEvents || (texts.length > 0 && bytes + texts.length + size > room)) {
      yield message()
      predecessor = events[index - 1]?.eventId ?? null
      texts = []
      bytes = 0
    }
    texts.push(text)
    bytes += size
  }
  // A batch without events is a heartbeat, and one message, too.
  yield message()
}

/** The batch that a message carries. Throws when it carries none. */
export const unpacked = (text: string): EventBatch => z.parse(EventBatch, JSON.parse(text))
