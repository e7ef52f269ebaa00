// What the broker is asked for: names, the settings of streams, and what in somebody else's settings endangers events.
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream'
import type { ServerInfo } from '@nats-io/transport-node'
import { mostMessageBytes } from './packing.ts'

export interface Names {
  readonly stream: string
  readonly events: string
  readonly heads: string
}

/** A prefix has no hyphen, so that no two of prefix and stream share a name. */
export const namesOf = (prefix: string, stream: string): Names => ({
  stream: `${prefix}-${stream}`,
  events: `${prefix}.${stream}.events`,
  heads: `${prefix}.${stream}.heads`,
})

const secondNanos = 1_000_000_000
const dayNanos = 24 * 60 * 60 * secondNanos
const mebibyte = 1024 ** 2

/**
 * The broker is a faster way to what the producers' logs keep for ever, and readers begin at what is new: what it keeps
 * only has to outlast a reader's hesitation. JetStream sets `max_bytes` aside at once and refuses a stream for which
 * there is no room, so it is small. Nothing here asks for an fsync before the acknowledgement (`sync_interval` is a
 * setting of the server): what a power cut takes away is fetched from the log.
 */
export const streamSettings = ({ stream, events }: Names, replicas: number) =>
  ({
    name: stream,
    subjects: [events],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: dayNanos,
    max_bytes: 256 * mebibyte,
    num_replicas: replicas,
  }) satisfies Partial<StreamConfig>

export type StreamSettings = ReturnType<typeof streamSettings>

/** Less than this is dropped before a reader that hesitates has read it. */
const leastKept = { bytes: 16 * mebibyte, nanos: 60 * secondNanos, messages: 1_000 }
/** Each replica of each reader has one, and a killed one's stays for a while. */
const leastConsumers = 100

/** JetStream says "no limit" with 0 or -1. */
const isBelow = (limit: number | undefined, least: number): boolean => limit !== undefined && limit > 0 && limit < least

/** What an existing stream's settings endanger, with the mend. Empty for streams that aTES made. */
export const streamDangers = (found: StreamConfig, wanted: StreamSettings): string[] => {
  const [subject] = wanted.subjects
  const dangers: readonly (readonly [boolean, string])[] = [
    [!found.subjects?.includes(subject ?? ''), `it does not hear ${subject}: add the subject`],
    [found.sealed, 'it is sealed and takes no event: delete it, it will be made anew'],
    [found.no_ack === true, 'no_ack is set: what the broker did not take looks like taken; unset it'],
    [found.storage !== wanted.storage, `storage is ${found.storage}: a restart loses it; recreate it with file`],
    [
      found.retention !== wanted.retention,
      `retention is ${found.retention}: what one reader has is gone for the others; recreate it with limits`,
    ],
    [found.discard !== wanted.discard, `discard is ${found.discard}: a full stream refuses events; set it to old`],
    [
      found.num_replicas < wanted.num_replicas,
      `there are ${found.num_replicas} replicas instead of ${wanted.num_replicas}: raise num_replicas`,
    ],
    [
      isBelow(found.max_msg_size, mostMessageBytes),
      `max_msg_size is ${found.max_msg_size}: larger messages are refused; set it to ${mostMessageBytes} or -1`,
    ],
    [isBelow(found.max_bytes, leastKept.bytes), `max_bytes is ${found.max_bytes}: set it to ${wanted.max_bytes}`],
    [isBelow(found.max_age, leastKept.nanos), `max_age is ${found.max_age} ns: set it to ${wanted.max_age}`],
    [isBelow(found.max_msgs, leastKept.messages), `max_msgs is ${found.max_msgs}: set it to -1`],
    [
      isBelow(found.max_msgs_per_subject, leastKept.messages),
      `max_msgs_per_subject is ${found.max_msgs_per_subject}: set it to -1`,
    ],
    [
      isBelow(found.max_consumers, leastConsumers),
      `max_consumers is ${found.max_consumers}: later readers get none; recreate it with -1`,
    ],
  ]
  return dangers.filter(([endangers]) => endangers).map(([, mend]) => mend)
}

/** With fewer, one node that is away takes streams with it. */
const clusterCopies = 3

/** The oldest server whose consumers can be used as they are here. */
const oldest = [2, 9, 4] as const

const isOlder = (version: string): boolean => {
  const numbers = version.split(/[.-]/, 3).map(Number)
  const differing = oldest.findIndex((number, place) => numbers[place] !== number)
  return differing >= 0 && !((numbers[differing] ?? 0) > (oldest[differing] ?? 0))
}

/** What the server's own settings endanger, together with how many copies of streams are asked for, with the mend. */
export const serverDangers = (
  { version, max_payload: most, cluster }: Pick<ServerInfo, 'version' | 'max_payload' | 'cluster'>,
  replicas: number,
): string[] => [
  ...(isOlder(version) ? [`its version is ${version}: use ${oldest.join('.')} or newer`] : []),
  ...(most < mostMessageBytes
    ? [`max_payload is ${most}: larger messages are refused; set it to at least ${mostMessageBytes}`]
    : []),
  ...(cluster !== undefined && replicas < clusterCopies
    ? [`it is of cluster ${cluster}, and streams have ${replicas} copies: set ATES_NATS_REPLICAS to ${clusterCopies}`]
    : []),
]
