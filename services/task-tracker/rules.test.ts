// Rules about tasks: tables of cases, and the draw as a distribution.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, seedOf } from '../../tests/support/random.ts'
import { assertUniform, countWithin } from '../../tests/support/uniform.ts'
import { chooseAssignee, complete, drawAssignees, mayBeAssigned, type Task } from './rules.ts'

test('everybody may be assigned but managers, admins and who is disabled', () => {
  const cases = [
    { role: 'popug', active: true, may: true },
    { role: 'accountant', active: true, may: true },
    { role: 'manager', active: true, may: false },
    { role: 'admin', active: true, may: false },
    { role: 'popug', active: false, may: false },
    { role: 'accountant', active: false, may: false },
    { role: 'manager', active: false, may: false },
    { role: 'admin', active: false, may: false },
  ]
  for (const { may, ...popug } of cases) assert.equal(mayBeAssigned(popug), may, JSON.stringify(popug))
})

const second = (from: number) => from + 1

test('managers and admins name the assignee, everybody else leaves it to the draw', () => {
  const [drawn, named] = [{ ok: 20 }, { ok: 30 }]
  const [mayNot, nobody] = [{ refused: 'may_not_choose' }, { refused: 'nobody_assignable' }]
  const not = (popugId: number) => ({ refused: 'popug_not_assignable', detail: { popugId } })
  const all = [10, 20, 30]
  const cases = [
    { role: 'popug', candidates: all, gets: drawn },
    { role: 'accountant', candidates: all, gets: drawn },
    { role: 'manager', candidates: all, gets: drawn },
    { role: 'admin', candidates: all, gets: drawn },
    { role: 'manager', wanted: 30, candidates: all, gets: named },
    { role: 'admin', wanted: 30, candidates: all, gets: named },
    { role: 'popug', wanted: 30, candidates: all, gets: mayNot },
    { role: 'accountant', wanted: 30, candidates: all, gets: mayNot },
    { role: 'popug', wanted: 99, candidates: [], gets: mayNot },
    { role: 'manager', wanted: 99, candidates: all, gets: not(99) },
    { role: 'admin', wanted: 10, candidates: [], gets: not(10) },
    { role: 'manager', candidates: [], gets: nobody },
    { role: 'popug', candidates: [], gets: nobody },
  ]
  for (const { role, wanted, candidates, gets } of cases) {
    assert.deepEqual(
      chooseAssignee(wanted, role, candidates, second),
      gets,
      JSON.stringify({ role, wanted, candidates }),
    )
  }
})

test('a draw is asked for once per task, among all candidates', () => {
  const asked: [number, number][] = []
  const draw = (from: number, to: number) => {
    asked.push([from, to])
    return asked.length % 3
  }
  assert.deepEqual(drawAssignees(4, [7, 8, 9], draw), [8, 9, 7, 8])
  assert.deepEqual(
    asked,
    Array.from({ length: 4 }, () => [0, 2]),
  )
  assert.deepEqual(drawAssignees(0, [7], draw), [])
  assert.deepEqual(
    drawAssignees(2, [7], () => 0),
    [7, 7],
  )
})

test('the draw is uniform over all who may be assigned, the present assignee included', () => {
  const random = seededRandom(seedOf('the draw of assignees'))
  const candidates = [3, 5, 8, 13, 21, 34, 55]
  const place = new Map(candidates.map((popugId, index) => [popugId, index]))
  const drawn = drawAssignees(40_001, candidates, random.integer).map((popugId) => place.get(popugId) ?? -1)
  assertUniform(countWithin(drawn, 0, 6), 'assignees')
  // Whoever holds the task now: the next one is as likely to be the same as anybody else.
  const pairs = drawn.slice(1).map((next, index) => (drawn[index] ?? 0) * 7 + next)
  assertUniform(countWithin(pairs, 0, 48), 'assignees after assignees')
})

const now = new Date('2026-05-01T12:00:00Z')
const open: Task = {
  taskId: 1,
  description: 'Feed the parrot',
  state: 'open',
  assigneeId: 5,
  assigneeName: 'Polly',
  assigneeActive: true,
  assigneeAssignable: true,
  assignment: 2,
  createdBy: 1,
  createdAt: new Date('2026-04-01T12:00:00Z'),
  assignedAt: new Date('2026-04-02T12:00:00Z'),
  completedAt: null,
}
const before = new Date('2026-04-30T12:00:00Z')
const completed: Task = { ...open, state: 'completed', completedAt: before }

test('only the assignee completes a task, once; anybody else learns who has it', () => {
  const holder = { refused: 'not_assignee', detail: { taskId: 1, assigneeId: 5, assigneeName: 'Polly' } }
  const done = { ok: { task: { ...open, state: 'completed', completedAt: now }, already: false } }
  const cases = [
    { what: 'the assignee', task: open, popugId: 5, gives: done },
    {
      what: 'a disabled assignee',
      task: { ...open, assigneeActive: false },
      popugId: 5,
      gives: { ok: { task: { ...done.ok.task, assigneeActive: false }, already: false } },
    },
    { what: 'the assignee, again', task: completed, popugId: 5, gives: { ok: { task: completed, already: true } } },
    { what: 'somebody else', task: open, popugId: 6, gives: holder },
    { what: 'who created it', task: open, popugId: 1, gives: holder },
    { what: 'somebody else, after its completion', task: completed, popugId: 6, gives: holder },
    { what: 'nobody', task: open, popugId: null, gives: holder },
    { what: 'no such task', task: undefined, popugId: 5, gives: { refused: 'task_not_found' } },
  ]
  for (const { what, task, popugId, gives } of cases) assert.deepEqual(complete(task, popugId, now), gives, what)
})
