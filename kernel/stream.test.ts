// Events get their numbers once, without gaps, in the order of their aggregate, whatever transactions do around them.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import { auditLog, logged, numberAll, origin, say, saying } from '../tests/support/fixture-log.ts'
import { authorTables } from '../tests/support/fixture-service.ts'
import { fixtureDatabase, upTo } from '../tests/support/fixture-system.ts'
import { generator, seedOf } from '../tests/support/random.ts'
import { adminOf, freshDatabase, type TestDatabase } from '../tests/support/server.ts'
import type { Postgres } from '../adapters/database/postgres.ts'
import { migrate } from './migrations.ts'
import type { Database } from './ports.ts'
import { mostBatchBytes, numberEvents, readLog } from './stream.ts'

let database: TestDatabase
let author: Postgres
before(async () => {
  database = await freshDatabase(['author'])
  author = database.open('author')
  await migrate(author, authorTables)
})
after(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  await database.query('truncate author.page, author.outbox, author.event restart identity')
  await database.query('update author.stream set published = 0, head = 0, head_event_id = null')
})

const texts = async (): Promise<string[]> => (await logged(database)).map(({ text }) => text)

/** A transaction that has said something and stays open until it is told how to end. */
const openTransaction = async (page: number, text: string) => {
  const said = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const ended = author.transaction('held open', async (tx) => {
    await say(tx, page, text)
    said.resolve()
    await end.promise
  })
  await said.promise
  return {
    commit: () => (end.resolve(), ended),
    rollBack: () => (end.reject(new Error('rolled back')), assert.rejects(ended, /rolled back/)),
  }
}

test('numbers begin at 1, follow the order of writing, and name the event before', async () => {
  await saying(author, 1, 'a', 'b')
  await saying(author, 2, 'c')
  const [first] = await numberAll(author)
  await saying(author, 1, 'd')
  const [second] = await numberAll(author)
  const log = await auditLog(database)
  assert.deepEqual(
    log.map(({ text }) => text),
    ['a', 'b', 'c', 'd'],
  )
  assert.deepEqual(
    first?.events.map(({ eventId }) => eventId),
    log.slice(0, 3).map(({ id }) => id),
  )
  assert.deepEqual([first?.head, first?.predecessor, first?.epoch], [3, null, 1])
  assert.deepEqual([second?.head, second?.predecessor], [4, log[2]?.id])
  assert.equal(await numberEvents(author, 'author', 10), null)
})

test('an event keeps everything it was said with', async () => {
  await saying(author, 5, 'Жираф "ел" \\ сено\n🦜')
  const [batch] = await numberAll(author)
  const [event] = batch?.events ?? []
  assert.ok(event)
  const { eventId, ...rest } = event
  assert.match(eventId, /^[0-9a-f]{8}-/)
  assert.deepEqual(rest, {
    number: 1,
    type: 'LineWritten',
    version: 1,
    about: '5',
    data: { page: 5, line: 1, text: 'Жираф "ел" \\ сено\n🦜' },
    at: origin.at.toISOString(),
    requestId: origin.requestId,
    actor: origin.actor,
    trace: origin.trace,
  })
})

test('numbering in small pieces loses nothing between them', async () => {
  await saying(author, 1, ...upTo(23).map(String))
  const batches = await numberAll(author, 5)
  assert.deepEqual(
    batches.map(({ events }) => events.length),
    [5, 5, 5, 5, 3],
  )
  const ids = batches.flatMap(({ events }) => events.map(({ eventId }) => eventId))
  assert.deepEqual(
    batches.map(({ predecessor }) => predecessor),
    [null, ids[4], ids[9], ids[14], ids[19]],
  )
  assert.equal((await auditLog(database)).length, 23)
})

test('a transaction that holds a low outbox id open delays nobody, and its events are numbered when it commits', async () => {
  const held = await openTransaction(1, 'early')
  await saying(author, 2, 'late')
  await numberAll(author)
  assert.deepEqual(await texts(), ['late'])
  await held.commit()
  await numberAll(author)
  assert.deepEqual(await texts(), ['late', 'early'])
  await auditLog(database)
})

test('ids lost by a rollback leave no gap in the numbers', async () => {
  await saying(author, 1, 'a')
  const undone = await openTransaction(2, 'never')
  await saying(author, 1, 'b')
  await undone.rollBack()
  await saying(author, 2, 'c')
  await numberAll(author)
  assert.deepEqual(await texts(), ['a', 'b', 'c'])
  await auditLog(database)
})

test('what a savepoint takes back is never said, and what stays keeps its order', async () => {
  await author.transaction('with a savepoint', async (tx) => {
    await say(tx, 1, 'kept')
    await sql`savepoint half`.execute(tx)
    await say(tx, 1, 'taken back')
    await sql`rollback to savepoint half`.execute(tx)
    await say(tx, 1, 'kept too')
  })
  await numberAll(author)
  assert.deepEqual(await texts(), ['kept', 'kept too'])
  await auditLog(database)
})

test('two who wait for one page commit its events in the order of its lock', async () => {
  const first = await openTransaction(1, 'first')
  const second = saying(author, 1, 'second')
  await saying(author, 2, 'elsewhere')
  await numberAll(author)
  await first.commit()
  await second
  await numberAll(author)
  assert.deepEqual(await texts(), ['elsewhere', 'first', 'second'])
  await auditLog(database)
})

/** A session that has a transaction id and a snapshot, and then does nothing. */
const idleTransaction = async (connection: pg.ClientConfig): Promise<AsyncDisposable> => {
  const client = new pg.Client(connection)
  await client.connect()
  await client.query('begin isolation level repeatable read')
  await client.query('select pg_current_xact_id(), count(*) from pg_class')
  return { [Symbol.asyncDispose]: () => client.end() }
}

test('an idle transaction in another database of the server, or in this one, does not keep events from their numbers', async () => {
  const elsewhere = (await adminOf())('postgres')
  for (const connection of [elsewhere, database.adminConnection]) {
    await using _idle = await idleTransaction(connection)
    await saying(author, 1, 'said meanwhile')
    assert.equal((await numberAll(author)).length, 1)
  }
  await auditLog(database)
})

test('events outlive their connection: what was committed before it was cut is numbered, the rest is gone', async () => {
  await saying(author, 1, 'committed')
  const cut = author.transaction('cut', async (tx) => {
    await say(tx, 1, 'never')
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
    await database.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await sql`select 1`.execute(tx)
  })
  await assert.rejects(cut)
  await saying(author, 1, 'after')
  await numberAll(author)
  assert.deepEqual(await texts(), ['committed', 'after'])
  await auditLog(database)
})

/** One writer's turns: plain, held open while others go on, rolled back, or with a savepoint that is taken back. */
const writeAtRandom = async (name: number, next: () => number, others: EventTarget): Promise<void> => {
  const roll = (sides: number) => Math.floor(next() * sides)
  for (let turn = 0; turn < 20; turn += 1) {
    const page = 1 + roll(4)
    const kind = roll(5)
    const words = upTo(1 + roll(3)).map((place) => `${name}.${turn}.${place}`)
    const work = author.transaction('random', async (tx) => {
      await say(tx, page, ...words)
      if (kind === 0) await once(others, 'numbered')
      if (kind === 1) throw new Error('rolled back')
      if (kind !== 2) return
      await sql`savepoint half`.execute(tx)
      await say(tx, page, `${name}.${turn}.taken back`)
      await sql`rollback to savepoint half`.execute(tx)
      await say(tx, page, `${name}.${turn}.last`)
    })
    await (kind === 1 ? assert.rejects(work, /rolled back/) : work)
  }
}

/** Numbers in pieces of random size until told to stop, as a second replica of the relay does. */
const numberAtRandom = async (
  database: Database,
  next: () => number,
  others: EventTarget,
  done: () => boolean,
): Promise<void> => {
  for (let last = false; ; last = done()) {
    const batch = await numberEvents(database, 'author', 1 + Math.floor(next() * 7))
    others.dispatchEvent(new Event('numbered'))
    if (batch === null && last) return
  }
}

test(
  'eight writers and two relays at once: no gap, no double number, each page in order, everything committed is there',
  { timeout: 20_000 },
  async () => {
    const seed = seedOf('eight writers, two relays')
    const others = new EventTarget()
    let writing = true
    const relays = [1, 2].map((one) =>
      numberAtRandom(database.open('author'), generator(seed + one), others, () => !writing),
    )
    await Promise.all(upTo(8).map((name) => writeAtRandom(name, generator(seed * 31 + name), others)))
    writing = false
    await Promise.all(relays)
    const log = await auditLog(database)
    assert.ok(log.every(({ text }) => !text.endsWith('taken back')))
    assert.ok(log.length > 100)
  },
)

test('the log is read from any number on, with the id of the event before and the head', async () => {
  await saying(author, 1, ...upTo(7).map(String))
  await numberAll(author)
  const ids = [null, ...(await logged(database)).map(({ id }) => id)]
  const read = (from: number, limit: number) =>
    author.transaction('read', (tx) => readLog(tx, 'author', 'author', from, limit))
  const shape = async (from: number, limit: number) => {
    const { head, predecessor, events } = await read(from, limit)
    return { head, before: ids.indexOf(predecessor), numbers: events.map(({ number }) => number) }
  }
  assert.deepEqual(await shape(0, 3), { head: 7, before: 0, numbers: [1, 2, 3] })
  assert.deepEqual(await shape(3, 100), { head: 7, before: 3, numbers: [4, 5, 6, 7] })
  // Nothing left: a heartbeat, which names the last event itself.
  assert.deepEqual(await shape(7, 100), { head: 7, before: 7, numbers: [] })
  assert.deepEqual(await shape(12, 100), { head: 7, before: 7, numbers: [] })
})

test('an answer of the log ends with the event that reaches 8 MB, and the next one goes on there', async () => {
  await using large = await fixtureDatabase()
  const log = large.open('author')
  await large.query(`
    insert into author.event (number, event_id, type, version, about, data, at, request_id)
    select n, gen_random_uuid(), 'LineWritten', 1, '1', jsonb_build_object('text', repeat('x', case n when 20 then 9 else 1 end * 1000000)),
      now(), 'a test' from generate_series(1, 21) n`)
  await large.query(
    `update author.stream set head = 21, head_event_id = (select event_id from author.event where number = 21)`,
  )
  const pages: number[][] = []
  for (let from = 0; from < 21 && pages.length < 10;) {
    const { events } = await log.transaction('read', (tx) => readLog(tx, 'author', 'author', from, 5_000))
    pages.push(events.map(({ number }) => number))
    from = events.at(-1)?.number ?? 21
  }
  assert.deepEqual(pages, [upTo(9), upTo(9, 10), [19, 20], [21]])
})

test('a batch that gets its numbers ends with the event that reaches 8 MB, and the next one goes on there', async () => {
  await using large = await fixtureDatabase()
  const on = large.open('author')
  const page = 'x'.repeat(60_000)
  await saying(on, 1, ...upTo(300).map((line) => `${line} ${page}`))
  const batches = await numberAll(on)
  const sizes = batches.map(({ events }) => events.length)
  assert.deepEqual(
    sizes.map((size) => size < 142),
    sizes.map(() => true),
    sizes.join(),
  )
  assert.equal(sizes.length, 3)
  const [first] = batches
  assert.ok(
    Buffer.byteLength(JSON.stringify(first?.events.slice(0, -1).map(({ data }) => data))) < mostBatchBytes + 1_000,
  )
  assert.deepEqual(
    batches.flatMap(({ events }) => events.map(({ data }) => Number((data as { text: string }).text.split(' ')[0]))),
    upTo(300),
  )
})
