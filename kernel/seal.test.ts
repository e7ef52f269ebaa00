// Kept answers are read only with the key they were kept under.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '../adapters/random.ts'
import { inputHash, keyHash, seal, unseal } from './seal.ts'

test('an answer comes back with its key, and with no other', () => {
  const answer = { token: 'secret-link', cents: 12, nested: [null, 'ё'] }
  const sealed = seal('key-1', answer, systemRandom)
  assert.deepEqual(unseal('key-1', sealed), answer)
  assert.throws(() => unseal('key-2', sealed))
  assert.ok(!Buffer.from(sealed, 'base64').includes('secret-link'))
  assert.notEqual(seal('key-1', answer, systemRandom), sealed)
})

test('a changed answer is refused', () => {
  const bytes = Buffer.from(seal('key', { a: 1 }, systemRandom), 'base64')
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  assert.throws(() => unseal('key', bytes.toString('base64')))
})

test('hashes tell the same from another, and differ by key', () => {
  assert.equal(inputHash('key', { a: 1 }), inputHash('key', { a: 1 }))
  assert.notEqual(inputHash('key', { a: 1 }), inputHash('key', { a: 2 }))
  assert.notEqual(inputHash('key', { a: 1 }), inputHash('other', { a: 1 }))
  assert.notEqual(keyHash('key'), keyHash('other'))
})
