// A NATS server of the test's own, with its own port and storage, which is killed, frozen, emptied and started again.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { SmallDisk } from '../servers/small-disk.ts'
import { eventually } from '../support/eventually.ts'
import { freePorts } from '../support/free-ports.ts'

export interface BrokerOptions {
  /** Further arguments of nats-server. */
  readonly args?: readonly string[]
  /** Where its storage lies, when not on the disk of all temporary files. */
  readonly disk?: SmallDisk
  /** How much JetStream believes that it may store, instead of what it finds free. */
  readonly mostBytes?: number
  /** Started later, by `start`. */
  readonly away?: boolean
  /** False leaves JetStream out. */
  readonly jetStream?: boolean
}

export interface Broker extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Where its streams are. */
  readonly storage: string
  /** On the same port and storage. Resolves when it answers. */
  start(): Promise<void>
  /** kill -9. */
  kill(): Promise<void>
  freeze(): void
  wake(): void
  /** Takes all storage away. It must not be running. */
  wipe(): Promise<void>
  /** For a look at its streams, and to damage them, by a connection of its own. */
  manage<T>(work: (jsm: JetStreamManager, nc: NatsConnection) => Promise<T>): Promise<T>
}

export const manageAt: <T>(
  url: string,
  work: (jsm: JetStreamManager, nc: NatsConnection) => Promise<T>,
) => Promise<T> = async (url, work) => {
  const nc = await connect({ servers: url, timeout: 2_000, reconnect: false })
  try {
    return await work(await jetstreamManager(nc, { timeout: 2_000 }), nc)
  } finally {
    await nc.close()
  }
}

/** The name of a file in a folder of its own. */
const fileWith = async (text: string): Promise<string> => {
  const file = join(await mkdtemp(join(tmpdir(), 'ates-test-nats-')), 'server.conf')
  await writeFile(file, text)
  return file
}

export const openBroker = async ({
  args = [],
  disk,
  mostBytes,
  away = false,
  jetStream = true,
}: BrokerOptions = {}): Promise<Broker> => {
  const storage = disk?.folder ?? (await mkdtemp(join(tmpdir(), 'ates-test-nats-')))
  const [port = 0] = await freePorts(1)
  const url = `nats://127.0.0.1:${port}`
  let server: ChildProcess | null = null

  // There is no argument for it.
  const limits = mostBytes === undefined ? null : await fileWith(`jetstream { max_file_store: ${mostBytes} }`)
  const start = async () => {
    const own = [
      '-a',
      '127.0.0.1',
      '-p',
      String(port),
      '-sd',
      storage,
      ...(jetStream ? ['-js'] : []),
      ...(limits ? ['-c', limits] : []),
    ]
    const [command = '', ...rest] = [...(disk?.enter ?? []), 'nats-server', ...own, ...args]
    const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] })
    server = child
    let said = ''
    child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-4_000)))
    await eventually('nats-server to be ready', () => {
      if (child.exitCode !== null) throw new Error(`nats-server ended: ${said}`)
      return said.includes('Server is ready')
    })
  }
  const kill = async () => {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return
    const exit = once(server, 'exit')
    server.kill('SIGKILL')
    await exit
  }
  if (!away) await start()
  return {
    port,
    url,
    storage,
    start,
    kill,
    freeze: () => void server?.kill('SIGSTOP'),
    wake: () => void server?.kill('SIGCONT'),
    wipe: () => rm(join(storage, 'jetstream'), { recursive: true, force: true }),
    manage: (work) => manageAt(url, work),
    [Symbol.asyncDispose]: async () => {
      await kill()
      if (limits) await rm(dirname(limits), { recursive: true })
      if (!disk) await rm(storage, { recursive: true, force: true })
    },
  }
}
