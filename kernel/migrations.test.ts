// Migrations run once, whole or not at all, also when replicas start together; and the kernel's tables refuse nonsense.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { eventually } from '../tests/support/eventually.ts'
import { rememberingLog } from '../tests/support/remembering.ts'
import { freshDatabase, type TestDatabase } from '../tests/support/server.ts'
import { checkSchema, migrate } from './migrations.ts'

const limitMs = 100

test('a second replica waits for a migration that takes longer than its role may wait for a lock', async () => {
  await using database = await freshDatabase(['author'])
  await database.query(`alter role ates_author in database ${database.name} set lock_timeout = '${limitMs}ms'`)
  const first = new pg.Client(database.connection('author'))
  await first.connect()
  await using _ = { [Symbol.asyncDispose]: () => first.end() }
  await first.query(`select pg_advisory_lock(hashtext('migrate author'))`)

  const second = migrate(database.open('author'), { '0001-pages': ['create table page (page int)'] })
  let ended = false
  void second.catch(() => undefined).finally(() => (ended = true))
  await eventually('it has waited longer than that, or has given up', async () => {
    const waiting = await database.query(
      `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'
        and clock_timestamp() - query_start > $1 * interval '1 millisecond'`,
      [3 * limitMs],
    )
    return ended || waiting.length > 0
  })
  assert.equal(ended, false, 'it gave up')
  await first.query(`select pg_advisory_unlock_all()`)
  await second
  assert.deepEqual(await database.query('select name from author.migration'), [{ name: '0001-pages' }])
})

test('a migration waits only so long for a table that others use, and without a limit for its own work', async () => {
  await using database = await freshDatabase(['author'])
  const limits = `create table seen as select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as work`
  await migrate(database.open('author'), { '0001-limits': [limits] })
  assert.deepEqual(await database.query('select lock, work from author.seen'), [{ lock: '5s', work: '0' }])
})

const tables = async (database: TestDatabase, schema: string): Promise<string[]> => {
  const rows = await database.query<{ name: string }>(
    'select tablename as name from pg_tables where schemaname = $1 order by 1',
    [schema],
  )
  return rows.map(({ name }) => name)
}

const applied = (database: TestDatabase) => database.query('select name from author.migration order by name')

const first = { '0001-pages': ['create table page (page int)', 'insert into page values (1)'] }
const second = { ...first, '0002-lines': ['alter table page add line int', 'update page set line = page'] }

test('a fresh schema gets the tables of the kernel and its own, and only this schema', async () => {
  await using database = await freshDatabase(['author', 'archive'])
  await migrate(database.open('author'), first)
  const made = await tables(database, 'author')
  for (const table of ['page', 'outbox', 'event', 'stream', 'position', 'parked', 'job', 'idempotency', 'lease']) {
    assert.ok(made.includes(table), table)
  }
  assert.deepEqual([await tables(database, 'archive'), await tables(database, 'public')], [[], []])
})

test('what is there already is left alone, and what is new is added to the data that is there', async () => {
  await using database = await freshDatabase(['author'])
  const author = database.open('author')
  for (const migrations of [first, first, second, second]) await migrate(author, migrations)
  assert.deepEqual(await applied(database), [{ name: '0001-pages' }, { name: '0002-lines' }])
  assert.deepEqual(await database.query('select page, line from author.page'), [{ page: 1, line: 1 }])
})

test('five replicas that start at once migrate once', async () => {
  await using database = await freshDatabase(['author'])
  await Promise.all(Array.from({ length: 5 }, () => migrate(database.open('author', { connections: 1 }), second)))
  assert.deepEqual(await applied(database), [{ name: '0001-pages' }, { name: '0002-lines' }])
  assert.deepEqual(await database.query('select page, line from author.page'), [{ page: 1, line: 1 }])
})

test('a statement that fails leaves nothing, not even what came before it; mended, it passes', async () => {
  await using database = await freshDatabase(['author'])
  const author = database.open('author')
  const broken = { ...first, '0002-lines': ['alter table page add line int', 'select no_such_function()'] }
  await assert.rejects(migrate(author, broken), /no_such_function/)
  assert.deepEqual(await tables(database, 'author'), [])
  await migrate(author, second)
  assert.deepEqual(await database.query('select page, line from author.page'), [{ page: 1, line: 1 }])
})

describe('a schema that a newer version has been at', () => {
  const contracted = { ...second, '0003-no-lines-needs-0002': ['alter table page drop column line'] }
  const further = { ...contracted, '0004-words': ['alter table page add word int'] }

  test('is worked on where that only added, whether or not this version migrates, and is left as it is', async () => {
    await using database = await freshDatabase(['author'])
    const author = database.open('author')
    await migrate(author, second)
    const { log, lines } = rememberingLog()
    await migrate(author, first, log)
    await checkSchema(author, first, log)
    assert.equal(lines.filter((line) => /newer version.*0002-lines/.test(line)).length, 2)
    assert.deepEqual(await applied(database), [{ name: '0001-pages' }, { name: '0002-lines' }])
  })

  test('is refused where that took away what this version needs, and worked on by those who know better', async () => {
    await using database = await freshDatabase(['author'])
    const author = database.open('author')
    await migrate(author, further)
    for (const work of [migrate, checkSchema]) {
      await assert.rejects(work(author, first), /0003-no-lines-needs-0002 has taken away/)
      await work(author, second)
      await work(author, contracted)
      await work(author, further)
    }
  })

  test('is refused where it lacks what this version knows, or has something else in between', async () => {
    await using database = await freshDatabase(['author'])
    const author = database.open('author')
    await migrate(author, { '0001-pages': first['0001-pages'], '0003-words': ['alter table page add word int'] })
    for (const work of [migrate, checkSchema]) {
      await assert.rejects(work(author, second), /has 0003-words and lacks 0002-lines/)
      await assert.rejects(
        work(author, { ...first, '0004-more': [] }),
        /has 0003-words, which this version does not know/,
      )
    }
  })
})

test('whoever does not migrate refuses a schema that is behind, and says what to do', async () => {
  await using database = await freshDatabase(['author'])
  const author = database.open('author')
  await assert.rejects(checkSchema(author, first), /lacks 0001-events.*npm run ates -- migrate/)
  await migrate(author, first)
  await checkSchema(author, first)
  await assert.rejects(checkSchema(author, second), /lacks 0002-lines/)
})

describe('the tables of the kernel refuse', () => {
  let database: TestDatabase
  before(async () => {
    database = await freshDatabase(['author'])
    await migrate(database.open('author'), {})
    await database.query(`insert into author.event
      values (1, gen_random_uuid(), 'LineWritten', 1, '1', '{}', now(), 'r', null)`)
  })
  after(() => database[Symbol.asyncDispose]())

  const event = (number: string) =>
    `insert into author.event values (${number}, gen_random_uuid(), 'LineWritten', 1, '1', '{}', now(), 'r', null)`
  const parked = (state: string, reason: string) =>
    `insert into author.parked
      (consumer, stream, number, event_id, type, version, about, data, at, request_id, error, fingerprint, attempts,
       parked_at, state, reason)
     values ('c', 's', 1, gen_random_uuid(), 't', 1, '1', '{}', now(), 'r', 'e', 'f', 1, now(), '${state}', ${reason})`
  const position = (columns: string, values: string) =>
    `insert into author.position (consumer, stream, ${columns}) values ('c', 's', ${values})`
  const violations: Readonly<Record<string, string>> = {
    'a number for two events': event('1'),
    'a number below 1': event('0'),
    'a second stream': 'insert into author.stream default values',
    'a stream that is no more the only one': 'insert into author.stream (single) values (false)',
    'more published than numbered': 'update author.stream set published = head + 1',
    'a head without the id of its event': 'update author.stream set head = 1, head_event_id = null',
    'a head below 0': 'update author.stream set head = -1, head_event_id = gen_random_uuid()',
    'a position without the id of its event': position('number', '3'),
    'an id at position 0': position('event_id', 'gen_random_uuid()'),
    'a position below 0': position('number, event_id', '-1, gen_random_uuid()'),
    'a position in an unknown state': position('state', `'asleep'`),
    'an event discarded without a reason': parked('discarded', 'null'),
    'a parked event in an unknown state': parked('forgotten', 'null'),
    'a job in an unknown state': `insert into author.job (name, input, state, requested_at, request_id)
      values ('j', '{}', 'asleep', now(), 'r')`,
  }
  for (const [what, statement] of Object.entries(violations)) {
    test(what, async () => {
      await assert.rejects(database.query(statement), { code: /^23(?:505|514)$/ })
    })
  }
})
