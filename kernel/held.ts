// What the bus has brought and a consumer's position has not reached: bounded by number and size, and of one epoch.
import type { Run } from './handle.ts'
import type { Position } from './position.ts'
import { type EventBatch, type EventRecord, mostBatchBytes } from './stream.ts'

/** Events held while the ones before them are missing or being applied; what does not fit is fetched from the log. */
const mostHeld = 10_000
const mostHeldBytes = 64 * 1024 * 1024

interface One {
  readonly predecessor: string | null
  readonly event: EventRecord
  readonly bytes: number
}

/** About what an event has beside its data. */
const ownBytes = 300

/** About as many bytes as the value has as JSON, without making that of it. */
const bytesOf = (value: unknown): number => {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  return Object.entries(value).reduce((sum, [name, inner]) => sum + name.length + bytesOf(inner), 0)
}

export class Held {
  private readonly byNumber = new Map<number, One>()
  private bytes = 0
  private epoch = 1
  head = 0
  overflowed = false
  heardAt = -Infinity

  add(batch: EventBatch, position: number): void {
    if (batch.epoch < this.epoch) return
    this.begin(batch.epoch)
    this.head = Math.max(this.head, batch.head)
    this.heardAt = performance.now()
    let { predecessor } = batch
    for (const event of batch.events) {
      if (event.number > position) {
        if (this.byNumber.size >= mostHeld || this.bytes >= mostHeldBytes) {
          this.overflowed = true
          return
        }
        this.keep({ predecessor, event, bytes: ownBytes + bytesOf(event.data) })
      }
      predecessor = event.eventId
    }
  }

  private keep(one: One): void {
    this.remove(one.event.number)
    this.byNumber.set(one.event.number, one)
    this.bytes += one.bytes
  }

  private remove(number: number): void {
    this.bytes -= this.byNumber.get(number)?.bytes ?? 0
    this.byNumber.delete(number)
  }

  /** What was heard of another epoch counts no more. */
  begin(epoch: number): void {
    if (epoch === this.epoch) return
    this.drop()
    this.epoch = epoch
    this.head = 0
  }

  /** The log's own word of its head: it counts also when it is lower, unless something was said after it was asked. */
  answered({ epoch, head }: EventBatch, headBefore: number): void {
    this.begin(epoch)
    this.head = this.head === headBefore ? head : Math.max(this.head, head)
    this.heardAt = performance.now()
  }

  /**
   * The consecutive events right after the position, up to the first that does not name its predecessor's id, and not
   * many more bytes than an answer of the log has.
   */
  take({ number, epoch }: Position, limit: number): Run {
    if (epoch !== this.epoch) return { predecessor: null, events: [] }
    const first = this.byNumber.get(number + 1)
    const events: EventRecord[] = []
    let bytes = 0
    for (let next = first; next; next = this.byNumber.get(next.event.number + 1)) {
      const before = events.at(-1)
      if (events.length >= limit || bytes >= mostBatchBytes) break
      if (before && next.predecessor !== before.eventId) break
      events.push(next.event)
      bytes += next.bytes
    }
    return { predecessor: first?.predecessor ?? null, events, epoch, isHint: true }
  }

  forget(upTo: number): void {
    for (const number of this.byNumber.keys()) if (number <= upTo) this.remove(number)
    if (this.byNumber.size === 0) this.overflowed = false
  }

  drop(): void {
    this.byNumber.clear()
    this.bytes = 0
  }
}
