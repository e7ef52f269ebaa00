// The broker is disposable: while it refuses everything, events get their numbers and reach consumers through the log.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localBus } from '../adapters/bus/local.ts'
import { eventually } from '../tests/support/eventually.ts'
import { auditLog } from '../tests/support/fixture-log.ts'
import { fixtureDatabase, keptBy, startFixture, upTo, write } from '../tests/support/fixture-system.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { onPublish } from '../tests/support/wrapped.ts'
import { Fault } from './result.ts'

const publishedIn = async (database: TestDatabase): Promise<number> => {
  const [row] = await database.query<{ published: number }>('select published::int from author.stream')
  return row?.published ?? -1
}

test('what is committed while the bus refuses every publish is applied within seconds, and said when it is back', async () => {
  let away = true
  let refused = 0
  const bus = onPublish(localBus(), (_batch, publish) => {
    if (!away) return publish()
    refused += 1
    return Promise.reject(new Fault('unavailable', 'no broker'))
  })
  await using database = await fixtureDatabase()
  await using host = await startFixture(database, { bus })
  for (const turn of upTo(4)) {
    // Each comes when the relay has already failed with what came before.
    const before = refused
    await write(host, 1, `${turn} a`, `${turn} b`)
    await eventually('another refusal', () => refused > before)
  }
  await eventually('all are kept', async () => (await keptBy(database)).length === 8)
  assert.deepEqual(await keptBy(database), upTo(8))
  assert.equal((await auditLog(database)).length, 8)
  assert.equal(await publishedIn(database), 0)
  assert.match((await host.health()).troubles['relay author'] ?? '', /no broker/)

  away = false
  await eventually('all is said', async () => (await publishedIn(database)) === 8)
  await host.settle()
  assert.deepEqual(await keptBy(database), upTo(8))
})
