// A cluster of three brokers under load: one dies, the leader dies, one is cut off, and most of them are away.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Host } from '../../kernel/host.ts'
import { eventually } from '../support/eventually.ts'
import { rememberingLog } from '../support/remembering.ts'
import { seededRandom, seedOf } from '../support/random.ts'
import type { Broker } from './broker.ts'
import { type Cluster, openCluster } from './cluster.ts'
import { busAt, producerOf } from './listening.ts'
import { authorStream, broughtByBroker, openStage, recoveryMs, type Stage, within, writeLines } from './stage.ts'

/** Until a cluster has elected, caught up and brings events again. Until then they are read from the log. */
const wholeMs = 40_000

describe('a cluster of three brokers', () => {
  const random = seededRandom(seedOf('cluster'))
  let cluster: Cluster
  let stage: Stage
  let author: Host
  before(async () => {
    cluster = await openCluster()
    stage = await openStage()
    author = await stage.author(cluster.url, { copies: 3 })
    await stage.archive(cluster.url, { copies: 3 })
    await broughtByBroker(stage, author, wholeMs)
    await cluster.inStep(authorStream)
  })
  afterEach(async () => {
    await broughtByBroker(stage, author, wholeMs)
    await cluster.inStep(authorStream)
  })
  after(async () => {
    await stage[Symbol.asyncDispose]()
    await cluster[Symbol.asyncDispose]()
  })

  /** In the middle of traffic; events go on being applied, and those of now within seconds. */
  const duringTraffic = async (act: () => Promise<unknown>, by: Host = author): Promise<void> => {
    const traffic = writeLines(by, 2_000)
    const moment = (await stage.committed()) + random.integer(1, 1_500)
    await eventually('some traffic', async () => (await stage.committed()) >= moment)
    await act()
    const last = await stage.committed()
    await writeLines(by, 1)
    await within(recoveryMs, 'the recovery', async () => {
      await eventually('an event of now', async () => (await stage.applied()) > last)
    })
    await traffic
    await stage.allApplied()
  }
  const nameOf = (node: Broker) => `node-${cluster.nodes.indexOf(node)}`
  const otherThan = (node: Broker) => cluster.nodes.find((other) => other !== node) ?? assert.fail()
  /** Resolves when this node has acknowledged something for the stream, by a client of its own. */
  const takenBy = async (node: Broker) => {
    await using bus = busAt(node.url)
    await bus.publish(producerOf(1).batch(1, 1))
  }
  const leader = () => cluster.leaderOf(authorStream)
  const follower = async (): Promise<Broker> => {
    const leading = await leader()
    const others = cluster.nodes.filter((node) => node !== leading)
    return others[random.integer(0, others.length - 1)] ?? assert.fail()
  }

  test('has three copies of each stream', async () => {
    const { config, cluster: copies } = await (await leader()).manage((jsm) => jsm.streams.info(authorStream))
    assert.equal(config.num_replicas, 3)
    assert.equal(copies?.replicas?.length, 2)
  })

  test('warns of whoever asks it for fewer copies, with the mend', async () => {
    const { log, lines } = rememberingLog()
    await using bus = busAt(cluster.url, log)
    await bus.publish(producerOf(1).heartbeat())
    assert.match(lines.join(), /settings endanger events .*set ATES_NATS_REPLICAS to 3/)
  })

  test('loses one that only follows', async () => {
    const one = await follower()
    await duringTraffic(() => one.kill())
    await broughtByBroker(stage, author, wholeMs)
    await one.start()
  })

  test('loses the one that leads, and elects another one', async () => {
    const one = await leader()
    await duringTraffic(() => one.kill())
    assert.notEqual(await leader(), one)
    await broughtByBroker(stage, author, wholeMs)
    await one.start()
  })

  test('is cut in two: the leader that is alone with its clients takes nothing more, and all arrives all the same', async () => {
    const one = await leader()
    await using inMinority = await stage.author(one.url, { copies: 3 })
    await broughtByBroker(stage, inMinority, wholeMs)
    await duringTraffic(() => cluster.cutOff(one), inMinority)
    const elected = async () => (await otherThan(one).manage((jsm) => jsm.streams.info(authorStream))).cluster?.leader
    await eventually(
      'the others to elect',
      async () => ![undefined, '', nameOf(one)].includes(await elected().catch(() => undefined)),
      wholeMs,
    )
    await assert.rejects(takenBy(one), 'the minority has taken something')
    await cluster.join(one)
    await cluster.inStep(authorStream)
    await broughtByBroker(stage, inMinority, wholeMs)
  })

  test('loses most of its nodes: what is left takes nothing, and all arrives by the log', async () => {
    const most = [await leader(), await follower()]
    await duringTraffic(() => Promise.all(most.map((one) => one.kill())))
    await eventually('the trouble to be said', async () => Object.keys((await author.health()).troubles).length > 0)
    await duringTraffic(() => Promise.all(most.map((one) => one.start())))
  })
})
