// Rounds over everything: when the next one begins, where one goes on, and how long comparing rests.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anew, begun, finished, isDue, newProgress, type Progress, restMs } from './rounds.ts'

const noon = new Date('2026-05-01T12:00:00Z')
const later = (ms: number) => new Date(noon.getTime() + ms)
const rest = finished(begun(newProgress(1, noon), noon), 0, noon)
const restWithDifferences = finished(begun(newProgress(1, noon), noon), 2, noon)
const running: Progress = { ...begun(newProgress(1, noon), noon), cursor: 4_000, mark: '77', compared: 3_999 }

describe('a round', () => {
  for (const [what, progress, afterMs, wanted] of [
    ['the first', newProgress(1, noon), 0, true],
    ['under way', running, -1, true],
    ['between rounds', rest, 59_999, false],
    ['a minute after the last one', rest, 60_000, true],
    ['with differences open', restWithDifferences, 4_999, false],
    ['with differences open, seconds after the last one', restWithDifferences, 5_000, true],
    ['that somebody waits for', anew(rest, later(1)), 1, true],
    ['with a clock that was set back a little', rest, -60_000, false],
    ['with a clock that was set back far', rest, -60_001, true],
  ] as const)
    test(`${what} is ${wanted ? '' : 'not '}due`, () => assert.equal(isDue(progress, later(afterMs)), wanted))

  test('begins at the beginning, and goes on where it is', () => {
    const between = { ...rest, cursor: 9, mark: 'x', compared: 9 }
    const wanted = { ...between, cursor: 0, mark: null, compared: 0, startedAt: later(5).toISOString() }
    assert.deepEqual(begun(between, later(5)), wanted)
    assert.equal(begun(running, later(5)), running)
  })

  test('that somebody waits for begins anew, keeps what is known, and is waited for until its end', () => {
    const known = { ...running, upTo: 4_321 }
    const asked = begun(anew(known, later(5)), later(6))
    assert.deepEqual([asked.cursor, asked.compared, asked.awaited, asked.upTo], [0, 0, true, 4_321])
    assert.equal(finished(asked, 0, later(7)).awaited, false)
  })
})

for (const [tookMs, awaited, wanted] of [
  [0, false, 0],
  [100, false, 900],
  [100, true, 100],
] as const)
  test(`after ${tookMs} ms of comparing ${awaited ? 'for somebody ' : ''}it rests for ${wanted} ms`, () =>
    assert.equal(Math.round(restMs(tookMs, awaited)), wanted))
