// Replicas that start together migrate once: the others wait, however long it takes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { eventually } from '../tests/support/eventually.ts'
import { freshDatabase } from '../tests/support/server.ts'
import { migrate } from './migrations.ts'

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
