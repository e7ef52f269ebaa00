// Family 5: the broker is killed, is away for the traffic of ten minutes, acknowledges late, or its acknowledgements
// are lost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plantTasks } from '../planting.ts'
import { Deployment } from './deployment.ts'
import {
  amidTraffic,
  broughtByBroker,
  fetched,
  healthy,
  progress,
  recovers,
  troublesOf,
  unpublishedShown,
} from './recovery.ts'

/** Five events a second, which is what a company of some thousand people makes. */
const tenMinutesOfEvents = 3_000

test('whatever becomes of the broker, what was committed is in the ledger once', async (t) => {
  await using deployment = await Deployment.open('family 5')
  const { stage, broker } = deployment
  const trackers = deployment.of('task-tracker')
  await broughtByBroker(deployment)

  await t.test('it is killed at any moment of the traffic, and started again', async () => {
    for (let round = 0; round < 3; round += 1) {
      await amidTraffic(deployment, 60, async () => {
        await broker.kill()
        await stage.traffic(deployment, stage.draw(1, 20))
        await broker.start()
      })
      await recovers(deployment)
    }
    await broughtByBroker(deployment)
    await stage.audit()
  })

  await t.test('it is away for the traffic of ten minutes: events arrive all the same, and it is said', async () => {
    const before = await fetched(deployment)
    await broker.kill()
    const committed = await plantTasks(stage, tenMinutesOfEvents)
    committed()
    await stage.traffic(deployment, 50, 8)
    const { committed: last, published } = await progress(deployment)
    await stage.until('all to be in the ledger', async () => (await progress(deployment)).applied >= last)
    assert.ok(published < last - tenMinutesOfEvents + 1, 'events were published without a broker')
    assert.ok((await fetched(deployment)) >= before + tenMinutesOfEvents)
    await unpublishedShown(deployment)
    assert.match((await Promise.all(trackers.map(troublesOf))).join(), /the broker cannot be reached/)
    await broker.start()
    await recovers(deployment)
    await broughtByBroker(deployment)
    await healthy(deployment)
    await stage.audit()
  })

  await t.test('its acknowledgements are slow', async () => {
    for (const { links } of trackers) links.broker.toClient.hold()
    const traffic = stage.traffic(deployment, 60, 8)
    await unpublishedShown(deployment)
    assert.deepEqual(await traffic, [])
    for (const { links } of trackers) links.broker.toClient.release()
    await recovers(deployment)
    await broughtByBroker(deployment)
    await stage.audit()
  })

  await t.test('its acknowledgements are lost, so that events are published again', async () => {
    for (const { links } of trackers) links.broker.toClient.swallow()
    const { published } = await progress(deployment)
    await amidTraffic(deployment, 60, async () => {
      await stage.until('events without acknowledgement', async () => (await progress(deployment)).applied > published)
      for (const { links } of trackers) links.broker.cut()
    })
    for (const { links } of trackers) links.broker.toClient.release()
    await recovers(deployment)
    await broughtByBroker(deployment)
    await stage.audit()
  })
})
