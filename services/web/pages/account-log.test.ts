// An account's log by day, with what is still on its way.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { byDay, onTheWay, type Line } from './account-log.ts'

const line = (
  kind: 'fee' | 'reward',
  taskId: number,
  at: string,
  assignment: number | null = kind === 'fee' ? 1 : null,
): Line => ({
  kind,
  taskId,
  assignment,
  amountCents: kind === 'fee' ? -1_000 : 2_000,
  balanceCents: 0,
  at,
  day: at.slice(0, 10),
  cause: { stream: 'task-tracker', epoch: 1, number: 1, eventId: '00000000-0000-4000-8000-000000000000' },
})

const task = (taskId: number, assignedAt: string, completedAt: string | null = null, assignment = 1) => ({
  taskId,
  description: `task ${taskId}`,
  state: completedAt ? ('completed' as const) : ('open' as const),
  assigneeId: 1,
  assigneeName: 'Anna',
  assigneeActive: true,
  assignment,
  createdBy: 1,
  createdAt: assignedAt,
  assignedAt,
  completedAt,
})

const [nine, ten, eleven] = ['2026-03-14T09:00:00Z', '2026-03-14T10:00:00Z', '2026-03-14T11:00:00Z']

test('lines stand under their days, newest first as they came', () => {
  const days = byDay([line('fee', 3, ten), line('reward', 2, nine), line('fee', 2, '2026-03-13T09:00:00Z')])
  assert.deepEqual(
    days.map(({ day, lines }) => [day, lines.map(({ taskId }) => taskId)]),
    [
      ['2026-03-14', [3, 2]],
      ['2026-03-13', [2]],
    ],
  )
})

describe('on the way is', () => {
  const found = (...parameters: Parameters<typeof onTheWay>) =>
    onTheWay(...parameters).map(({ kind, taskId }) => `${kind} ${taskId}`)

  test('nothing when the log holds all', () => {
    assert.deepEqual(found([task(1, nine, ten)], [line('reward', 1, ten), line('fee', 1, nine)], false), [])
  })

  test('a fee and a reward that the ledger does not have yet', () => {
    assert.deepEqual(found([task(2, eleven), task(1, nine, ten)], [line('fee', 1, nine)], false), ['fee 2', 'reward 1'])
  })

  test('the fee of a new assignment of a task that was here before', () => {
    assert.deepEqual(found([task(1, ten, null, 3)], [line('fee', 1, nine, 1)], false), ['fee 1'])
  })

  test('everything, when the log is still empty', () => {
    assert.deepEqual(found([task(1, nine)], [], false), ['fee 1'])
  })

  test('not what is older than the page, because it stands on a further one', () => {
    assert.deepEqual(found([task(2, ten), task(1, nine)], [line('fee', 2, ten)], true), [])
  })
})
