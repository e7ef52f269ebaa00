// Three NATS servers of the test's own that are one cluster, on the loopback; what they say to each other passes a proxy for
// each direction, so that one of them can be cut off from the others and not from its clients.
import type { JetStreamManager } from '@nats-io/jetstream'
import { freePorts } from '../support/free-ports.ts'
import { eventually } from '../support/eventually.ts'
import { type Broker, openBroker } from './broker.ts'
import { openProxy, type Proxy } from './proxy.ts'

export interface Cluster extends AsyncDisposable {
  readonly nodes: readonly Broker[]
  /** Of all of them, as a setting. */
  readonly url: string
  /** The node that leads a stream. Waits until there is one. */
  leaderOf(stream: string): Promise<Broker>
  /** Resolves when each copy of a stream is where its leader is. */
  inStep(stream: string): Promise<void>
  /** From now on a node and the others do not hear each other; whoever is connected to it stays so. */
  cutOff(node: Broker): Promise<void>
  /** They hear each other again. */
  join(node: Broker): Promise<void>
}

const size = 3
/** A cluster elects within nine seconds of a loss. */
const electionMs = 30_000

/** Nobody listens there. */
const nowhere = '127.0.0.1:1'

/** By which one node calls another. */
interface NodeLink {
  readonly from: number
  readonly to: number
  readonly proxy: Proxy
}

const openLinks = (ports: readonly number[]): Promise<readonly NodeLink[]> =>
  Promise.all(
    ports.flatMap((_port, from) =>
      ports.flatMap((port, to) => (from === to ? [] : openProxy(port).then((proxy) => ({ from, to, proxy })))),
    ),
  )

export const openCluster = async (): Promise<Cluster> => {
  const ports = await freePorts(size)
  const links = await openLinks(ports)
  const argsOf = (index: number) => [
    `--server_name=node-${index}`,
    '--cluster_name=ates-test',
    `--cluster=nats://127.0.0.1:${ports[index]}`,
    // Nodes tell each other where the others are: nowhere, or they would pass by the proxies.
    `--cluster_advertise=${nowhere}`,
    `--routes=${links.flatMap(({ from, proxy }) => (from === index ? proxy.url : [])).join()}`,
  ]
  const nodes = await Promise.all(ports.map((_port, index) => openBroker({ args: argsOf(index) })))

  /** Asks any node that answers. */
  const ask = async <T>(work: (jsm: JetStreamManager) => Promise<T>): Promise<T | null> => {
    for (const node of nodes) {
      const answer = await node.manage(work).catch(() => null)
      if (answer !== null) return answer
    }
    return null
  }
  const clusterOf = (stream: string) => ask(async (jsm) => (await jsm.streams.info(stream)).cluster ?? null)

  const around = (node: Broker): readonly NodeLink[] =>
    links.filter(({ from, to }) => [from, to].includes(nodes.indexOf(node)))

  await eventually('the cluster to have a leader', () => ask((jsm) => jsm.getAccountInfo()), electionMs)
  return {
    nodes,
    url: nodes.map(({ url }) => url).join(),
    leaderOf: (stream) =>
      eventually(
        `a leader of ${stream}`,
        async () => nodes[Number((await clusterOf(stream))?.leader?.split('-')[1] ?? size)],
        electionMs,
      ),
    inStep: async (stream) => {
      await eventually(
        `all copies of ${stream}`,
        async () => {
          const cluster = await clusterOf(stream)
          const others = cluster?.replicas ?? []
          return others.length === size - 1 && others.every(({ current, offline }) => current && !offline)
        },
        electionMs,
      )
    },
    cutOff: async (node) => {
      for (const { proxy } of around(node)) await proxy.away()
    },
    join: async (node) => {
      for (const { proxy } of around(node)) await proxy.back()
    },
    [Symbol.asyncDispose]: async () => {
      for (const { proxy } of links) await proxy[Symbol.asyncDispose]()
      for (const node of nodes) await node[Symbol.asyncDispose]()
    },
  }
}
