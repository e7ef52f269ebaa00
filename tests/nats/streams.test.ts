// What the broker keeps is deleted, emptied, cut off or set up otherwise: the log has everything, and it is made anew.
import assert from 'node:assert/strict'
import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Host } from '../../kernel/host.ts'
import { eventually } from '../support/eventually.ts'
import { type Broker, openBroker } from './broker.ts'
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

const deleteStream = () => broker.manage((jsm) => jsm.streams.delete(authorStream))
const purge = () => broker.manage((jsm) => jsm.streams.purge(authorStream))
const deleteConsumers = () =>
  broker.manage(async (jsm) => {
    const names: string[] = []
    for await (const { name } of jsm.consumers.list(authorStream)) names.push(name)
    assert.equal(names.length, 1)
    for (const name of names) await jsm.consumers.delete(authorStream, name)
  })

/** Takes the second half of the file with the newest messages away. */
const cutTail = async (): Promise<void> => {
  const folder = join(broker.storage, 'jetstream', '$G', 'streams', authorStream, 'msgs')
  const blocks = (await readdir(folder)).filter((name) => name.endsWith('.blk'))
  const newest = blocks.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).at(-1)
  assert.ok(newest !== undefined)
  const { size } = await stat(join(folder, newest))
  await truncate(join(folder, newest), size >> 1)
}

describe('a stream at the broker', () => {
  test('that is deleted in the middle of traffic is made anew', async () => {
    await duringTraffic(deleteStream)
    await recovers()
  })

  test('that is purged in the middle of traffic goes on', async () => {
    await duringTraffic(purge)
    await recovers()
  })

  test('whose consumer is deleted in the middle of traffic gets another one', async () => {
    await duringTraffic(deleteConsumers)
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
    await cutTail()
    await broker.start()
    await toArchive.back()
    await within(recoveryMs, 'the recovery', () => stage.allApplied())
    await recovers()
  })

  test('that is deleted while the broker is idle is there when it is needed', async () => {
    await deleteStream()
    await recovers()
  })
})
