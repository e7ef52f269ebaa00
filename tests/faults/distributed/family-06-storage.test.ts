// Family 6: what the broker keeps is wiped, deleted, cut off or purged: it only has to be the faster way.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cutTail, deleteConsumers, deleteStream, purge } from '../../nats/damage.ts'
import { taskEvents } from './at-broker.ts'
import { Deployment } from './deployment.ts'
import { amidTraffic, broughtByBroker, fetched, healthy, progress, recovers, undeliveredShown } from './recovery.ts'

test('whatever becomes of what the broker keeps, what was committed is in the ledger once', async (t) => {
  await using deployment = await Deployment.open('family 6')
  const { stage, broker } = deployment
  const ledgers = deployment.of('accounting')
  await broughtByBroker(deployment)

  /** Traffic that reaches the broker and not the ledger, from where on nobody reads the log. */
  const publishUnheard = async () => {
    for (const { links } of ledgers) await links.broker.away()
    for (const { links } of ledgers) await links.services['task-tracker'].away()
    await stage.traffic(deployment, 20, 8)
    await stage.until('all to be published', async () => {
      const { committed, published } = await progress(deployment)
      return committed === published
    })
  }
  const logAgain = async () => {
    for (const { links } of ledgers) await links.services['task-tracker'].back()
  }
  const brokerAgain = async () => {
    for (const { links } of ledgers) await links.broker.back()
  }
  const isWellAgain = async () => {
    await recovers(deployment)
    await broughtByBroker(deployment)
    await healthy(deployment)
    await stage.audit()
  }

  await t.test('all its storage is wiped', async () => {
    await amidTraffic(deployment, 60, async () => {
      await broker.kill()
      await broker.wipe()
      await broker.start()
    })
    await isWellAgain()
  })

  await t.test('a stream is deleted', async () => {
    await amidTraffic(deployment, 60, () => deleteStream(broker, taskEvents.stream))
    await isWellAgain()
  })

  await t.test('a consumer is deleted', async () => {
    await amidTraffic(deployment, 60, async () => {
      assert.ok((await deleteConsumers(broker, taskEvents.stream)) > 0)
    })
    await isWellAgain()
  })

  await t.test(
    'the tail of a stream is cut off by a crash before anybody has read it: that is seen and healed',
    async () => {
      const before = await fetched(deployment)
      await publishUnheard()
      await broker.kill()
      await cutTail(broker, taskEvents.stream)
      await broker.start()
      await brokerAgain()
      await undeliveredShown(deployment)
      await logAgain()
      await isWellAgain()
      assert.ok((await fetched(deployment)) > before, 'nothing was read from the log')
    },
  )

  await t.test(
    'it is purged and hears the same events again at once: it takes them, and the ledger has them once',
    async () => {
      await publishUnheard()
      await purge(broker, taskEvents.stream)
      await brokerAgain()
      await undeliveredShown(deployment)
      const before = await fetched(deployment)
      const areBrought = async () => {
        const { committed, applied, published } = await progress(deployment)
        // As if it were not known that these were published; again when they came before the reader was there.
        if (applied < committed && published === committed)
          await stage.query(`update task_tracker.stream set published = ${applied}`)
        return committed === applied
      }
      await stage.until('the broker to bring them', areBrought)
      assert.equal(await fetched(deployment), before, 'the log was read')
      // And all of it once more, most of which was applied long ago.
      await stage.query(`update task_tracker.stream set published = 0`)
      await logAgain()
      await isWellAgain()
    },
  )
})
