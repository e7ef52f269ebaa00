// Three NATS servers of the test's own that are one cluster, on the loopback.
import type { JetStreamManager } from '@nats-io/jetstream'
import { freePorts } from '../support/free-ports.ts'
import { eventually } from '../support/eventually.ts'
import { type Broker, openBroker } from './broker.ts'

export interface Cluster extends AsyncDisposable {
  readonly nodes: readonly Broker[]
  /** Of all of them, as a setting. */
  readonly url: string
  /** The node that leads a stream. Waits until there is one. */
  leaderOf(stream: string): Promise<Broker>
  /** Resolves when each copy of a stream is where its leader is. */
  inStep(stream: string): Promise<void>
}

const size = 3
/** A cluster elects within nine seconds of a loss. */
const electionMs = 30_000

export const openCluster = async (): Promise<Cluster> => {
  const ports = await freePorts(size)
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`)
  const argsOf = (index: number) => [
    `--server_name=node-${index}`,
    '--cluster_name=ates-test',
    `--cluster=${routes[index]}`,
    `--routes=${routes.filter((_route, other) => other !== index).join()}`,
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
    [Symbol.asyncDispose]: async () => {
      for (const node of nodes) node.wake()
      for (const node of nodes) await node[Symbol.asyncDispose]()
    },
  }
}
