// Who is called late, and who is not: a slow transaction and a restart make nobody late, and a watcher that was frozen,
// or followed by another one, does not count the time in which nobody watched.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { State } from '../observation.ts'
import { type Answer, type Memory, newMemory, remember } from './memory.ts'
import { judgeUndelivered, observe } from './observe.ts'

const at = new Date('2026-05-01T12:00:00Z')
const nothing = { open: 0, oldestMs: 0, lastRoundAt: null, idleMs: 0, ledgerUnbalanced: false }

const stateOf = (service: string, head: number, positions: State['positions'] = []): State => ({
  service,
  instance: crypto.randomUUID(),
  startedAt: at.toISOString(),
  now: at.toISOString(),
  stream: {
    epoch: 1,
    head,
    headEventId: null,
    published: head,
    unnumbered: 0,
    oldestUnnumberedMs: 0,
    oldestUnpublishedMs: 0,
    oldestSnapshotMs: 0,
  },
  positions,
  parkedGroups: [],
  jobs: [],
  undelivered: [],
  troubles: {},
  breakers: {},
})

const reader = (number: number): State['positions'][number] => ({
  consumer: 'ledger',
  stream: 'tasks',
  number,
  state: 'running',
  reason: null,
  eventId: null,
  epoch: 1,
  movedAt: null,
  parked: 0,
})

const answer = (state: State): Answer => ({ name: state.service, state, failure: null })
const both = (head: number, position: number): Answer[] => [
  answer(stateOf('tasks', head)),
  answer(stateOf('books', 0, [reader(position)])),
]

/** What is open after these looks, each so many milliseconds after the beginning. */
const watched = (...looks: readonly (readonly [number, readonly Answer[]])[]) => {
  const memory = looks.reduce<Memory>((before, [nowMs, answers]) => remember(before, answers, nowMs), newMemory(0))
  const nowMs = looks.at(-1)?.[0] ?? 0
  const { observation } = observe(memory, { at, undelivered: [], differences: nothing }, nowMs)
  return { open: observation.undelivered, lag: observation.lags[0], memory }
}

describe('nobody is called late', () => {
  test('by a head that was seen a moment ago, however far it is', () => {
    assert.deepEqual(watched([0, both(10, 10)], [1_000, both(90_000, 10)]).open, [])
  })

  test('by a slow transaction that ends, after which everything is applied at once', () => {
    const { open, lag } = watched(
      [0, both(10, 10)],
      [1_000, both(20, 10)],
      [2_500, both(500, 10)],
      [3_500, both(500, 20)],
    )
    assert.deepEqual([open, lag?.movedMs], [[], 0])
  })

  test('while it moves, however far it is behind', () => {
    const looks = Array.from({ length: 20 }, (_, second) => [second * 1_000, both(100_000, second * 10)] as const)
    assert.deepEqual(watched(...looks).open, [])
  })

  test('by the time in which nobody watched: a frozen watcher, or a restart of everything', () => {
    const { open, lag } = watched([0, both(10, 5)], [3_600_000, both(10, 5)])
    assert.deepEqual([open, lag?.behindMs], [[], 0])
  })

  test('by the time in which its service was away', () => {
    const away: Answer = { name: 'books', state: null, failure: 'ECONNREFUSED' }
    const [tasks, books] = both(10, 5)
    assert.ok(tasks && books)
    const gone = [1_000, 2_000, 3_000, 4_000].map((nowMs) => [nowMs, [tasks, away]] as const)
    assert.deepEqual(watched([0, [tasks, books]], ...gone, [5_000, [tasks, books]]).open, [])
  })
})

test('who stands still before a head that was seen is called late, and healed when it has arrived', () => {
  const looks = [0, 1_000, 2_000, 3_000].map((nowMs) => [nowMs, both(10, 5)] as const)
  const { open, memory } = watched(...looks)
  assert.deepEqual(
    open.map(({ consumer, after, head }) => [consumer, after, head]),
    [['ledger', 5, 10]],
  )
  const row = {
    id: 7,
    service: 'books',
    consumer: 'ledger',
    stream: 'tasks',
    after: 5,
    head: 10,
    reason: 'late',
    since: at,
  }
  const later = remember(memory, both(12, 10), 4_000)
  const { observation, judged } = observe(later, { at, undelivered: [row], differences: nothing }, 4_000)
  assert.deepEqual([judged.healed, observation.undelivered], [[7], []])
  assert.deepEqual(judgeUndelivered(observation.services, observation.lags, [], at).found, [])
})
