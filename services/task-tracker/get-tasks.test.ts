// GetTasks: who sees what, filters, text search and pages.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { databaseClock } from '../../adapters/database/postgres.ts'
import type { Clock } from '../../kernel/ports.ts'
import { must } from '../../kernel/result.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { addPeople, as, startSystem, type System } from '../../tests/support/system.ts'
import { taskTracker } from './contract.ts'
import { addCast, type Cast, idOf, tasksOf } from './tasks.test-support.ts'

let system: System
let cast: Cast
const { create, complete, find } = tasksOf(() => system)

/** What the clock says; the database's where nothing is said. */
let moment: Date | null = null
const clock: Clock = { now: (tx) => (moment ? Promise.resolve(moment) : databaseClock.now(tx)) }

before(async () => {
  system = await startSystem({ clock })
  cast = await addCast(system)
})
after(async () => {
  await using _ended = system
  await checkInvariants(system)
})

const ids = async (filter: Parameters<typeof find>[0]) => (await find(filter)).map(({ taskId }) => taskId)

test('everybody sees own and all tasks, newest first, by state, assignee and both', async () => {
  const [collector] = await addPeople(system, ['popug'])
  const popugId = idOf(collector)
  const made: number[] = []
  for (const description of ['a', 'b', 'c'])
    made.push(must(await create(description, as(cast.manager), popugId)).taskId)
  const [a, b, c] = made
  must(await complete(b ?? 0, popugId))
  for (const actor of [collector, cast.manager, cast.admin, cast.accountant]) {
    assert.ok(actor)
    const own = await find({ popugId }, as(actor))
    assert.deepEqual(
      own.map(({ taskId }) => taskId),
      [c, b, a],
    )
  }
  assert.deepEqual(await ids({ popugId, state: 'open' }), [c, a])
  assert.deepEqual(await ids({ popugId, state: 'completed' }), [b])
  assert.deepEqual((await ids({})).slice(0, 3), [c, b, a])
  assert.ok((await find({ state: 'completed' })).every(({ state }) => state === 'completed'))
  assert.deepEqual(await ids({ popugId: 2_147_483_647 }), [])
})

test('a text finds descriptions that contain it as written, whatever its case', async () => {
  const descriptions = [
    '100% done',
    '100 x done',
    'snake_case',
    'snakeXcase',
    'C:\\dir\\file',
    'C:/dir/file',
    'Попугай ест',
    'ÀÉÎ',
  ]
  const made = new Map<number, string>()
  for (const description of descriptions) made.set(must(await create(`findable ${description}`)).taskId, description)
  const found = async (text: string) => (await ids({ text })).flatMap((taskId) => made.get(taskId) ?? []).toReversed()
  for (const [text, expected] of [
    ['00% d', ['100% done']],
    ['e_c', ['snake_case']],
    ['r\\f', ['C:\\dir\\file']],
    ['\\dir\\', ['C:\\dir\\file']],
    ['%%%', []],
    ['___', []],
    ['\\\\\\', []],
    ['ПОПУГАЙ', ['Попугай ест']],
    ['àéî', ['ÀÉÎ']],
    ['FINDABLE', descriptions],
    ['  snake  ', ['snake_case', 'snakeXcase']],
    ['done', ['100% done', '100 x done']],
    ['nothing of the kind', []],
  ] as const) {
    assert.deepEqual(await found(text), expected, text)
  }
  const [, second] = made.keys()
  const assigneeId = (await find({ text: '100 x' }))[0]?.assigneeId ?? 0
  must(await complete(second ?? 0, assigneeId))
  assert.deepEqual(await ids({ text: '100 x', state: 'open' }), [])
  assert.deepEqual(await ids({ text: '100 x', state: 'completed', popugId: assigneeId }), [second])
})

test('fewer than three characters are ignored, as they are typed', async () => {
  const all = await ids({})
  for (const text of ['', ' ', 'zz', '🦜🦜', '%_']) assert.deepEqual(await ids({ text }), all, text)
  assert.deepEqual(await ids({ text: 'zzz' }), [])
})

test('pages stay complete and without repeats while tasks are added', async () => {
  const filter = { text: 'paged', limit: 7 }
  for (let number = 0; number < 30; number += 1) must(await create(`Paged ${number}`))
  const before = await ids({ text: 'paged' })
  const seen: number[] = []
  for (let after: string | undefined, pages = 0; pages < 20; pages += 1) {
    const page = must(await system.call(taskTracker.getTasks, { ...filter, after }, as(cast.accountant)))
    seen.push(...page.tasks.map(({ taskId }) => taskId))
    must(await create(`Paged and late ${pages}`))
    if (page.next === null) break
    after = page.next
  }
  assert.deepEqual(seen, before)
  const exact = must(await system.call(taskTracker.getTasks, { text: 'paged and late', limit: 5 }, as(cast.accountant)))
  assert.equal(exact.tasks.length, 5)
  assert.equal(exact.next, null, 'a full last page has no next one')
})

/** What is found on all pages of this size, one after the other. */
const paged = async (filter: Parameters<typeof find>[0], limit: number): Promise<number[]> => {
  const seen: number[] = []
  let after: string | undefined
  do {
    const page = must(await system.call(taskTracker.getTasks, { ...filter, after, limit }, as(cast.accountant)))
    seen.push(...page.tasks.map(({ taskId }) => taskId))
    after = page.next ?? undefined
  } while (after !== undefined)
  return seen
}

test('tasks come in the order that is asked for, and open ones are left out of that of completion', async () => {
  const [first, second] = await addPeople(system, ['popug', 'popug'])
  const made: number[] = []
  for (const assignee of [second, first, first, second, first])
    made.push(must(await create('Ordered', as(cast.manager), idOf(assignee))).taskId)
  const [a = 0, b = 0, , d = 0, e = 0] = made
  // Two at one moment, which pages of one must tell apart.
  for (const [taskId, assignee, minute] of [
    [d, second, 1],
    [b, first, 2],
    [e, first, 2],
    [a, second, 3],
  ] as const) {
    moment = new Date(Date.UTC(2026, 0, 1, 12, minute))
    must(await complete(taskId, idOf(assignee)))
  }
  moment = null
  const text = 'ordered'
  for (const [filter, expected] of [
    [{ text, order: 'newest' }, made.toReversed()],
    [{ text, order: 'oldest' }, made],
    [{ text, order: 'oldest', state: 'completed' }, [a, b, d, e]],
    [{ text, order: 'completed' }, [a, e, b, d]],
    [{ order: 'completed', popugId: idOf(second) }, [a, d]],
    [{ order: 'completed', popugId: idOf(first), state: 'completed' }, [e, b]],
    [{ text, order: 'completed', state: 'open' }, []],
  ] as const) {
    for (const limit of [1, 2, 3, 200]) assert.deepEqual(await paged(filter, limit), expected, JSON.stringify(filter))
  }
})

test('a mark that is not ours begins at the start', async () => {
  const all = await ids({})
  for (const after of ['x', 'bnVsbA', Buffer.from('["a"]').toString('base64url')]) {
    const page = must(await system.call(taskTracker.getTasks, { after, limit: 200 }, as(cast.accountant)))
    assert.deepEqual(
      page.tasks.map(({ taskId }) => taskId),
      all,
    )
  }
  const completed = await ids({ order: 'completed' })
  for (const key of [[completed[0]], [0, 1e18], [completed[0], -1], ['a', 'b']]) {
    const after = Buffer.from(JSON.stringify(key)).toString('base64url')
    const page = must(await system.call(taskTracker.getTasks, { order: 'completed', after }, as(cast.accountant)))
    assert.deepEqual(
      page.tasks.map(({ taskId }) => taskId),
      completed,
      JSON.stringify(key),
    )
  }
})

test('what a popug was given after a moment and still has to do is counted, up to a bound', async () => {
  const [giver] = await addPeople(system, ['popug'])
  const popugId = idOf(giver)
  const given = async (since: string, most?: number) =>
    must(await system.call(taskTracker.countGivenTasks, { popugId, since, most }, as(cast.manager)))
  const at = (minute: number) => new Date(Date.UTC(2026, 2, 14, 12, minute))
  for (const minute of [1, 2, 3, 4]) {
    moment = at(minute)
    must(await create('given', as(cast.manager), popugId))
  }
  const [last] = await ids({ popugId })
  must(await complete(last ?? 0, popugId))
  moment = null
  assert.deepEqual(await given(at(0).toISOString()), { tasks: 3, exact: true })
  assert.deepEqual(await given(at(2).toISOString()), { tasks: 1, exact: true })
  assert.deepEqual(await given(at(0).toISOString(), 3), { tasks: 3, exact: true })
  assert.deepEqual(await given(at(0).toISOString(), 2), { tasks: 2, exact: false })
})
