// Family 12: the clock of one process is an hour off. What it signs is refused, which both sides say in words; what
// others can do goes on, and nothing is lost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OwnClock } from '../../servers/own-clock.ts'
import { eventually } from '../../support/eventually.ts'
import type { Stage } from '../stage.ts'
import { Deployment, type Part } from './deployment.ts'
import { broughtByBroker, fetched, healthy, progress, recovers } from './recovery.ts'

const hourMs = 3_600_000

/** Starts it again by a clock that is right as yet. */
const withOwnClock = async (part: Part, clock: OwnClock) => {
  await part.process.stop()
  part.settings = clock.environment
  await part.start()
}

/** It takes a while until a token is looked at. */
const anHour = 'clocks differ by (?:359\\d|360\\d) s'

const says = (part: Part, how: string): Promise<unknown> =>
  eventually(`${part.name} says that ${how}`, () => new RegExp(how).test(part.process.said), 10_000)

/** What clients were told of the last attempts. */
const learnedSince = ({ journal }: Stage, from: number) =>
  journal.attempts.slice(from).map(({ learned }) => JSON.stringify(learned))

const refusedAsStrangers = (stage: Stage) =>
  learnedSince(stage, 0).filter((learned) => /unauthenticated|forbidden/.test(learned))

test('a process whose clock is an hour off is told so, and costs nobody an event or a cent', async (t) => {
  const replicas = { identity: 1, 'task-tracker': 2, accounting: 2, web: 1 }
  await using deployment = await Deployment.open('family 12', { replicas })
  const { stage } = deployment
  const [web] = deployment.of('web')
  const [tracker, rightTracker] = deployment.of('task-tracker')
  const [ledger, rightLedger] = deployment.of('accounting')
  assert.ok(web && tracker && rightTracker && ledger && rightLedger)
  await using clocks = new AsyncDisposableStack()
  const own = async (part: Part) => {
    const clock = clocks.use(await OwnClock.open())
    await withOwnClock(part, clock)
    return { shift: () => clock.shift(stage.clients.pick([hourMs, -hourMs])), mend: () => clock.shift(0) }
  }
  const isWell = async () => {
    await recovers(deployment)
    await healthy(deployment)
    await stage.audit()
  }

  await t.test('one of two replicas that are called: the other one answers', async () => {
    const { shift, mend } = await own(tracker)
    await shift()
    for (const order of await stage.traffic(web.process, 40)) await stage.insist(() => web.process, order)
    await says(tracker, anHour)
    await stage.audit()
    await mend()
    await isWell()
  })

  await t.test('the one that calls: nothing happens, and whoever asks hears why', async () => {
    const { shift, mend } = await own(web)
    await shift()
    const { committed } = await progress(deployment)
    const from = stage.journal.attempts.length
    const order = stage.clients.order('CreateTask', stage.clients.popug())
    const asked = { ...order, input: { description: order.request } }
    await stage.until('it says so', async () => {
      await stage.send(web.process, asked)
      return learnedSince(stage, from).some((learned) => new RegExp(anHour).test(learned))
    })
    assert.equal((await progress(deployment)).committed, committed, 'something happened')
    await mend()
    await stage.insist(() => web.process, asked)
    await isWell()
  })

  await t.test('the one that reads the log: what the broker does not bring waits for the right time', async () => {
    const { shift, mend } = await own(ledger)
    await rightLedger.process.kill()
    await recovers(deployment)
    await shift()
    await broughtByBroker(deployment)
    const before = await fetched(deployment)
    await ledger.links.broker.away()
    await stage.traffic(deployment, 10)
    await says(ledger, anHour)
    const { committed, applied } = await progress(deployment)
    assert.ok(applied < committed, 'it was let in')
    await mend()
    await stage.settled()
    assert.ok((await fetched(deployment)) > before)
    await ledger.links.broker.back()
    await rightLedger.start()
    await broughtByBroker(deployment)
    await isWell()
  })
  assert.deepEqual(refusedAsStrangers(stage), [])
})
