// Where processes do not bring schemas up to date, the tool for it does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApplication } from '../../application.ts'
import { readConfig } from '../../config.ts'
import { databaseSettings, sharedSettings } from '../support/application.ts'
import { freshDatabase } from '../support/server.ts'
import { silent } from '../support/silent.ts'
import { schemas } from '../support/system.ts'

test('ATES_MIGRATE=false keeps processes from it, and not who asks for it', async () => {
  await using database = await freshDatabase(schemas, { empty: true })
  const settings = { ...databaseSettings(database), ...(await sharedSettings()), ATES_MIGRATE: 'false' }
  const migrated = async () =>
    (
      await database.query<{ schema: string }>(
        `select schemaname as schema from pg_tables where tablename = 'outbox' order by 1`,
      )
    ).map(({ schema }) => schema)
  const tool = async (migrate: boolean) => {
    await using _ = await startApplication({ config: readConfig([], settings), log: silent, serve: false, migrate })
  }
  await tool(false)
  const config = { ...readConfig([], settings), port: 0 }
  await assert.rejects(startApplication({ config, log: silent }), /lacks 0001-events.*npm run ates -- migrate/)
  assert.deepEqual(await migrated(), [])
  await tool(true)
  assert.deepEqual(await migrated(), schemas.toSorted())
  await using serving = await startApplication({ config, log: silent })
  assert.equal((await serving.host.health()).ready, true)
})
