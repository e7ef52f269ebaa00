// Family 8: the network between any two parts loses one direction or both, or brings what it kept late and out of order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Proxy, Way } from '../../nats/proxy.ts'
import { cameInOrder, messagesOf } from './at-broker.ts'
import { Deployment } from './deployment.ts'
import { openDesk } from './desk.ts'
import { amidTraffic, broughtByBroker, fetched, healthy, progress, recovers, troublesOf } from './recovery.ts'

/** What becomes of a link; the result mends it. */
type Cut = (links: readonly Proxy[]) => Promise<() => Promise<void>>

const each = async (links: readonly Proxy[], act: (link: Proxy) => unknown): Promise<void> => {
  for (const link of links) await act(link)
}

/** What was on its way is lost, and so is the connection, when that is found out. */
const oneWay =
  (direction: (link: Proxy) => Way): Cut =>
  async (links) => {
    await each(links, (link) => direction(link).swallow())
    return () =>
      each(links, (link) => {
        link.cut()
        direction(link).release()
      })
  }

const bothWays: Cut = async (links) => {
  await each(links, (link) => link.away())
  return () => each(links, (link) => link.back())
}

/** Everything arrives, and much later than what came by other ways. */
const late: Cut = async (links) => {
  await each(links, (link) => {
    link.toServer.hold()
    link.toClient.hold()
  })
  return () =>
    each(links, (link) => {
      link.toServer.release()
      link.toClient.release()
    })
}

const cuts = [oneWay((link) => link.toServer), oneWay((link) => link.toClient), bothWays, late]

test('whatever part of the network fails, what was committed is in the ledger once', async (t) => {
  const replicas = { identity: 1, 'task-tracker': 2, accounting: 1, web: 1 }
  await using deployment = await Deployment.open('family 8', { replicas, roles: [] })
  const { stage, broker } = deployment
  const desk = await openDesk(deployment, 'manager', 'popug', 'popug', 'popug')
  const linksOf = (name: 'task-tracker' | 'accounting' | 'web') => deployment.of(name).map(({ links }) => links)
  const trackers = deployment.of('task-tracker')
  const [one, other] = linksOf('task-tracker')
  const [ledger] = linksOf('accounting')
  const [web] = linksOf('web')
  assert.ok(one && other && ledger && web)
  await broughtByBroker(deployment)

  const wellAgain = async () => {
    await broughtByBroker(deployment)
    await healthy(deployment)
    await stage.audit()
  }
  /** For a moment that is drawn. */
  const passes = () => {
    const end = performance.now() + stage.draw(50, 600)
    return stage.until('the moment', async () => performance.now() >= end)
  }

  const parts: Readonly<Record<string, readonly Proxy[]>> = {
    'both task trackers and the broker': [one.broker, other.broker],
    'accounting and the broker': [ledger.broker],
    'one task tracker and its database': [one.database],
    'accounting and its database': [ledger.database],
    'web and the task tracker': [web.services['task-tracker']],
    'accounting, the broker and the task tracker': [ledger.broker, ledger.services['task-tracker']],
  }
  for (const [between, links] of Object.entries(parts)) {
    await t.test(`between ${between}`, async () => {
      for (const cut of cuts) {
        await amidTraffic(
          deployment,
          16,
          async () => {
            const mend = await cut(links)
            await passes()
            await mend()
          },
          desk,
        )
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
})
