// Idempotency keys: the same call once, whoever repeats it, however many do so at once, for 24 hours.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import { type Aviary, startAviary } from '../tests/support/aviary.ts'
import { eventually } from '../tests/support/eventually.ts'
import { codeOf, feed, keyed, nothing, one, seeds } from '../tests/support/feeding.ts'
import { parrots } from '../tests/support/parrots.ts'
import { forgetKeys } from './execute.ts'
import type { Clock } from './ports.ts'
import { must, type Outcome } from './result.ts'

describe('an idempotency key', () => {
  test('with the same input gives the first answer and has no second effect and no second event', async () => {
    await using aviary = await startAviary()
    const first = await feed(aviary, seeds, keyed('k1'))
    assert.deepEqual(await feed(aviary, seeds, keyed('k1')), first)
    assert.deepEqual(await aviary.traces(), one)
  })

  test('counts input as the same when only defaults are written out or fields stand in another order', async () => {
    await using aviary = await startAviary()
    const first = await feed(aviary, seeds, keyed('k1'))
    const again = { grams: 10, food: ' seeds ', parrotId: 1 }
    assert.deepEqual(await feed(aviary, again, keyed('k1')), first)
    assert.deepEqual(await aviary.traces(), one)
  })

  test('with other input is refused, and the first effect stays the only one', async () => {
    await using aviary = await startAviary()
    must(await feed(aviary, seeds, keyed('k1')))
    assert.deepEqual(await feed(aviary, { parrotId: 2, food: 'seeds' }, keyed('k1')), { refused: 'key_reused' })
    assert.deepEqual(await aviary.traces(), one)
  })

  test('of a refused call may be used again, with other input too', async () => {
    await using aviary = await startAviary()
    assert.equal(codeOf(await feed(aviary, { parrotId: 1, food: 'enough' }, keyed('k1'))), 'not_hungry')
    assert.equal(codeOf(await feed(aviary, seeds, keyed('k1'))), 'ok')
    assert.deepEqual(await aviary.traces(), one)
  })

  test('of a call that failed may be used again', async () => {
    await using aviary = await startAviary()
    await assert.rejects(feed(aviary, { parrotId: 1, food: 'poison' }, keyed('k1')))
    assert.equal(codeOf(await feed(aviary, seeds, keyed('k1'))), 'ok')
    assert.deepEqual(await aviary.traces(), one)
  })

  test('of one actor does not meet the same key of another, nor of another method', async () => {
    await using aviary = await startAviary()
    must(await feed(aviary, seeds, keyed('k1')))
    must(await feed(aviary, { parrotId: 2, food: 'nuts' }, keyed('k1', { actor: { id: 8, role: 'manager' } })))
    must(await aviary.call(parrots.hush, { parrotId: 3 }, keyed('k1')))
    assert.deepEqual(await aviary.traces(), { meals: 2, events: 2, keys: 3 })
  })

  test('of a query is not kept', async () => {
    await using aviary = await startAviary()
    must(await aviary.call(parrots.listMeals, { parrotId: 1 }, keyed('k1')))
    assert.deepEqual(await aviary.traces(), nothing)
  })

  test('that is not 1 to 200 visible ASCII characters is refused', async () => {
    await using aviary = await startAviary()
    for (const bad of ['', ' ', 'with space', 'ключ', 'é', 'a\u0000b', 'a\nb', 'x'.repeat(201)]) {
      assert.equal(codeOf(await feed(aviary, seeds, keyed(bad))), 'invalid_input', JSON.stringify(bad))
    }
    assert.deepEqual(await aviary.traces(), nothing)
    for (const good of ['!', '~', 'x'.repeat(200)]) assert.equal(codeOf(await feed(aviary, seeds, keyed(good))), 'ok')
  })

  test('is kept for 24 hours and then forgotten', async () => {
    let nowMs = Date.UTC(2026, 2, 14, 12)
    const clock: Clock = { now: () => Promise.resolve(new Date(nowMs)) }
    await using aviary = await startAviary({ clock })
    must(await feed(aviary, seeds, keyed('k1')))
    nowMs += 24 * 60 * 60 * 1_000
    await forgetKeys(aviary.database, clock)
    must(await feed(aviary, seeds, keyed('k1')))
    assert.deepEqual(await aviary.traces(), one)
    nowMs += 1
    await forgetKeys(aviary.database, clock)
    must(await feed(aviary, seeds, keyed('k1')))
    assert.deepEqual(await aviary.traces(), { meals: 2, events: 2, keys: 1 })
  })
})

describe('twenty calls at once with one key', () => {
  const twenty = Array.from({ length: 20 }, (_, index) => index)

  test('have one effect and one event, and all get the first answer', async () => {
    await using aviary = await startAviary({
      during: async ({ tx }) => {
        await sql`select pg_sleep(0.05)`.execute(tx)
      },
    })
    const outcomes = await Promise.all(twenty.map(() => feed(aviary, seeds, keyed('k1'))))
    for (const outcome of outcomes) assert.deepEqual(outcome, outcomes[0])
    assert.equal(codeOf(outcomes[0] as Outcome<unknown>), 'ok')
    assert.deepEqual(await aviary.traces(), one)
  })

  test('and different inputs have one effect; all others are told that the key is used', async () => {
    await using aviary = await startAviary()
    const outcomes = await Promise.all(
      twenty.map((index) => feed(aviary, { parrotId: index + 1, food: 'nuts' }, keyed('k1'))),
    )
    const codes = outcomes.map(codeOf)
    assert.equal(codes.filter((code) => code === 'ok').length, 1)
    assert.equal(codes.filter((code) => code === 'key_reused').length, 19)
    assert.deepEqual(await aviary.traces(), one)
  })

  test('are told to come back when the first takes longer than a lock is waited for', async () => {
    const { promise: answered, resolve: letFirstEnd } = Promise.withResolvers<void>()
    await using aviary = await startAviary({ during: () => answered })
    const { name } = aviary.server
    await aviary.server.query(`alter role ates_parrots in database ${name} set lock_timeout = '100ms'`)
    const first = feed(aviary, seeds, keyed('k1'))
    await eventually('the first has the key', async () => (await holdersOfKeys(aviary)) === 1)
    const others = Promise.all(twenty.slice(1).map(() => feed(aviary, seeds, keyed('k1'))))
    for (const outcome of await others.finally(letFirstEnd))
      assert.deepEqual(outcome, { refused: 'key_in_progress', detail: { retryAfterSeconds: 1 } })
    assert.deepEqual(await feed(aviary, seeds, keyed('k1')), await first)
    assert.deepEqual(await aviary.traces(), one)
  })

  test('of which the first fails in the end: one of the others has the effect', async () => {
    let calls = 0
    await using aviary = await startAviary({
      during: async ({ tx }) => {
        calls += 1
        if (calls === 1) await sql`select pg_sleep(0.05), 1 / 0`.execute(tx)
      },
    })
    const outcomes = await Promise.allSettled(twenty.map(() => feed(aviary, seeds, keyed('k1'))))
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 1)
    const answers = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    for (const answer of answers) assert.deepEqual(answer, answers[0])
    assert.deepEqual([calls, await aviary.traces()], [2, one])
  })
})

/** How many transactions hold a lock on the table of keys. */
const holdersOfKeys = async ({ server }: Aviary) => {
  const rows = await server.query(`
    select distinct pid from pg_locks
    where relation = 'parrots.idempotency'::regclass and mode = 'RowExclusiveLock' and granted`)
  return rows.length
}
