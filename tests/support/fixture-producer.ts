// A producer made by hand: tests decide what its log holds, what it says on the bus and what never arrives.
import { localBus } from '../../adapters/bus/local.ts'
import { databaseClock } from '../../adapters/database/postgres.ts'
import { systemRandom } from '../../adapters/random.ts'
import { type ReaderOptions, type ReadLog, startReader } from '../../kernel/consume.ts'
import type { Applying } from '../../kernel/handle.ts'
import { openPosition } from '../../kernel/position.ts'
import type { Database } from '../../kernel/ports.ts'
import type { Consumer } from '../../kernel/service.ts'
import type { EventBatch, EventRecord } from '../../kernel/stream.ts'
import { keepLines, type KeepOptions } from './fixture-service.ts'
import type { TestDatabase } from './server.ts'
import { silent } from './silent.ts'

/** Ids name the history in which an event happened, so that a rewound producer gives others to the same numbers. */
const idOf = (history: number, number: number): string =>
  `${String(history).padStart(8, '0')}-0000-4000-8000-${String(number).padStart(12, '0')}`

export const lineEvent = (number: number, text: string, history = 1): EventRecord => ({
  number,
  eventId: idOf(history, number),
  type: 'LineWritten',
  version: 1,
  about: '1',
  data: { page: 1, line: number, text },
  at: '2030-01-02T03:04:05.678Z',
  requestId: `request-${number}`,
  actor: 7,
})

export class HandMadeProducer {
  readonly stream: string
  log: EventRecord[] = []
  /** When each reading of the log happened, in milliseconds of `performance.now()`. */
  readonly asked: number[] = []
  unreachable: Error | null = null
  epoch = 1
  private history = 1

  constructor(stream: string) {
    this.stream = stream
  }

  /** Puts further events into the log, as many as there are texts, or so many. */
  say(what: number | readonly string[]): this {
    const texts = typeof what === 'number' ? Array.from({ length: what }, (_, index) => `line ${index}`) : what
    for (const text of texts) this.log.push(lineEvent(this.head + 1, text, this.history))
    return this
  }

  /** A person has said that this is another history. */
  begin(epoch: number): this {
    this.epoch = epoch
    return this
  }

  /** The database is restored to an earlier moment; what is said from now on has other ids. */
  rewind(head: number): this {
    this.log = this.log.slice(0, head)
    this.history += 1
    return this
  }

  get head(): number {
    return this.log.length
  }

  private said(predecessor: number, events: readonly EventRecord[]): EventBatch {
    const before = this.log[predecessor - 1]?.eventId ?? null
    return { stream: this.stream, epoch: this.epoch, head: this.head, predecessor: before, events: [...events] }
  }

  /** The events from one number to another, as the relay says them. */
  batch(from: number, to: number): EventBatch {
    return this.said(from - 1, this.log.slice(from - 1, to))
  }

  /** Only where its log ends. */
  heartbeat(): EventBatch {
    return this.said(this.head, [])
  }

  readonly readLog: ReadLog = (_stream, from, limit) => {
    this.asked.push(performance.now())
    if (this.unreachable) return Promise.reject(this.unreachable)
    const events = this.log.slice(from, from + limit)
    return Promise.resolve(events.length === 0 && from >= this.head ? this.heartbeat() : this.said(from, events))
  }
}

let made = 0

/** A producer and a consumer of it that no other test of this process has. */
export const handMade = (options: Omit<KeepOptions, 'name' | 'stream'> = {}) => {
  made += 1
  const producer = new HandMadeProducer(`stream-${made}`)
  const consumer = keepLines({ ...options, name: `Keep${made}`, stream: producer.stream })
  return { producer, consumer }
}

export const applyingOn = (database: Database, consumer: Consumer): Applying => ({
  database,
  consumer,
  clock: databaseClock,
  random: systemRandom,
  log: silent,
})

/** A reader fed by hand through a bus of its own. `said` gives it batches. */
export const readFrom = async (
  { producer, consumer }: { producer: HandMadeProducer; consumer: Consumer },
  database: Database,
  options: Partial<ReaderOptions> = {},
) => {
  const bus = options.bus ?? localBus()
  const { readLog } = producer
  const reader = await startReader({ ...applyingOn(database, consumer), bus, readLog, ...options })
  const say = async (...batches: readonly EventBatch[]) => {
    for (const batch of batches) await bus.publish(batch)
  }
  return {
    say,
    reader,
    undelivered: () => reader.undelivered(),
    drained: () => reader.drained(),
    [Symbol.asyncDispose]: () => reader.stop(),
  }
}

export interface SeenPosition {
  readonly number: number
  readonly eventId: string | null
  readonly state: string
  readonly reason: string | null
  readonly parkedInRow: number
}

export const positionOf = async (database: TestDatabase, { name }: Consumer): Promise<SeenPosition> => {
  const [row] = await database.query<SeenPosition & Record<string, unknown>>(
    `select number::int, event_id as "eventId", state, reason, parked_in_row as "parkedInRow"
     from archive.position where consumer = $1`,
    [name],
  )
  return row ?? { number: 0, eventId: null, state: 'none', reason: null, parkedInRow: 0 }
}

/** Numbers of the events that were set aside for a consumer, in their order. */
export const parkedBy = async (database: TestDatabase, { name }: Consumer): Promise<number[]> => {
  const rows = await database.query<{ number: number }>(
    'select number::int from archive.parked where consumer = $1 order by number',
    [name],
  )
  return rows.map(({ number }) => number)
}

/** Puts a consumer at the beginning of its stream, for tests that apply by hand. */
export const openPositionOf = (database: Database, { name, stream }: Consumer): Promise<void> =>
  database.transaction('open', (tx) => openPosition(tx, { schema: database.schema, consumer: name, stream }))
