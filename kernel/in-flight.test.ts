// A call that repeats one still in flight is told soon to come again, long before who asks gives up.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { startAviary } from '../tests/support/aviary.ts'
import { parrots } from '../tests/support/parrots.ts'

const behalf = { actor: { id: 7, role: 'popug' }, requestId: 'r', idempotencyKey: 'k1' }
const seeds = { parrotId: 1, food: 'seeds' }

test('a duplicate gets key_in_progress after a second, and the first answer when there is one', async () => {
  const begun = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  await using aviary = await startAviary({
    during: async ({ tx }) => {
      // The first is busy, not frozen.
      await sql`set local idle_in_transaction_session_timeout = 0`.execute(tx)
      begun.resolve()
      await end.promise
    },
  })
  const first = aviary.call(parrots.feed, seeds, { ...behalf, timeoutMs: 20_000 })
  await begun.promise
  const asked = performance.now()
  const second = await aviary.call(parrots.feed, seeds, { ...behalf, timeoutMs: 4_000 }).finally(end.resolve)
  const waitedMs = performance.now() - asked
  assert.deepEqual(second, { refused: 'key_in_progress', detail: { retryAfterSeconds: 1 } })
  assert.ok(waitedMs < 2_500, `after ${Math.round(waitedMs)} ms`)
  const answer = await first
  assert.deepEqual(await aviary.call(parrots.feed, seeds, { ...behalf, timeoutMs: 4_000 }), answer)
  assert.deepEqual(await aviary.traces(), { meals: 1, events: 1, keys: 1 })
})

test('the handler of the first to come waits for locks as long as any other', async () => {
  const waits: string[] = []
  await using aviary = await startAviary({
    during: async ({ tx }) => {
      const { rows } = await sql<{ wait: string }>`select current_setting('lock_timeout') as wait`.execute(tx)
      waits.push(...rows.map(({ wait }) => wait))
    },
  })
  await aviary.call(parrots.feed, seeds, behalf)
  await aviary.call(parrots.feed, seeds, { ...behalf, idempotencyKey: 'k2' })
  assert.deepEqual(waits, ['5s', '5s'])
})
