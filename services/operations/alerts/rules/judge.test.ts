// When people are told: not before the hold time, once, again when it stays or grows, and at the end.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AlertName, catalog, clearAfterMs } from './catalog.ts'
import type { Condition } from './conditions.ts'
import { type AlertState, judge, type Judged } from './judge.ts'

const begin = Date.parse('2026-01-01T00:00:00Z')
const repeatMs = 4 * 3_600_000

interface Seen {
  readonly sizes?: Readonly<Record<string, number>>
  readonly unseen?: readonly string[]
}

/** Alerts about `accounting`, by name, with their sizes. */
const conditionsOf = (sizes: Readonly<Record<string, number>>): Condition[] =>
  Object.entries(sizes).map(([name, size]) => ({
    name: name as AlertName,
    about: 'accounting',
    service: 'accounting',
    size,
    details: {},
  }))

/** A watcher with a clock of its own. Gives what people were told, as `second change name`. */
const watcher = () => {
  let known: readonly AlertState[] = []
  let at = begin
  const told: string[] = []
  const look = (stepMs: number, { sizes = {}, unseen = [] }: Seen): Judged => {
    at += stepMs
    const round = {
      at: new Date(at),
      sinceMs: stepMs,
      conditions: conditionsOf(sizes),
      unseen: new Set(unseen),
      repeatMs,
    }
    const judged = judge(known, round)
    known = judged.states.filter(({ clearedAt }) => clearedAt === null)
    told.push(...judged.changes.map(({ change, state }) => `${(at - begin) / 1_000} ${change} ${state.name}`))
    return judged
  }
  return {
    told,
    known: () => known,
    look,
    /** A round each second for so long. */
    watch: (seconds: number, seen: Seen) => {
      for (let second = 0; second < seconds; second += 1) look(1_000, seen)
    },
  }
}

const wrong: Seen = { sizes: { EventsUnnumbered: 0 } }
const well: Seen = {}
const silent: Seen = { unseen: ['accounting'] }
const holdSeconds = catalog.EventsUnnumbered.holdMs / 1_000
const clearSeconds = clearAfterMs / 1_000

describe('an alert', () => {
  test('is raised when its condition has been seen for the hold time, once', () => {
    const { told, watch } = watcher()
    watch(holdSeconds, wrong)
    assert.deepEqual(told, [])
    watch(100, wrong)
    assert.deepEqual(told, [`${holdSeconds + 1} raised EventsUnnumbered`])
  })

  test('is not raised by what ends a moment before the hold time, however often', () => {
    const { told, watch, known } = watcher()
    for (let time = 0; time < 20; time += 1) {
      watch(holdSeconds, wrong)
      watch(1, well)
    }
    assert.deepEqual(told, [])
    assert.deepEqual(known(), [])
  })

  test('without a hold time is raised in the first round', () => {
    const { told, watch } = watcher()
    watch(3, { sizes: { LedgerUnbalanced: 0 } })
    assert.deepEqual(told, ['1 raised LedgerUnbalanced'])
  })

  test('is not raised by an hour in which nobody looked, or for which the clock was set forward', () => {
    const { told, watch, look } = watcher()
    watch(2, wrong)
    look(3_600_000, wrong)
    assert.deepEqual(told, [])
    watch(holdSeconds - 7, wrong)
    assert.deepEqual(told, [])
    watch(2, wrong)
    assert.equal(told.length, 1)
  })

  test('is raised in spite of a clock that is set back', () => {
    const { told, watch, look } = watcher()
    watch(5, wrong)
    look(-3_600_000, wrong)
    watch(holdSeconds, wrong)
    assert.equal(told.length, 1)
  })

  test('is cleared when its condition has been away for the time to clear, once', () => {
    const { told, watch, known } = watcher()
    watch(holdSeconds + 1, wrong)
    watch(clearSeconds - 1, well)
    assert.equal(told.length, 1)
    watch(100, well)
    assert.deepEqual(told.slice(1), [`${holdSeconds + 1 + clearSeconds} cleared EventsUnnumbered`])
    assert.deepEqual(known(), [])
  })

  test('that flickers is told once', () => {
    const { told, watch } = watcher()
    watch(holdSeconds + 1, wrong)
    for (let time = 0; time < 20; time += 1) {
      watch(clearSeconds - 1, well)
      watch(1, wrong)
    }
    assert.equal(told.length, 1)
  })

  test('is said again when it stays for the time to repeat', () => {
    const { told, watch } = watcher()
    watch(holdSeconds + 1 + (2 * repeatMs) / 1_000, wrong)
    const raised = holdSeconds + 1
    assert.deepEqual(told, [
      `${raised} raised EventsUnnumbered`,
      `${raised + repeatMs / 1_000} repeated EventsUnnumbered`,
      `${raised + (2 * repeatMs) / 1_000} repeated EventsUnnumbered`,
    ])
  })

  test('that grows is said again, after five minutes at the earliest', () => {
    const { told, watch } = watcher()
    const raised = catalog.EventsParked.holdMs / 1_000 + 1
    watch(raised, { sizes: { EventsParked: 3 } })
    watch(299, { sizes: { EventsParked: 4 } })
    assert.equal(told.length, 1)
    watch(600, { sizes: { EventsParked: 4 } })
    assert.deepEqual(told, [`${raised} raised EventsParked`, `${raised + 300} repeated EventsParked`])
  })

  test('that shrank and grew is said again, too; one that only shrinks is not', () => {
    const { told, watch } = watcher()
    watch(100, { sizes: { EventsParked: 9 } })
    watch(600, { sizes: { EventsParked: 2 } })
    assert.equal(told.length, 1)
    watch(1, { sizes: { EventsParked: 5 } })
    assert.equal(told.length, 2)
  })
})

describe('what is not seen', () => {
  test('neither clears an alert nor makes one', () => {
    const { told, watch } = watcher()
    watch(holdSeconds, wrong)
    watch(1_000, silent)
    assert.deepEqual(told, [])
    watch(1, wrong)
    assert.equal(told.length, 1)
    watch(1_000, silent)
    assert.equal(told.length, 1)
    watch(clearSeconds, well)
    assert.equal(told.length, 2)
  })

  test('was something of a service that is not there any more: it is cleared', () => {
    const { told, watch } = watcher()
    watch(holdSeconds + 1, wrong)
    watch(clearSeconds, { unseen: ['identity'] })
    assert.match(told[1] ?? '', /cleared/)
  })
})

test('what passed before it was an alert is named, to be forgotten', () => {
  const { look } = watcher()
  look(1_000, wrong)
  assert.deepEqual(
    look(1_000, well).passed.map(({ name }) => name),
    ['EventsUnnumbered'],
  )
})
