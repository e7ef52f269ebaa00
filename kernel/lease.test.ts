// A lease is held until its end, and an end that nobody may have claimed holds nothing: the clock was set back.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Postgres } from '../adapters/database/postgres.ts'
import { eventually } from '../tests/support/eventually.ts'
import { fixtureDatabase } from '../tests/support/fixture-system.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { silent } from '../tests/support/silent.ts'
import { onTransaction } from '../tests/support/wrapped.ts'
import { startLease } from './lease.ts'

let database: TestDatabase
let archive: Postgres
before(async () => {
  database = await fixtureDatabase()
  archive = database.open('archive')
})
after(() => database[Symbol.asyncDispose]())

/** Asks for a job whose holder, another replica, has it until `end` from now. Counts how often it has asked. */
const askFor = async (name: string, end: string) => {
  await database.query(`insert into archive.lease values ($1, gen_random_uuid(), clock_timestamp() + $2::interval)`, [
    name,
    end,
  ])
  let asked = 0
  const counted = onTransaction(archive, 'lease.claim', (run) => run().finally(() => (asked += 1)))
  const lease = startLease({ database: counted, name, log: silent, gained: () => undefined })
  return { lease, asked: () => asked, [Symbol.asyncDispose]: () => lease.stop() }
}

test('one whose end lies further ahead than anybody may claim is taken over', async () => {
  for (const end of ['1 hour', '10 seconds']) {
    await using asking = await askFor(`ends in ${end}`, end)
    await eventually('it asked', () => asking.asked() > 0)
    assert.equal(asking.lease.held(), true, end)
  }
})

test('one whose time has run out is taken over', async () => {
  await using asking = await askFor('ended', '-1 millisecond')
  await eventually('it asked', () => asking.asked() > 0)
  assert.equal(asking.lease.held(), true)
})

test('one that is valid is left to its holder until it ends', async () => {
  const begun = performance.now()
  await using asking = await askFor('valid', '2800 milliseconds')
  await eventually('it is taken over', () => asking.lease.held())
  const afterMs = performance.now() - begun
  assert.ok(afterMs > 2_700, `after ${Math.round(afterMs)} ms`)
  assert.ok(asking.asked() > 1)
})
