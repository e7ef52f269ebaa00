// Several replicas of everything on one broker: each event is applied once, whoever of them dies or freezes.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Broker, openBroker } from './broker.ts'
import type { ReplicaProcess } from './replica-process.ts'
import { startReplica } from './replica-process.ts'
import { eventually } from '../support/eventually.ts'
import { upTo } from '../support/fixture-system.ts'
import { stepwise } from '../support/stepwise.ts'
import { openStage, recoveryMs, type Stage, within, writeLines } from './stage.ts'

type Pair = readonly [ReplicaProcess, ReplicaProcess]

const openPair = async (stage: Stage, broker: Broker): Promise<Pair> => {
  const pair = await Promise.all([startReplica(stage, broker.url), startReplica(stage, broker.url)])
  return [pair[0], pair[1]]
}

/** Who of the two applies now, and who does not. */
const holderOf = ([one, other]: Pair): Pair => (one.applied.at > other.applied.at ? [one, other] : [other, one])

describe('replicas', { concurrency: 2 }, () => {
  test('of producers and consumers share the work, and every event is applied once and in order', async () => {
    await using broker = await openBroker()
    await using stage = await openStage()
    const authors = [await stage.author(broker.url), await stage.author(broker.url)]
    const archives = [await stage.archive(broker.url), await stage.archive(broker.url)]
    await Promise.all(upTo(8).map((page) => writeLines(authors[page % 2] ?? assert.fail(), 1_000, page)))
    await stage.allApplied(20_000)
    for (const archive of archives) {
      // In whichever order they stop: what is left goes on.
      await archive.stop()
      if (archive === archives.at(-1)) await stage.archive(broker.url)
      await writeLines(authors[0] ?? assert.fail(), 100)
      await within(recoveryMs, 'the handing over', () => stage.allApplied())
    }
  })

  test('one that is killed while it applies is replaced within five seconds', async () => {
    await using broker = await openBroker()
    await using stage = await openStage()
    const author = await stage.author(broker.url)
    const pair = await openPair(stage, broker)
    await using one = pair[0]
    await using two = pair[1]
    await writeLines(author, 500)
    await stage.allApplied()
    const [holder, other] = holderOf([one, two])
    const before = holder.applied.number
    const traffic = writeLines(author, 3_000)
    await holder.hasApplied(before)
    await holder.kill()
    await within(recoveryMs, 'the next event', () => other.hasApplied(before))
    await traffic
    await stage.allApplied()
  })

  for (const when of ['before', 'after'] as const) {
    test(`one that froze ${when} the commit of what it applies is replaced, and does no harm when it wakes`, async () => {
      await using broker = await openBroker()
      await using stage = await openStage()
      const author = await stage.author(broker.url)
      const pair = await openPair(stage, broker)
      await using one = pair[0]
      await using two = pair[1]
      await writeLines(author, 100)
      await stage.allApplied()
      const [holder, other] = holderOf([one, two])
      const before = other.applied.number
      holder.freezeAt({ step: 'apply.KeepLines', of: 'archive', when })
      const traffic = writeLines(author, 1_000)
      await eventually('the holder to freeze', () => holder.frozen)
      await traffic
      await other.hasApplied(before)
      await stage.allApplied()
      // With a page of events in hand that others have applied long ago.
      holder.wake()
      await writeLines(author, 500)
      await stage.allApplied()
    })
  }

  test('one whose relay froze with numbered events in hand: the others publish them', async () => {
    await using broker = await openBroker()
    await using stage = await openStage()
    using numbering = stepwise('relay.number')
    const author = await stage.author(broker.url, { decorate: numbering.database })
    await stage.archive(broker.url)
    await using replica = await startReplica(stage, broker.url)
    await writeLines(author, 100)
    await stage.allApplied()
    replica.freezeAt({ step: 'relay.number', of: 'author', when: 'after' })
    // The author's own relay learns of its events first: only while it waits are they numbered by the replica for certain.
    numbering.stop()
    await writeLines(author, 5)
    await eventually('the replica to freeze', () => replica.frozen)
    numbering.free()
    await within(2 * recoveryMs, 'the rest', () => stage.allApplied())
    replica.wake()
    await writeLines(author, 100)
    await stage.allApplied()
  })
})
