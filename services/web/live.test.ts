// Hints for open pages: to whom, how often, and when they end.
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { localBus } from '../../adapters/bus/local.ts'
import type { EventBatch } from '../../kernel/stream.ts'
import { createLive } from './live.ts'
import type { Role } from '../vocabulary.ts'
import { company } from './scene.test-support.ts'

let number = 0

/** As the task tracker says it: an assignment of each, by its number. */
const assigned = (assignment: number, ...popugIds: number[]): EventBatch => ({
  stream: 'task-tracker',
  epoch: 1,
  head: number,
  predecessor: null,
  events: popugIds.map((popugId) => ({
    number: ++number,
    eventId: crypto.randomUUID(),
    type: 'TaskAssigned',
    version: 1,
    about: '1',
    data: { taskId: 1, popugId, assignment },
    at: '2026-03-14T12:00:00Z',
    requestId: 'a-request',
    actor: null,
    trace: null,
  })),
})

const batch = (...popugIds: number[]): EventBatch => assigned(1, ...popugIds)

/** As identity says it. */
const changed = (popugId: number): EventBatch => {
  const { events, ...said } = batch(popugId)
  const data = { popugId, name: 'x', role: 'popug', active: true, version: 2 }
  return { ...said, stream: 'identity', events: events.map((event) => ({ ...event, type: 'PopugChanged', data })) }
}

/** Two readers, and more of any role, on a clock that only the test moves. */
const stage = async (t: TestContext, isStillIn = () => Promise.resolve(true)) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const [bus, live] = [localBus(), createLive()]
  await live.follow(bus)
  const readerOf = (popugId: number, role: Role = 'popug') => {
    const reader = live.answer({ popugId, role }, isStillIn).body!.getReader()
    const decoder = new TextDecoder()
    let pending: Promise<void> | null = null
    const said: string[] = []
    const read = async () => {
      for (;;) {
        const { value, done } = await reader.read()
        if (done) return void said.push('ended')
        const text = decoder.decode(value)
        said.push(
          ...[...text.matchAll(/event: (\w+)\ndata: ?(\w*)/g)].map(([, event, data]) => `${event} ${data}`.trim()),
        )
      }
    }
    return {
      /** All that was said since this was asked before. */
      heard: async () => {
        pending ??= read()
        for (let turn = 0; turn < 50; turn += 1) await Promise.resolve()
        return said.splice(0)
      },
      leave: () => reader.cancel(),
    }
  }
  return { bus, live, readerOf, anna: readerOf(1), boris: readerOf(2) }
}

describe('hints', () => {
  test('go to everybody for tasks, and to whom it concerns for their own, whose money follows', async (t) => {
    const { bus, anna, boris } = await stage(t)
    await bus.publish(batch(1))
    assert.deepEqual(await anna.heard(), ['hint tasks', 'hint mine'])
    assert.deepEqual(await boris.heard(), ['hint tasks'])
    t.mock.timers.tick(1_000)
    assert.deepEqual(await anna.heard(), ['hint mine'])
    t.mock.timers.tick(10_000)
    assert.deepEqual(await boris.heard(), [])
  })

  test('of reassignments, money and people go to those who see to them', async (t) => {
    const { bus, readerOf } = await stage(t)
    const [manager, accountant, admin] = [readerOf(3, 'manager'), readerOf(4, 'accountant'), readerOf(5, 'admin')]
    const popug = readerOf(6)
    await bus.publish(assigned(2, 1, 2))
    assert.deepEqual(await manager.heard(), ['hint tasks', 'hint reassignments'])
    assert.deepEqual(await accountant.heard(), ['hint tasks', 'hint money'])
    assert.deepEqual(await admin.heard(), ['hint tasks', 'hint reassignments', 'hint money'])
    assert.deepEqual(await popug.heard(), ['hint tasks'])
    t.mock.timers.tick(2_000)
    assert.deepEqual(await accountant.heard(), ['hint money'], 'the ledger follows')
    t.mock.timers.tick(10_000)
    for (const reader of [manager, accountant, admin, popug]) await reader.heard()
    await bus.publish(changed(1))
    assert.deepEqual(await accountant.heard(), ['hint people'])
    assert.deepEqual(await admin.heard(), ['hint people'])
    assert.deepEqual([await manager.heard(), await popug.heard()], [[], []])
    await bus.publish(batch(1))
    assert.deepEqual(await manager.heard(), ['hint tasks'], 'a new task is no reassignment')
  })

  test('of money come once in two seconds at most while a reassignment runs', async (t) => {
    const { bus, readerOf } = await stage(t)
    const accountant = readerOf(4, 'accountant')
    const heard: string[] = []
    for (let tenth = 0; tenth < 100; tenth += 1) {
      await bus.publish(assigned(2, 1, 2))
      t.mock.timers.tick(100)
      heard.push(...(await accountant.heard()).filter((said) => said === 'hint money'))
    }
    assert.ok(heard.length >= 5 && heard.length <= 6, `${heard.length} in ten seconds`)
  })

  test('are not many, however much happens', async (t) => {
    const { bus, boris } = await stage(t)
    for (let times = 0; times < 100; times += 1) await bus.publish(batch(1, 3, 4))
    assert.deepEqual(await boris.heard(), ['hint tasks'])
    t.mock.timers.tick(2_000)
    assert.deepEqual(await boris.heard(), ['hint tasks'])
    t.mock.timers.tick(2_000)
    assert.deepEqual(await boris.heard(), [])
  })

  test('are not made of heartbeats', async (t) => {
    const { bus, anna } = await stage(t)
    await bus.publish(batch())
    assert.deepEqual(await anna.heard(), [])
  })

  test('end with the session', async (t) => {
    let isIn = true
    const { anna } = await stage(t, () => Promise.resolve(isIn))
    t.mock.timers.tick(20_000)
    assert.deepEqual(await anna.heard(), [])
    isIn = false
    t.mock.timers.tick(20_000)
    assert.deepEqual(await anna.heard(), ['over', 'ended'])
  })

  test('end when the server stops, and are not sent to who has gone', async (t) => {
    const { bus, live, anna, boris } = await stage(t)
    await boris.leave()
    await bus.publish(batch(2))
    assert.deepEqual(await anna.heard(), ['hint tasks'])
    live.end()
    assert.deepEqual(await anna.heard(), ['ended'])
    assert.equal(live.answer({ popugId: 1, role: 'popug' }, () => Promise.resolve(true)).status, 503)
  })

  test('are for those who are signed in', async () => {
    const { browser, people } = company()
    assert.equal((await browser.get('/live')).status, 401)
    browser.as(people.popug)
    const response = await browser.get('/live', { 'accept-encoding': 'gzip' })
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    assert.equal(response.headers.get('content-encoding'), null)
    await response.body?.cancel()
  })
})
