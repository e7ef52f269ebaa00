// The broker dies, freezes, loses everything or is not there yet: events arrive all the same, and soon by it again.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { seededRandom, seedOf } from '../support/random.ts'
import { openBroker } from './broker.ts'
import { authorStream, broughtByBroker, openStage, recoveryMs, within, writeLines } from './stage.ts'

/** Most of this is waiting. */
describe('the broker', { concurrency: 2 }, () => {
  test('events reach a consumer by the broker, and nobody reads the log for them', async () => {
    await using broker = await openBroker()
    await using stage = await openStage()
    const author = await stage.author(broker.url)
    await stage.archive(broker.url)
    await writeLines(author, 2_000)
    await stage.allApplied()
    await broughtByBroker(stage, author)
  })

  test('a broker that is killed at any moment of the traffic and started again loses nothing', async () => {
    await using broker = await openBroker()
    await using stage = await openStage()
    const author = await stage.author(broker.url)
    await stage.archive(broker.url)
    const random = seededRandom(seedOf('killed broker'))
    for (let round = 0; round < 3; round += 1) {
      const traffic = writeLines(author, 1_500)
      const moment = (await stage.committed()) + random.integer(1, 1_200)
      await eventually('the moment', async () => (await stage.committed()) >= moment)
      await broker.kill()
      await traffic
      await broker.start()
      await within(recoveryMs, 'the recovery', () => broughtByBroker(stage, author))
    }
    await stage.allApplied()
  })

  test('while the broker is away, events arrive by the log; when it is back, by it', async () => {
    await using broker = await openBroker()
    await using stage = await openStage()
    const author = await stage.author(broker.url)
    await stage.archive(broker.url)
    await broughtByBroker(stage, author)
    await broker.kill()
    await writeLines(author, 5_000)
    await stage.allApplied()
    assert.match(JSON.stringify((await author.health()).troubles), /the broker cannot be reached/)
    await broker.start()
    await within(recoveryMs, 'the recovery', () => broughtByBroker(stage, author))
    await eventually('no trouble', async () => Object.keys((await author.health()).troubles).length === 0)
  })

  test('a broker that lost its storage gets its streams again', async () => {
    await using broker = await openBroker()
    await using stage = await openStage()
    const author = await stage.author(broker.url)
    await stage.archive(broker.url)
    await writeLines(author, 500)
    await stage.allApplied()
    await broker.kill()
    await writeLines(author, 500)
    await broker.wipe()
    await broker.start()
    await within(recoveryMs, 'the recovery', () => broughtByBroker(stage, author))
    const { config } = await broker.manage((jsm) => jsm.streams.info(authorStream))
    assert.equal(config.num_replicas, 1)
  })

  test('a broker that froze holds nobody up, and brings events again when it wakes', async () => {
    await using broker = await openBroker()
    await using stage = await openStage()
    const author = await stage.author(broker.url)
    await stage.archive(broker.url)
    await broughtByBroker(stage, author)
    broker.freeze()
    await writeLines(author, 500)
    await within(recoveryMs, 'the way by the log', () => stage.allApplied())
    broker.wake()
    await within(recoveryMs, 'the recovery', () => broughtByBroker(stage, author))
  })

  test('services start without a broker, and use it when it comes', async () => {
    await using broker = await openBroker({ away: true })
    await using stage = await openStage()
    const author = await stage.author(broker.url)
    await stage.archive(broker.url)
    await writeLines(author, 500)
    await stage.allApplied()
    await broker.start()
    await within(recoveryMs, 'the first connection', () => broughtByBroker(stage, author))
  })
})
