// Where a process listens: web or its one service on the public port, metrics and health in words on another one.
import { ownAlarm } from './alarm.ts'
import type { Metrics } from './adapters/metrics.ts'
import { tracedRequests } from './adapters/tracing/traced.ts'
import { clientAddressBehind, proxiesOf } from './adapters/transport/client-address.ts'
import type { HttpTransport } from './adapters/transport/http-client.ts'
import {
  type FetchHandler,
  healthHandler,
  type Listening,
  listen,
  serviceHandler,
  textHandler,
} from './adapters/transport/http-server.ts'
import type { Tokens } from './adapters/transport/token.ts'
import { type Config, ConfigError } from './config.ts'
import type { Health, Host } from './kernel/host.ts'
import { describeContract, type Published, publishedBy } from './kernel/openapi.ts'
import type { Bus, Log, Tracing, Transport } from './kernel/ports.ts'
import type { Service } from './kernel/service.ts'
import { standardContract } from './kernel/standard.ts'
import { startReporting } from './reporting.ts'
import type { Visitor } from './services/web/visit.tsx'

export interface Listened {
  readonly config: Config
  readonly host: Host
  readonly services: readonly Service[]
  readonly transport: Transport
  readonly http: HttpTransport
  readonly health: () => Promise<Health>
  /** The same without the breakers. */
  readonly ownHealth: () => Promise<Health>
  readonly tokens: Tokens
  readonly bus: Bus
  readonly tracing: Tracing | null
  readonly ends: AsyncDisposableStack
  readonly log: Log
  /** Null when nothing is measured. */
  readonly metrics: Metrics | null
  /** For a demo: whom its sign-in page lets in by one press. */
  readonly visitors: (() => readonly Visitor[]) | undefined
}

/** Gives the address that people or other services use. */
export const startListening = async (parts: Listened): Promise<string> => {
  const { config, ends, metrics } = parts
  if (metrics) await listenForMetrics(parts, metrics)
  const listening = await listenFor(parts)
  ends.defer(() => listening.close())
  return `http://${config.host}:${listening.port}`
}

/** What a service of this process publishes of itself. */
export const publish = ({ name, contract }: Service): Published =>
  publishedBy(name, describeContract(name, contract, standardContract(name)))

/** Throws `ConfigError` when the port that this setting names, or the address, is not to be had. */
const listenAt = async (
  setting: string,
  handler: FetchHandler,
  at: { readonly hostname: string; readonly port: number },
): Promise<Listening> => {
  try {
    return await listen(handler, at)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new ConfigError([`port ${at.port} is in use: stop what listens there, or set ${setting} to another one`])
    if (/^(?:EACCES|EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN)$/.test(code ?? ''))
      throw new ConfigError([`cannot listen on ${at.hostname}:${at.port} (${code}): set ATES_HOST and ${setting}`])
    throw error
  }
}

/** Web listens where it runs; otherwise the one service of this process does. */
const listenFor = async (parts: Listened): Promise<Listening> => {
  const { config, tracing } = parts
  const at = { hostname: config.host, port: config.port }
  if (!config.run.includes('web')) return listenAt('ATES_PORT', serviceHandlerOf(parts), at)
  const { handler, endLive } = await webHandlerOf(parts)
  reportWhereApart(parts)
  const listening = await listenAt('ATES_PORT', tracing ? tracedRequests(handler, tracing) : handler, at)
  // Streams of hints do not end by themselves.
  return { ...listening, close: () => (endLive(), listening.close()) }
}

/** Where web runs beside operations, it has no breakers. */
const reportWhereApart = ({ config: { run, addresses }, host, ownHealth, http, ends, log }: Listened): void => {
  if (run.includes('operations') || addresses.operations === undefined) return
  const reporting = startReporting({ host, health: ownHealth, breakers: http.breakers, log })
  ends.defer(() => reporting.stop())
}

/** On a port of its own, which need not be public. */
const listenForMetrics = async ({ config, host, http, health: told, ends }: Listened, metrics: Metrics) => {
  const sources = { ...host, breakers: http.breakers, alarm: ownAlarm(host) }
  const scraped = textHandler('/metrics', () => metrics.scrape(sources))
  const health = healthHandler(told, 'everything')
  const answer = async (request: Request) => (await health(request)) ?? scraped(request)
  const listening = await listenAt('ATES_METRICS_PORT', answer, {
    hostname: config.host,
    port: config.metricsPort ?? 0,
  })
  ends.defer(() => listening.close())
}

const webHandlerOf = async (parts: Listened) => {
  const { config, host, bus, ends, services: running, transport, http, health, log, visitors } = parts
  const { createLive, followPeople, webHandler } = await import('./services/web/service.ts')
  ends.defer(await followPeople(bus, host))
  const live = createLive()
  ends.defer(await live.follow(bus))
  const local = publishedOnDemand(running)
  const names = [...new Set([...running.map(({ name }) => name), ...Object.keys(config.addresses)])]
  const handler = webHandler({
    live,
    breakers: http.breakers,
    directory: { services: names, published: async (name) => local(name) ?? http.published(name) },
    transport,
    call: host.call,
    log,
    timeZone: config.timeZone,
    secure: config.publicUrl?.startsWith('https:') ?? false,
    publicUrl: config.publicUrl,
    addressOf: clientAddressBehind(proxiesOf(config.proxies)),
    now: () => new Date(),
    ...(visitors ? { visitors } : {}),
    health,
  })
  return { handler, endLive: live.end }
}

/** Describing all methods is a tenth of a start, and most starts are for pages: it waits until somebody asks. */
const publishedOnDemand = (running: readonly Service[]): ((name: string) => Published | undefined) => {
  const services = new Map(running.map((service) => [service.name, service]))
  const known = new Map<string, Published>()
  return (name) => {
    const service = services.get(name)
    if (service && !known.has(name)) known.set(name, publish(service))
    return known.get(name)
  }
}

const serviceHandlerOf = ({ config, host, services: running, tokens, health, log }: Listened) => {
  const [service] = running
  const execute = service && host.local.get(service.name)
  if (!service || !execute || config.run.length !== 1) throw new Error('one service per process, or all with web')
  const { document } = publish(service)
  return serviceHandler({ service: service.name, document, execute, tokens, health, log })
}
