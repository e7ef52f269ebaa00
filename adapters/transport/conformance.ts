// What callers may rely on whichever way a call is carried. Every transport's tests run this one suite.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Behalf, Caller } from '../../kernel/caller.ts'
import { Fault, type FaultKind, isRefusal, must, type Outcome } from '../../kernel/result.ts'
import { type Aviary, startAviary } from '../../tests/support/aviary.ts'
import { type During, parrots, rottenDetail } from '../../tests/support/parrots.ts'

/** Makes the way to the parrots that is under test. */
export type Carry = (aviary: Aviary) => Promise<{ call: Caller; end: () => Promise<void> }>

const popug = { id: 7, role: 'popug' }
const nothing = { meals: 0, events: 0, keys: 0 }

const as = (more: Partial<Behalf> = {}): Behalf => ({ actor: popug, requestId: 'r-1', timeoutMs: 20_000, ...more })
const codeOf = (outcome: Outcome<unknown>) => (isRefusal(outcome) ? outcome.refused : 'ok')
const isFault =
  (...kinds: readonly FaultKind[]) =>
  (error: unknown) => {
    assert.ok(error instanceof Fault, `not a Fault: ${String(error)}`)
    assert.ok(kinds.includes(error.kind), `${error.kind} is not ${kinds.join(' or ')}: ${error.message}`)
    return true
  }

const sleeping: During = async ({ tx }) => {
  await sql`select pg_sleep(30)`.execute(tx)
}

/** Texts that a careless way through paths, queries and JSON would change. */
const texts = [
  'a b',
  'a+b',
  'a%2Fb',
  '%',
  '&x=1',
  '#',
  '"\'\\',
  '<b>',
  'слова',
  '🦜',
  '0012',
  'true',
  'null',
  '[1]',
  '...',
  '../x',
  '%2e%2e',
  'é',
]

export const transportConformance = (name: string, carry: Carry): void => {
  describe(`a call carried ${name}`, () => {
    let aviary: Aviary
    let call: Caller
    let end: () => Promise<void>
    let during: During
    before(async () => {
      aviary = await startAviary({ during: (context) => during(context) })
      ;({ call, end } = await carry(aviary))
    })
    beforeEach(() => {
      during = () => Promise.resolve()
      return aviary.clear()
    })
    after(async () => {
      await end()
      await aviary[Symbol.asyncDispose]()
    })
    const feed = (food: string, behalf = as()) => call(parrots.feed, { parrotId: 1, food }, behalf)

    test('gives the output, with the defaults of the input and on behalf of its actor', async () => {
      const outcome = await call(parrots.feed, { parrotId: 2, food: ' nuts ' }, as())
      assert.deepEqual(outcome, { ok: { mealId: 1, parrotId: 2, food: 'nuts', grams: 10, by: 7 } })
      const admin = await call(parrots.inspect, {}, as({ actor: { id: 9, role: 'admin' } }))
      assert.deepEqual(admin, { ok: { actorId: 9, role: 'admin' } })
      must(await call(parrots.cleanCage, {}, as({ actor: { id: null, role: 'service' } })))
    })

    test('takes the request id along', async () => {
      const outcome = await call(parrots.hush, { parrotId: 2 }, as({ requestId: 'from-the-caller' }))
      assert.deepEqual(outcome, { ok: { requestId: 'from-the-caller' } })
    })

    test('carries texts and numbers unchanged, in a path, in a query and in a body', async () => {
      for (const food of texts) {
        assert.equal(must(await call(parrots.repeat, { parrotId: 1, word: food }, as())).word, food)
        const outcome = await call(parrots.listMeals, { parrotId: 1, food, atLeast: -3, newest: false }, as())
        assert.deepEqual(must(outcome).asked, { parrotId: 1, food, atLeast: -3, newest: false })
        assert.equal(must(await feed(food)).food, food)
      }
      const absent = must(await call(parrots.listMeals, { parrotId: 1, food: undefined }, as()))
      assert.deepEqual(JSON.parse(JSON.stringify(absent.asked)), { parrotId: 1, atLeast: 0 })
    })

    test('gives each kind of refusal with its detail', async () => {
      assert.deepEqual(await feed('rotten'), { refused: 'rotten', detail: rottenDetail })
      assert.deepEqual(await feed('nothing'), { refused: 'no_such_parrot' })
      assert.deepEqual(await feed('enough'), { refused: 'not_hungry' })
      assert.deepEqual(await feed('stolen'), { refused: 'not_your_parrot' })
      assert.deepEqual(await aviary.traces(), nothing)
    })

    test('is refused for its role', async () => {
      const actors = [
        { actor: { id: null, role: '' }, code: 'unauthenticated' },
        { actor: { id: 3, role: 'accountant' }, code: 'forbidden' },
        { actor: { id: null, role: 'service' }, code: 'forbidden' },
      ]
      for (const { actor, code } of actors) {
        assert.deepEqual(await feed('nuts', as({ actor })), { refused: code })
      }
    })

    test('is told what is wrong with its input', async () => {
      const outcome = await call(parrots.feed, { parrotId: 0, food: '', grams: 1.5 }, as())
      assert.ok(isRefusal(outcome))
      const { fields, ...rest } = outcome.detail as { fields: { path: string; message: string }[] }
      assert.deepEqual([outcome.refused, rest], ['invalid_input', {}])
      const paths = fields.map(({ path }) => path)
      assert.deepEqual(paths, ['parrotId', 'food', 'grams'])
    })

    test('of a method that the service does not have is refused', async () => {
      const unknown = { ...parrots.hush, name: 'Teach' }
      const outcome = await call(unknown, { parrotId: 1 }, as())
      assert.deepEqual(outcome, { refused: 'unknown_method', detail: { method: 'Teach' } })
    })

    test('with a key has its effect once; the key with other input is refused', async () => {
      const behalf = as({ idempotencyKey: 'key~1' })
      const first = await feed('nuts', behalf)
      assert.deepEqual(await feed('nuts', behalf), first)
      assert.deepEqual(await feed('figs', behalf), { refused: 'key_reused' })
      assert.deepEqual(await aviary.traces(), { meals: 1, events: 1, keys: 1 })
    })

    test('with a key that is none is refused', async () => {
      for (const idempotencyKey of ['', 'two words', 'x'.repeat(201)]) {
        const outcome = await feed('nuts', as({ idempotencyKey }))
        assert.equal(codeOf(outcome), 'invalid_input', JSON.stringify(idempotencyKey))
      }
      assert.deepEqual(await aviary.traces(), nothing)
    })

    test('is an internal fault when the handler throws or breaks its contract, and says nothing of the inside', async () => {
      for (const food of ['poison', 'mystery']) {
        await assert.rejects(feed(food, as()), (error: unknown) => {
          isFault('internal')(error)
          assert.doesNotMatch((error as Error).message, /perch|mealId/)
          return true
        })
      }
      assert.deepEqual(await aviary.traces(), nothing)
    })

    test('that is a query ends at its deadline', async () => {
      during = sleeping
      const begun = performance.now()
      await assert.rejects(call(parrots.listMeals, { parrotId: 1 }, as({ timeoutMs: 400 })), isFault('deadline'))
      const tookMs = performance.now() - begun
      assert.ok(tookMs > 380 && tookMs < 10_000, `took ${tookMs} ms`)
    })

    test('that is a command and takes too long has no effect', async () => {
      let inside: Promise<unknown> = Promise.resolve()
      during = (context) => {
        const asleep = sleeping(context)
        inside = asleep.catch(() => undefined)
        return asleep
      }
      // Over a wire nobody can know that the service will keep to the same deadline.
      await assert.rejects(feed('nuts', as({ timeoutMs: 400 })), isFault('deadline', 'outcome_unknown'))
      await inside
      assert.deepEqual(await aviary.traces(), nothing)
    })

    test('whose time is over before it begins reaches no handler', async () => {
      let reached = 0
      during = () => Promise.resolve(void (reached += 1))
      const outcome = feed('nuts', as({ timeoutMs: 0 }))
      await assert.rejects(outcome, isFault('deadline'))
      assert.deepEqual([reached, await aviary.traces()], [0, nothing])
    })

    test('of a service of which nobody knows where it is, is unavailable', async () => {
      const elsewhere = { ...parrots.hush, service: 'cockatoos' }
      await assert.rejects(call(elsewhere, { parrotId: 1 }, as()), isFault('unavailable'))
    })
  })
}
