// Whether counts could have come from a uniform draw, by Pearson's chi-square test.
import assert from 'node:assert/strict'

/** Pearson's statistic of counts against the same expectation for each. */
export const chiSquare = (counts: readonly number[]): number => {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

/** Standard normal quantile of one in a million. */
const rare = 4.753

/** What the statistic exceeds once in a million uniform draws (Wilson and Hilferty's approximation). */
export const limitOf = (degrees: number): number => {
  const spread = 2 / (9 * degrees)
  return degrees * (1 - spread + rare * Math.sqrt(spread)) ** 3
}

/** How often each of `from..to` was drawn; throws for anything else. */
export const countWithin = (drawn: Iterable<number>, from: number, to: number): number[] => {
  const counts = Array.from({ length: to - from + 1 }, () => 0)
  for (const value of drawn) {
    const place = value - from
    assert.ok(Number.isInteger(value) && place >= 0 && place < counts.length, `${value} is not within ${from}..${to}`)
    counts[place] = (counts[place] ?? 0) + 1
  }
  return counts
}

/** Throws when the counts would come from a uniform draw less than once in a million times. */
export const assertUniform = (counts: readonly number[], what: string): void => {
  const total = counts.reduce((sum, count) => sum + count, 0)
  assert.ok(total >= 5 * counts.length, `${what}: ${total} draws say nothing about ${counts.length} values`)
  const [statistic, limit] = [chiSquare(counts), limitOf(counts.length - 1)]
  assert.ok(statistic <= limit, `${what}: chi-square ${statistic.toFixed(1)} exceeds ${limit.toFixed(1)}`)
}
