// What the broker keeps is deleted, emptied, cut off or set up otherwise: the log has everything, and it is made anew.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Host } from '../../kernel/host.ts'
import { eventually } from '../support/eventually.ts'
import { type Broker, openBroker } from './broker.ts'
import { cutTail, deleteConsumers, deleteStream, purge } from './damage.ts'
import { openProxy, type Proxy } from './proxy.ts'
import { authorStream, broughtByBroker, openStage, recoveryMs, type Stage, within, writeLines } from './stage.ts'

let broker: Broker
let toArchive: Proxy
let stage: Stage
let author: Host
before(async () => {
  broker = await openBroker()
  toArchive = await openProxy(broker.port)
  stage = await openStage()
  author = await stage.author(broker.url)
  await stage.archive(toArchive.url)
})
beforeEach(() => broughtByBroker(stage, author))
after(async () => {
  await stage[Symbol.asyncDispose]()
  await toArchive[Symbol.asyncDispose]()
  await broker[Symbol.asyncDispose]()
})

const recovers = () => within(recoveryMs, 'the recovery', () => broughtByBroker(stage, author))

/** Does it in the middle of traffic. */
const duringTraffic = async (act: () => Promise<unknown>): Promise<void> => {
  const traffic = writeLines(author, 1_500)
  const moment = (await stage.committed()) + 500
  await eventually('some traffic', async () => (await stage.committed()) >= moment)
  await act()
  await traffic
}

describe('a stream at the broker', () => {
  test('that is deleted in the middle of traffic is made anew', async () => {
    await duringTraffic(() => deleteStream(broker, authorStream))
    await recovers()
  })

  test('that is purged in the middle of traffic goes on', async () => {
    await duringTraffic(() => purge(broker, authorStream))
    await recovers()
  })

  test('whose consumer is deleted in the middle of traffic gets another one', async () => {
    await duringTraffic(async () => assert.equal(await deleteConsumers(broker, authorStream), 1))
    await recovers()
  })

  test('whose tail is cut off by a crash, before a consumer has read it: the head tells, though nothing more is said', async () => {
    await toArchive.away()
    await writeLines(author, 500)
    await eventually('all to be published', async () => {
      const [row] = await stage.database.query<{ all: boolean }>(
        'select published = head and not exists (select from author.outbox) as all from author.stream',
      )
      return row?.all
    })
    await broker.kill()
    await cutTail(broker, authorStream)
    await broker.start()
    await toArchive.back()
    await within(recoveryMs, 'the recovery', () => stage.allApplied())
    await recovers()
  })

  test('that is deleted while the broker is idle is there when it is needed', async () => {
    await deleteStream(broker, authorStream)
    await recovers()
  })
})
