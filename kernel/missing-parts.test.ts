// A table or a right that is missing is no failure of an event: the consumer waits for it and goes on by itself.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Postgres } from '../adapters/database/postgres.ts'
import { eventually } from '../tests/support/eventually.ts'
import {
  applyingOn,
  handMade,
  openPositionOf,
  parkedBy,
  positionOf,
  readFrom,
} from '../tests/support/fixture-producer.ts'
import { raise } from '../tests/support/fixture-service.ts'
import { fixtureDatabase, keptBy, upTo } from '../tests/support/fixture-system.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { applyRun } from './apply.ts'
import { retryParked } from './parked.ts'

let database: TestDatabase
let archive: Postgres
before(async () => {
  database = await fixtureDatabase()
  archive = database.open('archive')
})
after(() => database[Symbol.asyncDispose]())

const missing = {
  'a table': {
    code: '42P01',
    take: 'alter table archive.kept rename to kept_away',
    giveBack: 'alter table archive.kept_away rename to kept',
  },
  'a column': {
    code: '42703',
    take: 'alter table archive.kept rename column text to words',
    giveBack: 'alter table archive.kept rename column words to text',
  },
  'a right': {
    code: '42501',
    take: 'revoke insert on archive.kept from ates_archive',
    giveBack: 'grant insert on archive.kept to ates_archive',
  },
}

for (const [what, { code, take, giveBack }] of Object.entries(missing)) {
  describe(`when ${what} is missing`, () => {
    test('nothing is parked, the position stays, the reason is said, and all is applied when it is back', async () => {
      const { producer, consumer } = handMade()
      producer.say(3)
      await database.query(take)
      await using reading = await readFrom({ producer, consumer }, archive)
      let failures = 0
      // Each look that finds trouble is followed by another pass: five are more than any count of tries.
      while (failures < 5) {
        const before = producer.asked.length
        reading.reader.wake()
        await eventually('another try', () => producer.asked.length > before && reading.reader.trouble !== null)
        failures += 1
      }
      assert.ok(reading.reader.trouble?.includes(code))
      assert.ok(reading.undelivered()?.reason.includes(code))
      assert.deepEqual(await parkedBy(database, consumer), [])
      assert.equal((await positionOf(database, consumer)).number, 0)

      await database.query(giveBack)
      await eventually('all is applied', async () => (await positionOf(database, consumer)).number === 3)
      assert.deepEqual(await keptBy(database, consumer.name), upTo(3))
      assert.deepEqual(await parkedBy(database, consumer), [])
    })

    test('the retry of a parked event fails as a whole, and the event keeps the error it was parked with', async () => {
      const broken = { now: true }
      const { producer, consumer } = handMade({
        before: async (_events, { tx }) => {
          if (broken.now) await raise(tx, '22012')
        },
      })
      const parts = applyingOn(archive, consumer)
      await openPositionOf(archive, consumer)
      await applyRun(parts, producer.say(1).batch(1, 1))
      broken.now = false
      const retry = () =>
        archive.transaction('retry', (tx) => retryParked(parts, tx, 1, { by: 7, now: new Date('2030-01-02') }))
      await database.query(take)
      await assert.rejects(retry(), { code })
      await database.query(giveBack)
      const [row] = await database.query('select attempts, error, state from archive.parked where consumer = $1', [
        consumer.name,
      ])
      assert.match(row?.['error'], /22012/)
      assert.deepEqual([row?.['attempts'], row?.['state']], [1, 'parked'])
      assert.equal(await retry(), 'applied')
    })
  })
}
