// The expected noes are values; only who holds one for impossible turns it into a fault.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, isRefusal, must, ok, type Outcome, refuse } from './result.ts'

test('a yes carries its value, whatever it is', () => {
  for (const value of [0, '', null, undefined, false, { refused: 'not really' }]) {
    const outcome: Outcome<unknown> = ok(value)
    assert.equal(isRefusal(outcome), false)
    assert.equal(must(outcome), value)
  }
})

test('a no carries its code, and a detail only where there is one', () => {
  assert.deepEqual(refuse('page_torn'), { refused: 'page_torn' })
  assert.deepEqual(refuse('page_torn', { page: 7 }), { refused: 'page_torn', detail: { page: 7 } })
  assert.equal(isRefusal(refuse('page_torn')), true)
})

test('a no where there must be a yes is an internal fault that names it', () => {
  const refusal: Outcome<string> = refuse('page_torn', { page: 7 })
  assert.throws(
    () => must(refusal),
    (error: unknown) => {
      assert.ok(error instanceof Fault)
      assert.deepEqual([error.kind, error.name, error.cause], ['internal', 'Fault', refusal])
      assert.match(error.message, /page_torn/)
      return true
    },
  )
})
