// Family 15: the last event vanishes on its way, and then nobody says anything any more.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { purge } from '../../nats/damage.ts'
import { taskEvents } from './at-broker.ts'
import { recoveryMs } from '../recovery.ts'
import { Deployment } from './deployment.ts'
import { broughtByBroker, fetched, healthy, progress, recovers, undeliveredShown } from './recovery.ts'

test('a last event that vanished is noticed in silence, shown, and read from the log', async (t) => {
  const replicas = { identity: 1, 'task-tracker': 2, accounting: 1 }
  await using deployment = await Deployment.open('family 15', { replicas })
  const { stage, broker } = deployment
  const [ledger] = deployment.of('accounting').map(({ links }) => links)
  assert.ok(ledger)
  const { broker: toBroker, services } = ledger
  const toLog = services['task-tracker']

  /** Published, and gone before accounting has heard of it; nothing follows. */
  const lastEventVanishes = async () => {
    await broughtByBroker(deployment)
    await toBroker.away()
    await toLog.away()
    assert.ok('acknowledged' in (await stage.send(deployment, stage.clients.create())))
    await stage.until('it to be published', async () => {
      const { committed, published } = await progress(deployment)
      return committed === published
    })
    await purge(broker, taskEvents.stream)
  }
  const isInLedger = async () => {
    const begun = performance.now()
    await stage.until('it is in the ledger', async () => {
      const { committed, applied } = await progress(deployment)
      return committed === applied
    })
    assert.ok(performance.now() - begun < recoveryMs)
  }
  const wellAgain = async () => {
    await stage.audit()
    await recovers(deployment)
    await broughtByBroker(deployment)
    await healthy(deployment)
    await stage.audit()
  }

  await t.test('the heartbeat tells of it', async () => {
    await lastEventVanishes()
    const late = await fetched(deployment, 'late')
    const silent = await fetched(deployment, 'silent')
    await toBroker.back()
    await undeliveredShown(deployment)
    await toLog.back()
    await isInLedger()
    assert.deepEqual(
      [await fetched(deployment, 'late'), await fetched(deployment, 'silent')],
      [late + 1, silent],
      'something else than the heartbeat told',
    )
    await wellAgain()
  })

  await t.test('where no heartbeat is heard either, the producer is asked', async () => {
    await lastEventVanishes()
    const silent = await fetched(deployment, 'silent')
    await toLog.back()
    await isInLedger()
    assert.equal(await fetched(deployment, 'silent'), silent + 1)
    await toBroker.back()
    await wellAgain()
  })
})
