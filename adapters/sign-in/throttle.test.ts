// Attempts to sign in are counted by account and address together, by address, and by account.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import type { Throttle } from '../../kernel/ports.ts'
import { freshDatabase, type TestDatabase } from '../../tests/support/server.ts'
import { signInThrottle, throttleTables } from './throttle.ts'

const minuteMs = 60_000

let database: TestDatabase
let throttle: Throttle

before(async () => {
  database = await freshDatabase(['identity'])
  const { kysely } = database.open('identity')
  for (const statement of throttleTables('identity')) await sql.raw(statement).execute(kysely)
  throttle = signInThrottle(kysely, 'identity')
})
after(() => database[Symbol.asyncDispose]())

/** How many of these attempts may be made, and how long the first one that may not has to wait. */
const allowed = async (attempts: readonly (readonly [email: string, address: string])[]) => {
  for (const [index, [email, address]] of attempts.entries()) {
    const waitMs = await throttle.enter(email, address)
    if (waitMs > 0) return { count: index, waitMs }
  }
  return { count: attempts.length, waitMs: 0 }
}
const times = (count: number, attempt: (index: number) => readonly [string, string]) =>
  Array.from({ length: count }, (_, index) => attempt(index))

test('one account from one address: five in a quarter of an hour', async () => {
  const { count, waitMs } = await allowed(times(7, () => ['one@example.com', '203.0.113.1']))
  assert.equal(count, 5)
  assert.ok(waitMs > minuteMs && waitMs <= 15 * minuteMs, String(waitMs))
})

test('many accounts from one address: fifty in a quarter of an hour', async () => {
  const { count, waitMs } = await allowed(times(60, (index) => [`many-${index}@example.com`, '203.0.113.2']))
  assert.equal(count, 50)
  assert.ok(waitMs > minuteMs && waitMs <= 15 * minuteMs, String(waitMs))
  assert.equal(await throttle.enter('many-99@example.com', '203.0.113.3'), 0)
})

test('one account from anywhere: a hundred in an hour, and no other account has to wait', async () => {
  const { count, waitMs } = await allowed(times(110, (index) => ['wanted@example.com', `198.51.100.${index}`]))
  assert.equal(count, 100)
  assert.ok(waitMs > 15 * minuteMs && waitMs <= 60 * minuteMs, String(waitMs))
  assert.equal(await throttle.enter('other@example.com', '198.51.100.1'), 0)
})

test('addresses of people are not kept in plain', async () => {
  await throttle.enter('private@example.com', '203.0.113.4')
  const rows = await database.query<{ key: string }>('select key from identity.sign_in_throttle')
  assert.ok(rows.length > 0)
  assert.ok(!rows.some(({ key }) => key.includes('@') || key.includes('private')))
})
