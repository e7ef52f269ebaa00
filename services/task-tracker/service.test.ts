// The task tracker through its contract: creating and completing tasks.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { refusalOf } from '../../tests/support/refusals.ts'
import { addPeople, as, startSystem, type System } from '../../tests/support/system.ts'
import { taskTracker } from './contract.ts'
import { addCast, type Cast, idOf, tasksOf } from './tasks.test-support.ts'

let system: System
let cast: Cast
const { create, complete, change } = tasksOf(() => system)

before(async () => {
  system = await startSystem()
  cast = await addCast(system)
})
after(async () => {
  await using _ended = system
  await checkInvariants(system)
})

/** How much there is of everything that a command writes. */
const written = async ({ database, host }: System) => {
  await host.settle()
  const [found] = await database.query<{ tasks: number; texts: number; events: number }>(`
    select (select count(*)::int from task_tracker.task) as tasks, (select count(*)::int from task_tracker.task_text) as texts,
      (select count(*)::int from task_tracker.event) as events`)
  return found
}

test('everybody creates tasks, which are drawn; only managers and admins name the assignee', async () => {
  const { manager, admin, accountant, popugs } = cast
  const wanted = idOf(popugs[0])
  for (const actor of [manager, admin, accountant, ...popugs]) {
    const drawn = must(await create('Drawn', as(actor)))
    assert.ok([accountant, ...popugs].some(({ id }) => id === drawn.assigneeId))
    assert.equal(drawn.createdBy, actor.id)
    const names = actor === manager || actor === admin
    assert.equal(await refusalOf(create('Named', as(actor), wanted)), names ? 'ok' : 'may_not_choose')
  }
  const named = must(await create('Named', as(manager), wanted))
  const { taskId: _taskId, createdAt, assignedAt, ...rest } = named
  assert.equal(createdAt, assignedAt)
  assert.deepEqual(rest, {
    description: 'Named',
    state: 'open',
    assigneeId: wanted,
    assigneeName: 'popug 4',
    assigneeActive: true,
    assigneeAssignable: true,
    assignment: 1,
    createdBy: manager.id,
    completedAt: null,
  })
})

test('whoever may not be assigned is refused, and nothing is created', async () => {
  const disabled = (await addPeople(system, ['popug']))[0]
  await change(idOf(disabled), { active: false })
  const before = await written(system)
  for (const popugId of [2_147_483_647, idOf(disabled), idOf(cast.manager), idOf(cast.admin)]) {
    const outcome = await create('Not assignable', as(cast.manager), popugId)
    assert.deepEqual(outcome, { refused: 'popug_not_assignable', detail: { popugId } })
  }
  for (const popugId of [0, -1, 2_147_483_648, 1.5]) {
    assert.equal(await refusalOf(create('No id', as(cast.manager), popugId)), 'invalid_input')
  }
  assert.deepEqual(await written(system), before)
})

test('while nobody may be assigned, no task is created and nothing is said', async () => {
  await using empty = await startSystem()
  const { create } = tasksOf(() => empty)
  const [boss] = await addPeople(empty, ['manager', 'admin'])
  assert.ok(boss)
  for (const popugId of [undefined, idOf(boss)]) {
    const expected = popugId === undefined ? 'nobody_assignable' : 'popug_not_assignable'
    assert.equal(await refusalOf(create('For nobody', as(boss), popugId)), expected)
  }
  assert.deepEqual(await written(empty), { tasks: 0, texts: 0, events: 0 })
  await addPeople(empty, ['accountant'])
  must(await create('For the accountant', as(boss)))
  await checkInvariants(empty)
})

const kept: readonly (readonly [string, string])[] = [
  ['one character', 'x'],
  ['one emoji', '🦜'],
  ['2000 letters', 'a'.repeat(2_000)],
  ['2000 emoji, which are 4000 units', '🦜'.repeat(2_000)],
  ['2000 combining marks', 'e\u0301'.repeat(1_000)],
  ['a family, joined', '👨‍👩‍👧‍👦 накормить всех'],
  ['right to left with marks of direction', 'האכל את התוכי \u202b(מהר)\u202c עכשיו'],
  ['Arabic with vowels', 'أَطْعِمِ ٱلْبَبْغَاء'],
  ['composed and decomposed, neither made the other', 'caf\u00e9 cafe\u0301'],
  ['markup', `<script>alert("1")</script> &amp; <b>bold</b> \${x} {{y}} %s`],
  ['SQL', `'; drop table task; -- \\ " $1`],
  ['JSON', '{"a": null, "b": "\\u0000"}'],
  ['lines and tabs', 'one\r\ntwo\n\n\tthree'],
  ['blanks inside', 'a  \u00a0\u2003 b'],
  ['invisible characters', 'a\u200b\u200d\ufeffb\u2060'],
  ['control characters', 'a\u0001\u001b[31mb\u007f\u0085'],
  ['noncharacters and private use', 'a\uffff\ufdd0\u{10ffff}\ue000'],
  ['digits only', '007'],
  ['null', 'null'],
]

test('a description is kept exactly, whatever is in it', async () => {
  const before = new Map<number, string>()
  for (const [what, description] of kept) {
    const task = must(await create(description))
    assert.equal(task.description, description, what)
    before.set(task.taskId, description)
    const read = must(await system.call(taskTracker.getTask, { taskId: task.taskId }, as(cast.accountant)))
    assert.equal(read.description, description, what)
  }
  const { tasks } = must(
    await system.call(taskTracker.describeTasks, { taskIds: [...before.keys()] }, as(cast.accountant)),
  )
  assert.deepEqual(new Map(tasks.map(({ taskId, description }) => [taskId, description])), before)
})

test('blanks around a description are not part of it', async () => {
  for (const [given, description] of [
    ['  x  ', 'x'],
    ['\u00a0\ufeff\u2003\r\n x y \t\u3000', 'x y'],
    [` ${'я'.repeat(2_000)} `, 'я'.repeat(2_000)],
    ['\u200bx\u200b', '\u200bx\u200b'],
  ] as const) {
    assert.equal(must(await create(given)).description, description)
  }
})

test('descriptions that are empty, too long or no Unicode are refused by the contract', async () => {
  const before = await written(system)
  for (const [what, description] of [
    ['empty', ''],
    ['blank', ' \u00a0\t\n'],
    ['2001 letters', 'a'.repeat(2_001)],
    ['2001 emoji', '🦜'.repeat(2_001)],
    ['2001 combining marks', `${'e\u0301'.repeat(1_000)}x`],
    ['U+0000', 'a\0b'],
    ['half an emoji', 'a\ud83e'],
    ['the other half', '\udd9cb'],
  ] as const) {
    assert.equal(await refusalOf(create(description)), 'invalid_input', what)
  }
  assert.deepEqual(await written(system), before)
})

test('the schema refuses what the contract refuses, as long as the server can say it', async () => {
  for (const [description, allowed] of [
    ['x', true],
    ['🦜'.repeat(2_000), true],
    ['', false],
    ['🦜'.repeat(2_001), false],
  ] as const) {
    const inserted = system.database.query(
      `with t as (select max(id) as id from task_tracker.task)
       update task_tracker.task_text set description = $1 from t where task_id = t.id`,
      [description],
    )
    if (allowed) await inserted
    else await assert.rejects(inserted, { code: '23514' })
  }
})

test('the assignee completes a task once: again gives the same answer and no second event', async () => {
  const popugId = idOf(cast.popugs[0])
  const task = must(await create('Complete me', as(cast.manager), popugId))
  const first = must(await complete(task.taskId, popugId))
  assert.equal(first.state, 'completed')
  assert.deepEqual({ ...first, state: 'open', completedAt: null }, task)
  const after = await written(system)
  assert.deepEqual(must(await complete(task.taskId, popugId)), first)
  const together = await Promise.all(Array.from({ length: 10 }, () => complete(task.taskId, popugId)))
  for (const outcome of together) assert.deepEqual(must(outcome), first)
  assert.deepEqual(await written(system), after)
})

test('several who complete the same task at once are given one completion', async () => {
  const popugId = idOf(cast.popugs[1])
  const { taskId } = must(await create('Complete me at once', as(cast.manager), popugId))
  const before = await written(system)
  const outcomes = await Promise.all(Array.from({ length: 15 }, () => complete(taskId, popugId)))
  assert.equal(new Set(outcomes.map((outcome) => must(outcome).completedAt)).size, 1)
  assert.equal((await written(system))?.events, (before?.events ?? 0) + 1)
})

test('nobody but the assignee completes a task, and is told who has it', async () => {
  const [holder, other] = [idOf(cast.popugs[0]), idOf(cast.popugs[1])]
  const { taskId } = must(await create('Not yours', as(cast.manager), holder))
  const before = await written(system)
  const refused = { refused: 'not_assignee', detail: { taskId, assigneeId: holder, assigneeName: 'popug 4' } }
  for (const popugId of [other, idOf(cast.manager), idOf(cast.admin)])
    assert.deepEqual(await complete(taskId, popugId), refused)
  assert.equal(await refusalOf(complete(2_147_483_647, holder)), 'task_not_found')
  assert.deepEqual(await written(system), before)
  must(await complete(taskId, holder))
  assert.deepEqual(await complete(taskId, other), refused)
})

test('a completed task cannot be changed behind the rules either', async () => {
  const { taskId } = must(await create('Final', as(cast.manager), idOf(cast.popugs[0])))
  must(await complete(taskId, idOf(cast.popugs[0])))
  for (const set of [`assignee = ${idOf(cast.popugs[1])}, assignment = 2`, `state = 'open', completed_at = null`]) {
    const update = system.database.query(`update task_tracker.task set ${set} where id = ${taskId}`)
    await assert.rejects(update, { code: '23514' }, set)
  }
})
