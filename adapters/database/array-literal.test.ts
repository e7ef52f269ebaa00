// Whatever a set holds arrives as it was sent.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { seedOf } from '../../tests/support/random.ts'
import { freshDatabase, type TestDatabase } from '../../tests/support/server.ts'
import { arrayLiteral } from './array-literal.ts'

let database: TestDatabase

before(async () => {
  database = await freshDatabase(['parrots'])
})
after(() => database[Symbol.asyncDispose]())

const arrived = async (values: readonly unknown[], type: string): Promise<unknown> => {
  const literal = arrayLiteral(values)
  assert.equal(typeof literal, 'string')
  const [row] = await database.query<{ sent: unknown }>(`select to_jsonb($1::${type}[]) as sent`, [literal])
  return row?.sent
}

/** What arrays, texts and their quotes are written with, among all other characters that a text may have. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...Array.from('{},"\\ \n\t\'nulNUL;:.-+_é😀')), maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((any) => any.replaceAll('\0', '')),
  fc.constantFrom('null', 'NULL', 'Null', '', ' ', 'popug:1', '{}', '1e3'),
)

test('texts', async () => {
  const seed = seedOf('arrays of texts')
  const sets = fc.array(fc.option(text), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(sets, async (values) => assert.deepEqual(await arrived(values, 'text'), values)),
    { seed, numRuns: 100 },
  )
})

test('numbers, truths and nothing', async () => {
  assert.deepEqual(await arrived([0, -1, 2 ** 53 - 1, null, undefined], 'bigint'), [0, -1, 2 ** 53 - 1, null, null])
  assert.deepEqual(await arrived([12n, -(2n ** 62n)].map(String), 'numeric'), [12, -(2 ** 62)])
  assert.deepEqual(await arrived([2n ** 40n], 'bigint'), [2 ** 40])
  assert.deepEqual(await arrived([0.1, -1e-9, 1e21], 'float8'), [0.1, -1e-9, 1e21])
  assert.deepEqual(await arrived([true, false, null], 'boolean'), [true, false, null])
  assert.deepEqual(await arrived([], 'int'), [])
})

test('moments to the millisecond', async () => {
  const moments = ['0001-01-01T00:00:00.001Z', '1999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z']
  const sent = (await arrived(
    moments.map((one) => new Date(one)),
    'timestamptz',
  )) as string[]
  assert.deepEqual(
    sent.map((one) => new Date(one).toISOString()),
    moments,
  )
})

test('what it does not write is left to the driver', () => {
  for (const one of [['a'], Buffer.from('a'), { a: 1 }, new Date('+012345-01-01T00:00:00Z')]) {
    const values = [1, one]
    assert.equal(arrayLiteral(values), values)
  }
})
