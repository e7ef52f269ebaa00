// The test of uniformity lets uniform draws pass and catches the usual mistakes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, seedOf } from './random.ts'
import { assertUniform, countWithin, limitOf } from './uniform.ts'

const random = seededRandom(seedOf('uniformity'))
const drawn = (count: number, draw: () => number) => Array.from({ length: count }, draw)

test('the limit is that of the chi-square distribution', () => {
  // Its quantiles of 1 - 1e-6, by integrating it; the approximation is worst, and too patient, for few degrees.
  for (const [degrees, quantile] of [
    [6, 38.26],
    [10, 46.86],
    [48, 109.66],
    [100, 182.13],
    [1000, 1227.15],
  ] as const) {
    const ratio = limitOf(degrees) / quantile
    assert.ok(ratio > 1 && ratio < 1.04, `${degrees} degrees: ${limitOf(degrees)}`)
  }
})

test('uniform draws pass', () => {
  for (const cells of [2, 7, 1001]) {
    assertUniform(
      countWithin(
        drawn(cells * 50, () => random.integer(1, cells)),
        1,
        cells,
      ),
      `${cells} values`,
    )
  }
})

test('biased draws, unreachable ends and rounding do not pass', () => {
  const biased: readonly (readonly [string, () => number])[] = [
    ['the last is never drawn', () => random.integer(1, 9)],
    ['the first is never drawn', () => random.integer(2, 10)],
    ['rounding halves the ends', () => Math.round(random.integer(0, 9_000) / 1_000) + 1],
    ['one is favoured by a fifth', () => (random.integer(1, 50) === 1 ? 3 : random.integer(1, 10))],
    ['remainders favour the first', () => (random.integer(0, 14) % 10) + 1],
  ]
  for (const [what, draw] of biased) {
    assert.throws(() => assertUniform(countWithin(drawn(20_000, draw), 1, 10), what), /exceeds/, what)
  }
})

test('too few draws and foreign values are no proof', () => {
  assert.throws(() => assertUniform([1, 1, 1], 'three draws'), /say nothing/)
  assert.throws(() => countWithin([11], 1, 10), /not within/)
  assert.throws(() => countWithin([1.5], 1, 10), /not within/)
})
