// The bus on NATS JetStream: several events per message, a bounded window of unacknowledged publishes, and readers that
// begin at what is new, for everything older is in the producer's log.
import { setTimeout as limit } from 'node:timers/promises'
import type { Bus, Log } from '../../kernel/ports.ts'
import type { Marks } from './marking.ts'
import { keepConnected, unavailable } from './nats-connection.ts'
import { publisher } from './nats-publishing.ts'
import { type Reading, startReading } from './nats-reading.ts'
import { keepStreams } from './nats-streams.ts'

export { marksBy } from './marking.ts'

export interface NatsBusOptions {
  /** `nats://host:port`, several separated by commas; `tls://` insists on encryption. */
  readonly url: string
  /** Begins the names of subjects and streams. */
  readonly prefix: string
  /** Copies of each stream in a cluster. */
  readonly replicas: number
  /** How messages of ours are known. Without it everybody who can write to the broker is believed. */
  readonly marks?: Marks
  readonly log: Log
}

/** A service starts without waiting longer for a broker that does not answer: the log has everything. */
const beginMs = 1_000

export const natsBus = (options: NatsBusOptions): Bus => {
  const { log, prefix, marks } = options
  const connection = keepConnected(options)
  const streams = keepStreams(options)
  const readings = new Set<Reading>()
  let closing: Promise<void> | null = null

  const close = async () => {
    await Promise.all([...readings].map((reading) => reading.end()))
    await connection.close()
  }
  return {
    publish: publisher({ prefix, connection, streams, marks, log }),
    subscribe: async (stream, reader, deliver) => {
      if (closing) throw unavailable('the bus is closed')
      const reading = startReading({ prefix, stream, reader, deliver, connection, streams, marks, log })
      readings.add(reading)
      await Promise.race([reading.begun, limit(beginMs, undefined, { ref: false })])
      return async () => {
        readings.delete(reading)
        await reading.end()
      }
    },
    close: () => (closing ??= close()),
  }
}
