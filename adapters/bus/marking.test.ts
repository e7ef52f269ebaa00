// Marks: only who has the key can make one, and only for the message that it is of.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newTokenKey } from '../transport/token.ts'
import { marksBy } from './marking.ts'

test('a mark is of one message and of one key', async () => {
  const [key, other] = [await newTokenKey(), await newTokenKey()]
  const [ours, theirs] = [marksBy(key), marksBy(other)]
  const mark = ours.of('a message')
  assert.ok(marksBy(key).isOurs('a message', mark))
  for (const [message, given] of [
    ['another message', mark],
    ['a message', theirs.of('a message')],
    ['a message', mark.slice(0, -2)],
    ['a message', `${mark}AA`],
    ['a message', ''],
    ['', ''],
  ] as const)
    assert.ok(!ours.isOurs(message, given), `${message}: ${given}`)
})

test('a public key makes no marks', async () => {
  const { d: _d, ...open } = await newTokenKey()
  assert.throws(() => marksBy(open), /not a private one/)
})
