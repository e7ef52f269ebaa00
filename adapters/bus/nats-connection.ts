// One connection to the broker for all who need it; when it is lost, whoever needs one next makes a new one.
import { type JetStreamClient, jetstream, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node'
import type { Log } from '../../kernel/ports.ts'
import { Fault } from '../../kernel/result.ts'
import { serverDangers } from './nats-settings.ts'

export interface Link {
  readonly nc: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
  /** Aborted when this connection has ended, for whatever reason. */
  readonly lost: AbortSignal
}

export interface Connection {
  /** Connects when there is no connection. Throws `Fault('unavailable')` when that does not succeed, and after `close`. */
  ready(): Promise<Link>
  /** Ends the connection. Repeatable. */
  close(): Promise<void>
}

export const unavailable = (message: string, cause?: unknown): Fault => new Fault('unavailable', message, { cause })

/** The longest wait for any one answer of the broker. */
export const answerMs = 2_000
/** Whoever asks again sooner than this after a failure gets the same failure. */
const retryMs = 200

/**
 * The library would connect again by itself, but keeps what depended on the old connection waiting for its own long
 * timers. Here everything begins anew with a new connection.
 */
const fixedOptions = {
  name: 'ates',
  reconnect: false,
  timeout: answerMs,
  pingInterval: 1_000,
  maxPingOut: 2,
  noAsyncTraces: true,
} satisfies ConnectionOptions

/** Who we are stands in the first address, as in `nats://user:password@host` or `nats://token@host`. */
export const optionsOf = (url: string): ConnectionOptions => {
  const addresses = url.split(',').map((one) => new URL(one))
  const [first] = addresses
  const user = decodeURIComponent(first?.username ?? '')
  const pass = decodeURIComponent(first?.password ?? '')
  return {
    ...fixedOptions,
    servers: addresses.map(({ hostname, port }) => `${hostname}:${port || 4222}`),
    ...(pass ? { user, pass } : {}),
    ...(user && !pass ? { token: user } : {}),
    ...(addresses.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
  }
}

const open = async (options: ConnectionOptions): Promise<Link> => {
  const nc = await connect(options)
  const lost = new AbortController()
  const end = () => lost.abort(unavailable('the connection to the broker was lost'))
  nc.closed().then(end, end)
  const jsm = await jetstreamManager(nc, { timeout: answerMs, checkAPI: false })
  return { nc, js: jetstream(nc, { timeout: answerMs }), jsm, lost: lost.signal }
}

export interface ConnectionSettings {
  readonly url: string
  /** Copies of streams that are asked for. */
  readonly replicas: number
  readonly log: Log
}

export const keepConnected = ({ url, replicas, log }: ConnectionSettings): Connection => {
  const options = optionsOf(url)
  let closed = false
  let link: Promise<Link> | null = null
  let warned = ''

  const welcome = ({ nc, lost }: Link) => {
    lost.throwIfAborted()
    lost.addEventListener('abort', () => (link = null))
    log.info({ server: nc.getServer(), version: nc.info?.version }, 'connected to the broker')
    const mend = nc.info ? serverDangers(nc.info, replicas) : []
    if (mend.length > 0 && warned !== mend.join())
      log.warn({ server: nc.getServer(), mend }, "the broker's settings endanger events on their way")
    warned = mend.join()
  }
  const attempt = async (): Promise<Link> => {
    try {
      const opened = await open(options)
      welcome(opened)
      return opened
    } catch (error) {
      setTimeout(() => (link = null), retryMs).unref()
      throw unavailable('the broker cannot be reached', error)
    }
  }
  return {
    ready: () => (closed ? Promise.reject(unavailable('the bus is closed')) : (link ??= attempt())),
    close: async () => {
      closed = true
      const last = await link?.catch(() => null)
      await last?.nc.close()
    },
  }
}
