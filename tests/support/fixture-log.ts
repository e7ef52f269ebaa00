// Writes the fixture author's events without a host, and audits its log: no gap, no double number, pages in order.
import assert from 'node:assert/strict'
import { systemRandom } from '../../adapters/random.ts'
import { insertOutbox, outboxOf } from '../../kernel/outbox.ts'
import type { Database, Tx } from '../../kernel/ports.ts'
import { type EventBatch, numberEvents } from '../../kernel/stream.ts'
import { addLines, author } from './fixture-service.ts'
import { upTo } from './fixture-system.ts'
import type { TestDatabase } from './server.ts'

export const origin = {
  at: new Date('2030-01-02T03:04:05.678Z'),
  requestId: 'a-test',
  actor: 7,
  trace: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
}

/** What a writer does in its transaction: its change, then its events. */
export const say = async (tx: Tx, page: number, ...texts: string[]): Promise<void> => {
  const { emit, collected } = outboxOf(systemRandom)
  const last = await addLines(tx, 'author', page, texts.length)
  emit(
    author.lineWritten,
    texts.map((text, index) => ({ page, line: last - texts.length + index + 1, text })),
  )
  await insertOutbox(tx, 'author', collected, origin)
}

export const saying = (database: Database, page: number, ...texts: string[]): Promise<void> =>
  database.transaction('say', (tx) => say(tx, page, ...texts))

/** Numbers until nothing is left, `limit` events at a time. */
export const numberAll = async (database: Database, limit = 1_000): Promise<EventBatch[]> => {
  const batches: EventBatch[] = []
  while (batches.length < 1_000) {
    const batch = await numberEvents(database, 'author', limit)
    if (!batch) return batches
    batches.push(batch)
  }
  throw new Error('numbering does not end')
}

export interface Logged {
  readonly number: number
  readonly id: string
  readonly text: string
  readonly page: number
  readonly line: number
}

export const logged = (database: TestDatabase): Promise<Logged[]> =>
  database.query<Logged & Record<string, unknown>>(`
    select number::int, event_id as id, data->>'text' as text, (data->>'page')::int as page, (data->>'line')::int as line
    from author.event order by number`)

/** Every line that the pages have is an event with one number, the numbers have no gap, each page is in order. */
export const auditLog = async (database: TestDatabase): Promise<Logged[]> => {
  const log = await logged(database)
  assert.deepEqual(
    log.map(({ number }) => number),
    upTo(log.length),
    'the numbers have a gap',
  )
  assert.equal(new Set(log.map(({ id }) => id)).size, log.length, 'an event has two numbers')
  const pages = await database.query<{ page: number; lines: number }>(
    'select page, lines from author.page order by page',
  )
  for (const { page, lines } of pages) {
    const ofPage = log.filter((event) => event.page === page).map(({ line }) => line)
    assert.deepEqual(ofPage, upTo(lines), `the lines of page ${page} are lost or out of order`)
  }
  assert.equal(
    log.length,
    pages.reduce((sum, { lines }) => sum + lines, 0),
    'an event was never said',
  )
  return log
}
