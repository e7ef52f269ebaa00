// Marks of pages come back as they were given, and one that is not ours is as good as none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { numberInMark, pageMarkOf, pageOf, readPageMark } from './page.ts'

const encoded = (text: string): string => Buffer.from(text).toString('base64url')

test('a mark gives back the sort key, of numbers and of texts in any script', () => {
  for (const key of [[1], [0, -5], ['Жук', 17], ['"', '\\', '🦜', ''], [Number.MAX_SAFE_INTEGER]]) {
    assert.deepEqual(readPageMark(pageMarkOf(...key)), key)
  }
})

test('a mark may stand in an address as it is', () => {
  assert.match(pageMarkOf('???>>>~~~', 'ÿÿÿ', 1), /^[\w-]+$/)
})

test('no mark, and what is not one of ours, is undefined', () => {
  const strange = [
    undefined,
    '',
    'zzz',
    '{',
    '%%%',
    encoded('7'),
    encoded('{"0":1}'),
    encoded('null'),
    encoded('[1'),
    '💥',
  ]
  for (const mark of strange) assert.equal(readPageMark(mark), undefined, String(mark))
})

test('the number in a mark is taken only when it is a whole one that fits', () => {
  const cases: readonly (readonly [string | undefined, number])[] = [
    [pageMarkOf(7, 'a'), 7],
    [pageMarkOf(-7), -7],
    [pageMarkOf(1_000), 1_000],
    [pageMarkOf(1_001), 99],
    [pageMarkOf(-1_001), 99],
    [pageMarkOf(1.5), 99],
    [pageMarkOf('7'), 99],
    [pageMarkOf(2 ** 60), 99],
    [pageMarkOf(), 99],
    [undefined, 99],
    ['nonsense', 99],
  ]
  for (const [mark, number] of cases) assert.equal(numberInMark(mark, 0, 99, 1_000), number, String(mark))
  assert.equal(numberInMark(pageMarkOf('a', 3), 1, 99), 3)
  assert.equal(numberInMark(pageMarkOf(2 ** 53 - 1), 0, 99), 2 ** 53 - 1)
})

test('a page is cut from one row more than it holds, and that row alone says that there is another', () => {
  const cut = (rows: readonly number[], limit: number) => pageOf(rows, limit, (last) => `after ${last}`)
  const cases: readonly (readonly [readonly number[], number, ReturnType<typeof cut>])[] = [
    [[], 2, { page: [], next: null }],
    [[1], 2, { page: [1], next: null }],
    [[1, 2], 2, { page: [1, 2], next: null }],
    [[1, 2, 3], 2, { page: [1, 2], next: 'after 2' }],
  ]
  for (const [rows, limit, expected] of cases) assert.deepEqual(cut(rows, limit), expected)
})
