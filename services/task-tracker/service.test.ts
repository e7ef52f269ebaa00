// The task tracker through its contract: creating, completing and finding tasks, and who may be drawn.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Behalf } from '../../kernel/caller.ts'
import type { Actor } from '../../kernel/contract.ts'
import { isRefusal, must, type Outcome } from '../../kernel/result.ts'
import { standardContract } from '../../kernel/standard.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { addPeople, as, asService, startSystem, type System } from '../../tests/support/system.ts'
import { accounting } from '../accounting/contract.ts'
import { identity } from '../identity/contract.ts'
import { roles } from '../vocabulary.ts'
import { taskTracker } from './contract.ts'
import { mayBeAssigned } from './rules.ts'

let system: System
let manager: Actor
let admin: Actor
let accountant: Actor
let popugs: readonly Actor[]

before(async () => {
  system = await startSystem()
  const [first, second, third, ...others] = await addPeople(system, [
    'manager',
    'admin',
    'accountant',
    'popug',
    'popug',
  ])
  assert.ok(first && second && third)
  ;[manager, admin, accountant, popugs] = [first, second, third, others]
})
after(async () => {
  await using _ended = system
  await checkInvariants(system)
})

const idOf = (actor: Actor | undefined): number => actor?.id ?? 0
const asAdmin = as({ id: 1, role: 'admin' })

const create = (description: string, behalf: Behalf = as(manager), popugId?: number, { call } = system) =>
  call(taskTracker.createTask, { description, popugId }, behalf)
const complete = (taskId: number, popugId: number) =>
  system.call(taskTracker.completeTask, { taskId }, as({ id: popugId, role: 'popug' }))
const refusalOf = async (outcome: Promise<Outcome<unknown>>) => {
  const result = await outcome
  return isRefusal(result) ? result.refused : 'ok'
}

/** How much there is of everything that a command writes. */
const written = async ({ database, host }: System) => {
  await host.settle()
  const [found] = await database.query<{ tasks: number; texts: number; events: number }>(`
    select (select count(*)::int from task_tracker.task) as tasks, (select count(*)::int from task_tracker.task_text) as texts,
      (select count(*)::int from task_tracker.event) as events`)
  return found
}

/** Resolves when a change of people has reached the roster. */
const change = async (popugId: number, wanted: { name?: string; active?: boolean; role?: 'popug' | 'manager' }) => {
  must(await system.call(identity.changePerson, { popugId, ...wanted }, asAdmin))
  await system.host.settle()
}

test('everybody creates tasks, which are drawn; only managers and admins name the assignee', async () => {
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
    assignment: 1,
    createdBy: manager.id,
    completedAt: null,
  })
})

test('whoever may not be assigned is refused, and nothing is created', async () => {
  const disabled = (await addPeople(system, ['popug']))[0]
  await change(idOf(disabled), { active: false })
  const before = await written(system)
  for (const popugId of [2_147_483_647, idOf(disabled), idOf(manager), idOf(admin)]) {
    const outcome = await create('Not assignable', as(manager), popugId)
    assert.deepEqual(outcome, { refused: 'popug_not_assignable', detail: { popugId } })
  }
  for (const popugId of [0, -1, 2_147_483_648, 1.5]) {
    assert.equal(await refusalOf(create('No id', as(manager), popugId)), 'invalid_input')
  }
  assert.deepEqual(await written(system), before)
})

test('while nobody may be assigned, no task is created and nothing is said', async () => {
  await using empty = await startSystem()
  const [boss] = await addPeople(empty, ['manager', 'admin'])
  assert.ok(boss)
  for (const popugId of [undefined, idOf(boss)]) {
    const expected = popugId === undefined ? 'nobody_assignable' : 'popug_not_assignable'
    assert.equal(await refusalOf(create('For nobody', as(boss), popugId, empty)), expected)
  }
  assert.deepEqual(await written(empty), { tasks: 0, texts: 0, events: 0 })
  await addPeople(empty, ['accountant'])
  must(await create('For the accountant', as(boss), undefined, empty))
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
    const read = must(await system.call(taskTracker.getTask, { taskId: task.taskId }, as(accountant)))
    assert.equal(read.description, description, what)
  }
  const { tasks } = must(await system.call(taskTracker.describeTasks, { taskIds: [...before.keys()] }, as(accountant)))
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
  const popugId = idOf(popugs[0])
  const task = must(await create('Complete me', as(manager), popugId))
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
  const popugId = idOf(popugs[1])
  const { taskId } = must(await create('Complete me at once', as(manager), popugId))
  const before = await written(system)
  const outcomes = await Promise.all(Array.from({ length: 15 }, () => complete(taskId, popugId)))
  assert.equal(new Set(outcomes.map((outcome) => must(outcome).completedAt)).size, 1)
  assert.equal((await written(system))?.events, (before?.events ?? 0) + 1)
})

test('nobody but the assignee completes a task, and is told who has it', async () => {
  const [holder, other] = [idOf(popugs[0]), idOf(popugs[1])]
  const { taskId } = must(await create('Not yours', as(manager), holder))
  const before = await written(system)
  const refused = { refused: 'not_assignee', detail: { taskId, assigneeId: holder, assigneeName: 'popug 4' } }
  for (const popugId of [other, idOf(manager), idOf(admin)]) assert.deepEqual(await complete(taskId, popugId), refused)
  assert.equal(await refusalOf(complete(2_147_483_647, holder)), 'task_not_found')
  assert.deepEqual(await written(system), before)
  must(await complete(taskId, holder))
  assert.deepEqual(await complete(taskId, other), refused)
})

test('a completed task cannot be changed behind the rules either', async () => {
  const { taskId } = must(await create('Final', as(manager), idOf(popugs[0])))
  must(await complete(taskId, idOf(popugs[0])))
  for (const set of [`assignee = ${idOf(popugs[1])}, assignment = 2`, `state = 'open', completed_at = null`]) {
    const update = system.database.query(`update task_tracker.task set ${set} where id = ${taskId}`)
    await assert.rejects(update, { code: '23514' }, set)
  }
})

const ids = async (filter: Parameters<typeof find>[0]) => (await find(filter)).map(({ taskId }) => taskId)
const find = async (
  filter: { popugId?: number; state?: 'open' | 'completed'; text?: string },
  behalf: Behalf = as(accountant),
) => must(await system.call(taskTracker.getTasks, { ...filter, limit: 200 }, behalf)).tasks

test('everybody sees own and all tasks, newest first, by state, assignee and both', async () => {
  const [collector] = await addPeople(system, ['popug'])
  const popugId = idOf(collector)
  const made: number[] = []
  for (const description of ['a', 'b', 'c']) made.push(must(await create(description, as(manager), popugId)).taskId)
  const [a, b, c] = made
  must(await complete(b ?? 0, popugId))
  for (const actor of [collector, manager, admin, accountant]) {
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
    const page = must(await system.call(taskTracker.getTasks, { ...filter, after }, as(accountant)))
    seen.push(...page.tasks.map(({ taskId }) => taskId))
    must(await create(`Paged and late ${pages}`))
    if (page.next === null) break
    after = page.next
  }
  assert.deepEqual(seen, before)
  const exact = must(await system.call(taskTracker.getTasks, { text: 'paged and late', limit: 5 }, as(accountant)))
  assert.equal(exact.tasks.length, 5)
  assert.equal(exact.next, null, 'a full last page has no next one')
})

test('a mark that is not ours begins at the start', async () => {
  const all = await ids({})
  for (const after of ['x', 'bnVsbA', Buffer.from('["a"]').toString('base64url')]) {
    const page = must(await system.call(taskTracker.getTasks, { after, limit: 200 }, as(accountant)))
    assert.deepEqual(
      page.tasks.map(({ taskId }) => taskId),
      all,
    )
  }
})

const names = async () =>
  must(await system.call(taskTracker.getRoster, { limit: 200 }, as(manager))).popugs.map(({ popugId }) => popugId)

test('the roster follows names, roles and activity of people', async () => {
  const [person] = await addPeople(system, ['popug'])
  const popugId = idOf(person)
  assert.ok((await names()).includes(popugId))
  const { taskId } = must(await create('Held', as(manager), popugId))
  const held = async () => must(await system.call(taskTracker.getTask, { taskId }, as(manager)))

  await change(popugId, { name: 'Renamed' })
  assert.equal((await held()).assigneeName, 'Renamed')
  const roster = must(await system.call(taskTracker.getRoster, { text: 'RENAMED' }, as(manager)))
  assert.deepEqual(roster.popugs, [{ popugId, name: 'Renamed' }])

  for (const [wanted, assignable, assigneeActive] of [
    [{ active: false }, false, false],
    [{ active: true }, true, true],
    [{ role: 'manager' }, false, true],
    [{ role: 'popug' }, true, true],
  ] as const) {
    await change(popugId, wanted)
    assert.equal((await names()).includes(popugId), assignable)
    const chosen = await refusalOf(create('Chosen', as(manager), popugId))
    assert.equal(chosen, assignable ? 'ok' : 'popug_not_assignable')
    assert.deepEqual([(await held()).assigneeId, (await held()).assigneeActive], [popugId, assigneeActive])
  }
})

test('the assignee of a task completes it also after having been disabled or promoted', async () => {
  const [person] = await addPeople(system, ['popug'])
  const popugId = idOf(person)
  const { taskId } = must(await create('Held', as(manager), popugId))
  await change(popugId, { role: 'manager' })
  assert.equal(must(await complete(taskId, popugId)).state, 'completed')
})

test('the schema says the same as the rule about who may be assigned', async () => {
  const { database } = system
  for (const role of roles) {
    for (const active of [true, false]) {
      await database.query('begin')
      const [row] = await database.query<{ assignable: boolean }>(
        `insert into task_tracker.popug (id, name, role, active, version) values (0, 'x', $1, $2, 1) returning assignable`,
        [role, active],
      )
      await database.query('rollback')
      assert.equal(row?.assignable, mayBeAssigned({ role, active }), `${role}, ${active}`)
    }
  }
})

test('an older event of a person that comes late does not undo a newer one', async () => {
  const { host, database, call } = system
  const [person] = await addPeople(system, ['popug'])
  const popugId = idOf(person)
  const broken = JSON.stringify({ popugId, name: '', role: 'parrot', active: true, version: 2 })
  await database.query(
    `insert into identity.outbox (event_id, type, version, about, data, at, request_id)
     values (gen_random_uuid(), 'PopugChanged', 1, $1, $2, now(), 'a broken event')`,
    [String(popugId), broken],
  )
  await host.settle()
  await change(popugId, { active: false })
  await change(popugId, { name: 'Newest' })
  const mended = JSON.stringify({ popugId, name: 'Oldest', role: 'manager', active: true, version: 2 })
  const keptBy = { 'task-tracker': 'roster', accounting: 'holders' } as const
  for (const [service, consumer] of Object.entries(keptBy)) {
    const { getParked, retryParked } = standardContract(service)
    const { parked } = must(await call(getParked, {}, asService))
    const number = parked.find((event) => event.consumer === consumer && event.about === String(popugId))?.number
    assert.ok(number)
    const schema = service.replaceAll('-', '_')
    await database.query(`update ${schema}.parked set data = $1 where consumer = $2 and number = $3`, [
      mended,
      consumer,
      number,
    ])
    assert.deepEqual(must(await call(retryParked, { consumer, number }, asService)), { result: 'applied' })
  }
  const [row] = await database.query('select name, role, active, version from task_tracker.popug where id = $1', [
    popugId,
  ])
  assert.deepEqual(row, { name: 'Newest', role: 'popug', active: false, version: 3 })
  const account = must(await call(accounting.getAccountInfo, { popugId }, asAdmin))
  assert.equal(account.name, 'Newest')
})
