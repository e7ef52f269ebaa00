// Family 8: the network between any two parts loses one direction or both, or brings what it kept late and out of order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { processes } from '../../../config.ts'
import type { Proxy } from '../../nats/proxy.ts'
import type { Order } from '../journal.ts'
import type { Callee, Desk, Stage } from '../stage.ts'
import { cameInOrder, messagesOf } from './at-broker.ts'
import { bothWays, cuts, cutsOfNew, type Cut } from './cuts.ts'
import { Deployment } from './deployment.ts'
import { type CrowdDesk, openDesk } from './desk.ts'
import { amidTraffic, broughtByBroker, fetched, healthy, progress, recovers, troublesOf } from './recovery.ts'
import { waysOf } from './ways.ts'

test('whatever part of the network fails, what was committed is in the ledger once', async (t) => {
  const replicas = { identity: 1, 'task-tracker': 2, accounting: 1, operations: 1, web: 1 }
  await using deployment = await Deployment.open('family 8', { replicas, roles: [] })
  const { stage, broker } = deployment
  const desk = await openDesk(deployment, 'manager', 'popug', 'popug', 'popug')
  const trackers = deployment.of('task-tracker')
  const [one, other] = trackers.map(({ links }) => links)
  const [ledger] = deployment.of('accounting').map(({ links }) => links)
  assert.ok(one && other && ledger)
  await broughtByBroker(deployment)

  const wellAgain = async () => {
    await recovers(deployment)
    await broughtByBroker(deployment)
    await stage.until('operations to know everybody', () => knowsEverybody(stage))
    await stage.until('web to show what all have', () => desk.look())
    await healthy(deployment)
    await stage.audit()
  }
  /** For a moment that is drawn. */
  const passes = () => {
    const end = performance.now() + stage.draw(50, 400)
    return stage.until('the moment', async () => performance.now() >= end)
  }
  /** Until something has run into it, and for a moment more. */
  const cutOff = async (links: readonly Proxy[], cut: Cut, also: readonly Proxy[]) => {
    const struck = sum(links, 'struck')
    const mend = await cut([...links, ...also])
    try {
      await stage.until('something to run into it', async () => sum(links, 'struck') > struck)
      await passes()
    } finally {
      await mend()
    }
  }
  const answered = (links: readonly Proxy[]) => {
    const answers = sum(links, 'answers')
    return stage.until('an answer to pass', async () => sum(links, 'answers') > answers)
  }
  for (const name of processes) {
    await t.test(`between ${name} and each of the others`, async () => {
      const all = deployment.of(name)
      const one = stage.clients.pick(all)
      await amidWork(deployment, desk, async () => {
        for (const { to, link, use } of waysOf(one)) {
          if (use === 'never') continue
          const [how, cut] = stage.clients.pick(Object.entries(use === 'log' ? cutsOfNew : cuts))
          process.stdout.write(`${name} and ${to}: ${how}\n`)
          // One of them reads logs, and does so when nobody brings it anything.
          const links = use === 'log' ? all.flatMap(waysOf).flatMap((way) => (way.to === to ? [way.link] : [])) : [link]
          if (use === 'always') await answered(links)
          await cutOff(links, cut, use === 'log' ? all.map(({ links: { broker } }) => broker) : [])
          await answered(links)
        }
      })
      await wellAgain()
    })
  }

  const together: Readonly<Record<string, readonly Proxy[]>> = {
    'both task trackers and the broker': [one.broker, other.broker],
    'accounting, the broker and the task tracker': [ledger.broker, ledger.services['task-tracker']],
  }
  for (const [between, links] of Object.entries(together)) {
    await t.test(`between ${between}`, async () => {
      for (const cut of Object.values(cuts)) {
        const harm = async () => {
          const mend = await cut(links)
          await passes()
          await mend()
        }
        await amidTraffic(deployment, 16, harm, desk)
        await recovers(deployment)
      }
      await wellAgain()
    })
  }

  await t.test('accounting from all who could tell it: what is undelivered is shown, and healed', async () => {
    const before = await fetched(deployment)
    const links = [ledger.broker, ledger.services['task-tracker']]
    const mend = await bothWays(links)
    await stage.traffic(desk, 20)
    const troubles = async () => (await Promise.all(deployment.of('accounting').map(troublesOf))).join()
    await stage.until('it to be shown', async () => /ledger.*producer unreachable/.test(await troubles()))
    assert.equal(await fetched(deployment), before)
    await mend()
    await recovers(deployment)
    await wellAgain()
  })

  await t.test('events that one task tracker published arrive after those of the other', async () => {
    const { length: before } = await messagesOf(broker)
    for (let round = 0; cameInOrder(await messagesOf(broker), before); round += 1) {
      assert.ok(round < 10, 'the broker got all events in order')
      one.broker.toServer.hold()
      for (const { process } of trackers) await stage.send(process, stage.clients.create())
      const { committed } = await progress(deployment)
      await stage.until('the other one to publish', async () => (await progress(deployment)).applied === committed)
      one.broker.toServer.release()
      await recovers(deployment)
    }
    await wellAgain()
  })

  await t.test('nobody has gone by any other way', () => {
    for (const part of deployment.parts)
      for (const { to, link, use } of waysOf(part))
        if (use === 'never') assert.equal(link.connections(), 0, `${part.name} and ${to}`)
  })
})

const sum = (links: readonly Proxy[], what: 'answers' | 'struck'): number =>
  links.reduce((all, link) => all + link[what](), 0)

const knowsEverybody = async ({ query }: Stage): Promise<boolean> => {
  const known = `select from operations.position p join identity.stream s on p.number = s.head where p.consumer = 'names'`
  return (await query(known)).length > 0
}

/** While harm is done people send commands and look at pages, and others join; what was not answered is insisted on. */
const amidWork = async (deployment: Deployment, desk: CrowdDesk, harm: () => Promise<void>): Promise<void> => {
  const { stage } = deployment
  const unknown: { order: Order; by: Callee | Desk }[] = []
  let isOver = false
  const work = async () => {
    while (!isOver) {
      const joining = stage.clients.invite('accountant')
      const joined = stage.send(deployment, joining)
      const open = await stage.traffic(desk, 6, 3)
      unknown.push(...open.map((order) => ({ order, by: desk })))
      await desk.look()
      if ('unknown' in (await joined)) unknown.push({ order: joining, by: deployment })
    }
  }
  const working = work()
  await harm().finally(() => (isOver = true))
  await working
  for (const { order, by } of unknown) await stage.insist(() => by, order)
}
