// Makes the JetStream streams that are not there, and warns of settings that endanger events.
import { JetStreamApiCodes, JetStreamApiError, type StreamConfig } from '@nats-io/jetstream'
import type { Log } from '../../kernel/ports.ts'
import { type Link, unavailable } from './nats-connection.ts'
import { namesOf, streamDangers, streamSettings, type StreamSettings } from './nats-settings.ts'

export interface Streams {
  /** Looks once per connection; the stream may have gone with a server that came back without its storage. */
  ensure(link: Link, stream: string): Promise<void>
  /** Look again: something failed, and perhaps the stream is not there any more. */
  doubt(link: Link, stream: string): void
}

export interface StreamsOptions {
  readonly prefix: string
  readonly replicas: number
  readonly log: Log
}

const isMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound

/** The library's word for nobody answering: no JetStream there, or not yet after a start. */
const isSilent = (error: unknown): boolean => error instanceof Error && error.name === 'JetStreamNotEnabled'

const findOrMake = async ({ jsm }: Link, wanted: StreamSettings): Promise<StreamConfig> => {
  const { config } = await jsm.streams.info(wanted.name).catch((error: unknown) => {
    if (isSilent(error)) throw unavailable('no JetStream answers: is the broker started with -js?', error)
    if (!isMissing(error)) throw error
    return jsm.streams.add(wanted)
  })
  return config
}

export const keepStreams = ({ prefix, replicas, log }: StreamsOptions): Streams => {
  const looked = new WeakMap<Link, Map<string, Promise<void>>>()
  const warned = new Map<string, string>()

  const look = async (link: Link, stream: string): Promise<void> => {
    const wanted = streamSettings(namesOf(prefix, stream), replicas)
    const mend = streamDangers(await findOrMake(link, wanted), wanted)
    if (mend.length > 0 && warned.get(stream) !== mend.join())
      log.warn({ stream: wanted.name, mend }, 'the settings of this JetStream stream endanger events on their way')
    warned.set(stream, mend.join())
  }
  const ofLink = (link: Link): Map<string, Promise<void>> => {
    const known = looked.get(link) ?? new Map<string, Promise<void>>()
    looked.set(link, known)
    return known
  }
  const doubt = (link: Link, stream: string): void => void ofLink(link).delete(stream)
  return {
    ensure: async (link, stream) => {
      const looking = ofLink(link).get(stream) ?? look(link, stream)
      ofLink(link).set(stream, looking)
      try {
        await looking
      } catch (error) {
        doubt(link, stream)
        throw error
      }
    },
    doubt,
  }
}
