// Preparing databases of one server at the same time.
import { test } from 'node:test'
import pg from 'pg'
import { adminOf } from '../../tests/support/server.ts'
import { prepareDatabase, roleOf } from './prepare.ts'

const inDatabase = async (database: string, statements: readonly string[]) => {
  const client = new pg.Client((await adminOf())(database))
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

test('several databases of one server are prepared at once, with roles that none of them had before', async () => {
  const tag = crypto.randomUUID().slice(0, 8)
  const schemas = Array.from({ length: 6 }, (_, index) => `race_${tag}_${index}`)
  const databases = Array.from({ length: 4 }, (_, index) => `ates_race_${tag}_${index}`)
  const admin = await adminOf()
  for (const name of databases) await inDatabase('postgres', [`create database ${name}`])
  try {
    await Promise.all(databases.map((name) => prepareDatabase(admin(name), schemas)))
  } finally {
    for (const name of databases) await inDatabase('postgres', [`drop database ${name} with (force)`])
    await inDatabase(
      'postgres',
      schemas.map((schema) => `drop role if exists ${roleOf(schema)}`),
    )
  }
})
