// The bus on NATS JetStream: several events per message, a bounded window of unacknowledged publishes, and readers that
// begin at what is new, for everything older is in the producer's log.
import {
  type ConsumerMessages,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { z } from 'zod'
import type { Bus, Log } from '../../kernel/ports.ts'
import { Fault } from '../../kernel/result.ts'
import { EventBatch, type EventRecord } from '../../kernel/stream.ts'

export interface NatsBusOptions {
  /** `nats://host:port`, several separated by commas. */
  readonly url: string
  /** Begins the names of subjects and streams. */
  readonly prefix: string
  /** Copies of each stream in a cluster: 1 or 3. */
  readonly replicas: number
  readonly log: Log
}

/** One message carries at most this many events ... */
const mostEvents = 200
/** ... and about this many bytes of them; one event has at most 64 KiB. */
const mostBytes = 192 * 1024
/** Messages on their way that the server has not acknowledged. */
const window = 32
const ackMs = 2_000
const resends = 3

interface Names {
  readonly stream: string
  readonly events: string
  readonly head: string
}

const namesOf = (prefix: string, stream: string): Names => ({
  stream: `${prefix}_${stream}`.toUpperCase().replaceAll('-', '_'),
  events: `${prefix}.${stream}.events`,
  head: `${prefix}.${stream}.head`,
})

/** A day of events at the broker is plenty: it is a faster way to what the producers' logs keep for ever. */
const keptNanos = 24 * 60 * 60 * 1_000_000_000

const settingsOf = (names: Names, replicas: number) =>
  ({
    name: names.stream,
    subjects: [names.events],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: keptNanos,
    max_bytes: 4 * 1024 ** 3,
    num_replicas: replicas,
  }) satisfies Partial<StreamConfig>

/** What an existing stream's settings endanger, with the mend. */
export const dangers = (config: StreamConfig, wanted: ReturnType<typeof settingsOf>): string[] => [
  ...(config.storage === wanted.storage
    ? []
    : ['storage is memory: a restart of the broker loses it; recreate the stream with file storage']),
  ...(config.retention === wanted.retention
    ? []
    : [`retention is ${config.retention}: messages go when one reader has them; recreate it with limits`]),
  ...(config.discard === wanted.discard ? [] : ['discard is new: a full stream refuses events; set it to old']),
  ...(config.num_replicas >= wanted.num_replicas
    ? []
    : [`${config.num_replicas} replicas instead of ${wanted.num_replicas}: raise num_replicas`]),
  ...(config.no_ack ? ['no_ack is set: lost publishes go unnoticed; unset it'] : []),
  ...(config.subjects.includes(wanted.subjects[0] ?? '')
    ? []
    : [`it does not hear ${wanted.subjects[0]}: add the subject`]),
]

const bytesOf = (event: EventRecord): number => Buffer.byteLength(JSON.stringify(event))

/** Cuts a batch into messages; each names the event before its first. */
export const packed = (batch: EventBatch): EventBatch[] => {
  const messages: EventBatch[] = []
  let { predecessor } = batch
  let events: EventRecord[] = []
  let size = 0
  const flush = () => {
    if (events.length > 0) messages.push({ ...batch, predecessor, events })
    predecessor = events.at(-1)?.eventId ?? predecessor
    events = []
    size = 0
  }
  for (const event of batch.events) {
    const bytes = bytesOf(event)
    if (events.length >= mostEvents || (size > 0 && size + bytes > mostBytes)) flush()
    events.push(event)
    size += bytes
  }
  flush()
  return messages
}

const unavailable = (error: unknown): Fault => new Fault('unavailable', 'the broker did not take it', { cause: error })

interface Connected {
  readonly nc: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
}

export const natsBus = (options: NatsBusOptions): Bus => {
  const { log, prefix } = options
  const stopping = new AbortController()
  const link = keepConnected(options, stopping.signal)
  const known = new Set<string>()

  const ensureStream = async (stream: string): Promise<Connected> => {
    const connected = await link.ready()
    if (known.has(stream)) return connected
    const wanted = settingsOf(namesOf(prefix, stream), options.replicas)
    const config = await connected.jsm.streams.info(wanted.name).then(
      (info) => info.config,
      () => connected.jsm.streams.add(wanted).then((info) => info.config),
    )
    const mend = dangers(config, wanted)
    if (mend.length > 0)
      log.warn({ stream: wanted.name, mend }, 'the settings of this JetStream stream endanger events on their way')
    known.add(stream)
    return connected
  }
  const send = async (stream: string, message: EventBatch): Promise<void> => {
    const payload = JSON.stringify(message)
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { js } = await ensureStream(stream)
        await js.publish(namesOf(prefix, stream).events, payload, { timeout: ackMs })
        return
      } catch (error) {
        // The stream may have been deleted, or the broker come back empty: look again.
        known.delete(stream)
        if (attempt >= resends || stopping.signal.aborted) throw unavailable(error)
      }
    }
  }
  const publish = async (batch: EventBatch): Promise<void> => {
    const { nc } = await link.ready()
    if (batch.events.length === 0) return nc.publish(namesOf(prefix, batch.stream).head, JSON.stringify(batch))
    const messages = packed(batch)
    for (let begun = 0; begun < messages.length; begun += window) {
      await Promise.all(messages.slice(begun, begun + window).map((message) => send(batch.stream, message)))
    }
  }
  return {
    publish,
    subscribe: (stream, reader, deliver) => {
      const ended = new AbortController()
      const signal = AbortSignal.any([ended.signal, stopping.signal])
      const names = namesOf(prefix, stream)
      const running = read({ stream, names, reader, deliver, signal, log, connect: () => ensureStream(stream) })
      return Promise.resolve(async () => {
        ended.abort()
        await running
      })
    },
    close: async () => {
      stopping.abort()
      await link.close()
    },
  }
}

/** Connects in the background and again whenever it is needed, so that aTES works while the broker is away. */
const keepConnected = ({ url, log }: NatsBusOptions, signal: AbortSignal) => {
  let connecting: Promise<Connected> | null = null
  const open = async (): Promise<Connected> => {
    const nc = await connect({
      servers: url.split(','),
      name: 'ates',
      timeout: ackMs,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 400,
      pingInterval: 2_000,
      maxPingOut: 2,
    })
    log.info({ server: nc.getServer(), version: nc.info?.version }, 'connected to the broker')
    return {
      nc,
      js: jetstream(nc, { timeout: ackMs }),
      jsm: await jetstreamManager(nc, { timeout: ackMs, checkAPI: false }),
    }
  }
  const ready = (): Promise<Connected> => {
    if (signal.aborted) return Promise.reject(new Fault('unavailable', 'the bus is closed'))
    connecting ??= open().catch((error: unknown) => {
      connecting = null
      throw unavailable(error)
    })
    return connecting
  }
  return {
    ready,
    close: async () => {
      const connected = await connecting?.catch(() => null)
      await connected?.nc.close()
    },
  }
}

interface Reading {
  readonly stream: string
  readonly names: Names
  readonly reader: string
  readonly deliver: (batch: EventBatch) => void
  readonly signal: AbortSignal
  readonly log: Log
  readonly connect: () => Promise<Connected>
}

/** Heartbeats that say more than was delivered, one after another, mean that the subscription is dead. */
const deadAfterHeartbeats = 3
const pauseMs = 500

const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, pauseMs * Math.random())
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })

/** Reads until told to end; begins anew after whatever happens to the connection, the stream or the consumer. */
const read = async (reading: Reading): Promise<void> => {
  const { stream, reader, signal, log } = reading
  while (!signal.aborted) {
    try {
      await readOnce(reading)
    } catch (error) {
      if (!signal.aborted) log.warn({ stream, reader, err: error }, 'reading from the broker failed, trying again')
    }
    if (!signal.aborted) await pause(signal)
  }
}

const readOnce = async (reading: Reading): Promise<void> => {
  const { names, signal } = reading
  const { nc, js } = await reading.connect()
  const consumer = await js.consumers.get(names.stream, { deliver_policy: DeliverPolicy.New })
  const messages = await consumer.consume({ max_messages: 64, idle_heartbeat: 1_000 })
  const stop = () => messages.stop()
  signal.addEventListener('abort', stop, { once: true })
  let delivered = 0
  let behind = 0
  const heads = nc.subscribe(names.head, {
    callback: (error, message) => {
      const batch = error ? null : parsed(message.string(), reading)
      if (!batch) return
      behind = batch.head > delivered && delivered > 0 ? behind + 1 : 0
      if (behind >= deadAfterHeartbeats) stop()
      reading.deliver(batch)
    },
  })
  try {
    await deliverAll(messages, reading, (number) => {
      delivered = Math.max(delivered, number)
    })
  } finally {
    heads.unsubscribe()
    signal.removeEventListener('abort', stop)
    await messages.close()
  }
}

const deliverAll = async (
  messages: ConsumerMessages,
  reading: Reading,
  seen: (number: number) => void,
): Promise<void> => {
  for await (const message of messages) {
    const batch = parsed(message.string(), reading)
    if (!batch) continue
    seen(batch.events.at(-1)?.number ?? 0)
    reading.deliver(batch)
  }
}

/** What is no batch of this stream is not ours; the numbers will tell if something is missing. */
const parsed = (text: string, { stream, log }: Reading): EventBatch | null => {
  try {
    const batch = z.parse(EventBatch, JSON.parse(text))
    if (batch.stream === stream) return batch
    log.warn({ stream, claims: batch.stream }, 'a message of another stream was left out')
  } catch (error) {
    log.warn({ stream, err: error }, 'a message that is no batch of events was left out')
  }
  return null
}
