// An account's log by day.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byDay, type Line } from './account-log.ts'

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

const [nine, ten] = ['2026-03-14T09:00:00Z', '2026-03-14T10:00:00Z']

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
