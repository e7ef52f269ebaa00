// Family 10: a consumer far behind what comes, and a storm of messages that came before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plantTasks } from '../planting.ts'
import { messagesOf, taskEvents } from './at-broker.ts'
import { Deployment } from './deployment.ts'
import { broughtByBroker, fetched, healthy, progress, recovers, undeliveredShown } from './recovery.ts'

/** More than a reader holds, in far more messages than the broker may send ahead of it. */
const flood = 11_000
/** How often each of the messages comes again. */
const times = 8

test('a consumer that cannot keep pace, or hears everything again and again, has each event once', async (t) => {
  const replicas = { identity: 1, 'task-tracker': 2, accounting: 2 }
  await using deployment = await Deployment.open('family 10', { replicas })
  const { stage, broker } = deployment
  await broughtByBroker(deployment)

  const wellAgain = async () => {
    await recovers(deployment)
    await broughtByBroker(deployment)
    await healthy(deployment)
    await stage.audit()
  }
  /** As a transaction would that holds the ledger's position for long. */
  const holdLedger = async () => {
    const client = await stage.ground.connect()
    await client.query('begin')
    await client.query(`select from accounting.position where consumer = 'ledger' for update`)
    return client
  }

  await t.test('it stands still while far more comes than it holds', async () => {
    const full = await fetched(deployment, 'full')
    await using held = await holdLedger()
    const { applied } = await progress(deployment)
    for (let planted = 0; planted < flood; planted += 1_000) (await plantTasks(stage, 1_000))()
    await undeliveredShown(deployment)
    await stage.until('all to be published', async () => {
      const { committed, published } = await progress(deployment)
      return committed === published
    })
    assert.equal((await progress(deployment)).applied, applied)
    await held[Symbol.asyncDispose]()
    await recovers(deployment)
    assert.ok((await fetched(deployment, 'full')) > full, 'all of it was held')
    await wellAgain()
  })

  await t.test('it is frozen, and then everything comes at once', async () => {
    for (const { process } of deployment.of('accounting')) process.signal('SIGSTOP')
    const committed = await plantTasks(stage, 2_000)
    committed()
    await stage.traffic(deployment, 40, 8)
    for (const { process } of deployment.of('accounting')) process.signal('SIGCONT')
    await wellAgain()
  })

  await t.test('all messages come again many times and in any order, amid new ones', async () => {
    const messages = await messagesOf(broker)
    const traffic = stage.traffic(deployment, 60, 8)
    await broker.manage(async (_jsm, nc) => {
      for (let sent = 0; sent < times * messages.length; sent += 1)
        nc.publish(taskEvents.subject, stage.clients.pick(messages))
      await nc.flush()
    })
    assert.deepEqual(await traffic, [])
    await wellAgain()
  })

  await t.test('the relay says all of its log again, several times over', async () => {
    for (let round = 0; round < 2; round += 1) {
      await stage.query('update task_tracker.stream set published = 0')
      await stage.traffic(deployment, 20, 8)
    }
    await wellAgain()
  })
})
