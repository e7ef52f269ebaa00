// Family 17: a called service hangs, flaps, answers slowly or after the deadline, or its answer is lost; many wait for it
// when it is back; and one key is used for two things.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Proxy } from '../../nats/proxy.ts'
import { isRefusal } from '../../../kernel/result.ts'
import type { Order } from '../journal.ts'
import { until } from '../settled.ts'
import type { Callee, Stage } from '../stage.ts'
import { Deployment, type Part } from './deployment.ts'
import { sumOf } from '../metrics.ts'
import { raised } from './raised.ts'
import { progress, troublesOf } from './recovery.ts'

const tracker = 'task-tracker'

/** The half minute after which people are told is some seconds of the test. */
const speed = 20
const [toldMs, everyMs] = [30_000, 100]

/** What a busy machine may add to a deadline of less than a second. */
const busyMs = 10_000

/** What came of it, by its deadline. */
const inTime = async <Came>(work: Promise<Came>): Promise<Came> => {
  const begun = performance.now()
  const came = await work
  const tookMs = performance.now() - begun
  assert.ok(tookMs < busyMs, `it took ${tookMs} ms`)
  return came
}

const breakerOf = async (part: Part) => sumOf(await part.metrics(), 'ates_breaker_state', { service: tracker })

/** How many commands have come by this way since it was asked for. */
const commandsBy = ({ toServer }: Proxy): (() => number) => {
  let count = 0
  toServer.watch((data) => (count += data.subarray(0, 5).toString() === 'POST ' ? 1 : 0))
  return () => count
}

/** How long somebody waits who was sent away, before coming again. */
const pauseMs = 100

/** Many at once, each of whom comes again until the outcome is known. */
const crowdOf = (stage: Stage, caller: Callee, orders: readonly Order[]) => {
  let waiting = 0
  const insist = async (order: Order) => {
    const known = async () => {
      waiting += 1
      const learned = await stage.send(caller, order).finally(() => (waiting -= 1))
      return !('unknown' in learned)
    }
    await until(() => `${order.request} is known`, known, undefined, pauseMs)
  }
  return { served: Promise.all(orders.map(insist)), waiting: () => waiting }
}

test('whatever becomes of a called service, each command has its effect once, and callers do not pile up', async (t) => {
  await using deployment = await Deployment.open('family 17', {
    replicas: { identity: 1, [tracker]: 1, accounting: 1, operations: 1, web: 1 },
    only: { operations: { ATES_TEST_CLOCK: `${Date.now()} ${speed}` } },
  })
  const { stage } = deployment
  const [web, called] = [...deployment.of('web'), ...deployment.of(tracker)]
  assert.ok(web && called)
  /** What the web application asks of the task tracker goes over this. */
  const link = web.links.services[tracker]
  const caller = { call: web.process.call.bind(web.process) }
  const insist = async (orders: readonly Order[]) => {
    for (const order of orders) await stage.insist(() => caller, order)
    await stage.audit()
  }
  const committedBeyond = (number: number) =>
    stage.until(`events after ${number}`, async () => (await progress(deployment)).committed > number)

  await t.test('it hangs: calls end at their deadline, then at once, few try, and people are told', async () => {
    assert.deepEqual(await stage.traffic(caller, 10), [])
    called.process.signal('SIGSTOP')
    const open = Array.from({ length: 40 }, () => stage.clients.create())
    const send = (order: (typeof open)[number]) => stage.send(caller, order, { timeoutMs: 700 })
    const first = await inTime(Promise.all(open.map(send)))
    assert.ok(first.every((learned) => 'unknown' in learned))
    await stage.until('the breaker is open', async () => {
      await send(open[0] ?? stage.clients.create())
      return (await breakerOf(web)) === 2
    })
    assert.match((await troublesOf(web)).join(), /calls to task-tracker: the circuit breaker is open/)
    const connections = link.connections()
    await Promise.all(Array.from({ length: 5 }, () => Promise.all(open.map(send))))
    assert.ok(link.connections() - connections < 10, `${link.connections() - connections} more connections`)
    // Who looks at the page of its consumers meanwhile.
    const [consumer, operator] = ['roster', { id: 1, role: 'manager' }]
    const look = { service: 'operations', method: 'ListParked', requestId: 'looks', actor: operator }
    const looks = open.map(() => deployment.call({ ...look, input: { service: tracker, consumer } }, 700))
    assert.deepEqual(new Set((await Promise.allSettled(looks)).map(({ status }) => status)), new Set(['rejected']))
    let told: string[] = []
    const callers = ['operations', 'web'].map((name) => `BreakerOpen, ${name} to task-tracker`)
    const isTold = async () => {
      told = await raised(deployment)
      return callers.every((alert) => told.includes(alert))
    }
    await until(() => `people are told, of more than ${told.join('; ')}`, isTold, toldMs, everyMs)

    // Its answers are held until all have come, so that the breaker is half open as long as that takes.
    link.toClient.hold()
    const commands = commandsBy(link)
    called.process.signal('SIGCONT')
    const orders = Array.from({ length: 30 }, () => stage.clients.create())
    const crowd = crowdOf(stage, caller, orders)
    await stage.until('all wait', async () => (await breakerOf(web)) === 1 && crowd.waiting() === orders.length)
    // The one that tries may be the question whether it is ready.
    assert.ok(commands() <= 1, `one tries, and all others wait for what becomes of it; ${commands()} were sent`)
    link.toClient.release()
    await Promise.all([crowd.served, stage.recovers(caller)])
    assert.equal(await breakerOf(web), 0)
    await insist(open)
  })

  await t.test('it is slow, and in time', async () => {
    const { committed } = await progress(deployment)
    link.toClient.hold()
    const slow = stage.send(caller, stage.clients.create())
    await committedBeyond(committed)
    link.toClient.release()
    assert.ok('acknowledged' in (await slow))
    await stage.audit()
  })

  await t.test('it answers after the deadline: the outcome is not known, and the next try learns it', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { committed } = await progress(deployment)
      const order = stage.clients.create()
      link.toClient.hold()
      const late = stage.send(caller, order, { timeoutMs: stage.draw(300, 600) })
      await committedBeyond(committed)
      assert.ok('unknown' in (await inTime(late)))
      link.toClient.release()
      await insist([order])
    }
  })

  await t.test('its answer is lost after it has done what was asked', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { committed } = await progress(deployment)
      const order = stage.clients.create()
      link.toClient.swallow()
      const lost = stage.send(caller, order, { timeoutMs: 3_000 })
      await committedBeyond(committed)
      link.cut()
      link.toClient.release()
      await lost
      await insist([order])
    }
  })

  await t.test('it flaps', async () => {
    let isFlapping = true
    const client = async () => {
      while (isFlapping) await stage.insist(() => caller, stage.clients.next())
    }
    const clients = Promise.all(Array.from({ length: 8 }, client))
    const attempts = async (count: number) => {
      const enough = stage.journal.attempts.length + count
      await stage.until('some attempts', async () => stage.journal.attempts.length >= enough)
    }
    try {
      for (let round = 0; round < 6; round += 1) {
        await attempts(stage.draw(3, 12))
        await link.away()
        await attempts(stage.draw(1, 12))
        await link.back()
      }
    } finally {
      isFlapping = false
      await clients
    }
    await stage.audit()
  })

  await t.test('a key that was used for something else is refused, and has no effect', async () => {
    const order = stage.clients.create()
    await stage.insist(() => caller, order)
    const { committed } = await progress(deployment)
    const outcome = await caller.call({
      service: tracker,
      method: order.command,
      input: { ...order.input, description: 'something else' },
      actor: { id: order.actor, role: stage.people.find(({ id }) => id === order.actor)?.role ?? 'popug' },
      requestId: order.request,
      idempotencyKey: order.request,
    })
    assert.ok(isRefusal(outcome) && outcome.refused === 'key_reused', JSON.stringify(outcome))
    assert.equal((await progress(deployment)).committed, committed)
    await stage.audit()
  })
})
