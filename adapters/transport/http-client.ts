// Calls services in other processes over HTTP, by the contracts that they publish.
import type { Call, Transport } from '../../kernel/ports.ts'
import { type Published, publishedBy, type Route } from '../../kernel/openapi.ts'
import { Fault, type FaultKind, ok, type Outcome, refuse } from '../../kernel/result.ts'
import { aheadField, clocksDiffer, deadlineHeader, idempotencyHeader, requestIdHeader, traceHeader } from './http.ts'
import { type Resilience, resilience, type ResilienceOptions, TurnedAway } from './resilience.ts'
import type { Tokens } from './token.ts'

export interface HttpTransport extends Transport {
  /** What a service publishes; asked anew when older than a while. Throws `Fault('unavailable')`. */
  published(service: string): Promise<Published>
  breakers(): Readonly<Record<string, 'closed' | 'half-open' | 'open'>>
}

export interface HttpTransportOptions {
  /** Base URLs by service; only these are ever asked. */
  readonly addresses: Readonly<Record<string, string>>
  readonly tokens: Tokens
  readonly resilience?: ResilienceOptions
  /** A newer service shows its new methods within this time; 5,000 ms when not given. */
  readonly publishedMs?: number
  /** How often a service whose breaker is not closed is asked whether it is ready; 1,000 ms when not given. */
  readonly probeMs?: number
}

interface Peer {
  readonly address: string
  readonly resilience: Resilience
  known?: { readonly published: Published; readonly untilMs: number }
  learning?: Promise<Published>
  probing?: boolean
}

const publishedWaitMs = 2_000
/** Who knows what a service published before waits no longer than this to hear it again. */
const refreshWaitMs = 250

/** What comes of `work`, or of `late` when that takes longer. */
const within = <T>(waitMs: number, work: Promise<T>, late: () => T): Promise<T> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, Math.max(0, waitMs))
  return Promise.race([work, promise.then(late)]).finally(() => clearTimeout(timer))
}

/** A request that never left had no effect; one whose answer was lost may have had it. */
const sendFault = (error: unknown, route: Pick<Route, 'is'>): Fault => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  // Those of the DOM are numbers, which say less than the message.
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  const message = code || (cause instanceof Error ? cause.message : String(cause))
  const neverSent = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(code)
  if (neverSent) return new Fault('unavailable', message, { cause: error })
  if (route.is === 'command') return new Fault('outcome_unknown', message, { cause: error })
  const late = error instanceof Error && error.name === 'TimeoutError'
  return new Fault(late ? 'deadline' : 'unavailable', message, { cause: error })
}

const faultOfStatus = (status: number, code: string): FaultKind => {
  if (status === 503) return 'unavailable'
  if (status === 504) return code === 'outcome_unknown' ? 'outcome_unknown' : 'deadline'
  return 'internal'
}

const answerOf = async (response: Response): Promise<Outcome<unknown>> => {
  const body: unknown = await response.json()
  if (response.ok) return ok(body)
  const { code, type: _t, title: _n, status: _s, requestId: _r, ...detail } = body as Record<string, unknown>
  if (typeof code !== 'string') throw new Error(`${response.status}, but not from the service`)
  if (response.status >= 500)
    throw new Fault(faultOfStatus(response.status, code), `the service answered ${response.status} ${code}`)
  const { [aheadField]: ahead } = detail
  // No person can do anything about it, and another replica may have the right time.
  if (code === 'unauthenticated' && typeof ahead === 'number')
    throw new TurnedAway(`the service refuses what this process signs: ${clocksDiffer(ahead)}`)
  return refuse(code, Object.keys(detail).length > 0 ? detail : undefined)
}

/** They lead to another path, however they are escaped. */
const strayParts: readonly unknown[] = [undefined, null, '', '.', '..']

const strayPart = ({ path }: Route, input: Readonly<Record<string, unknown>>): string | undefined =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).find((name) => strayParts.includes(input[name]))

const urlOf = (
  address: string,
  route: Route,
  input: Readonly<Record<string, unknown>>,
): { url: string; rest: Record<string, unknown> } => {
  const rest = { ...input }
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_part, name: string) => {
    const { [name]: value } = rest
    delete rest[name]
    return encodeURIComponent(String(value))
  })
  return { url: `${address}${path}`, rest }
}

const queryOf = (rest: Readonly<Record<string, unknown>>): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(rest)) {
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined && one !== null) query.append(name, String(one))
  }
  return query.size > 0 ? `?${query}` : ''
}

const send = async (
  call: Call,
  route: Route,
  peer: Peer,
  token: string,
  signal: AbortSignal,
): Promise<Outcome<unknown>> => {
  const input = (call.input ?? {}) as Record<string, unknown>
  const path = strayPart(route, input)
  if (path) return refuse('invalid_input', { fields: [{ path, message: 'cannot stand in a path' }] })
  const { url, rest } = urlOf(peer.address, route, input)
  const inBody = route.verb !== 'GET'
  const request: RequestInit = {
    method: route.verb,
    headers: {
      authorization: `Bearer ${token}`,
      [requestIdHeader]: call.requestId,
      [deadlineHeader]: String(Math.max(1, Math.ceil(call.deadlineMs - performance.now()))),
      ...(call.idempotencyKey === undefined ? {} : { [idempotencyHeader]: call.idempotencyKey }),
      ...(call.trace === undefined ? {} : { [traceHeader]: call.trace }),
      ...(inBody ? { 'content-type': 'application/json' } : {}),
    },
    signal,
    redirect: 'error',
    ...(inBody ? { body: JSON.stringify(rest) } : {}),
  }
  try {
    return await answerOf(await fetch(inBody ? url : `${url}${queryOf(rest)}`, request))
  } catch (error) {
    throw error instanceof Fault ? error : sendFault(error, route)
  }
}

/** Asks a service what it publishes. What it published before still holds, until it says otherwise. */
const learn = async (service: string, peer: Peer, validMs: number): Promise<Published> => {
  try {
    const signal = AbortSignal.timeout(publishedWaitMs)
    const response = await fetch(`${peer.address}/openapi.json`, { signal, redirect: 'error' })
    if (!response.ok) throw new Error(`status ${response.status}`)
    const published = publishedBy(service, await response.json())
    peer.known = { published, untilMs: performance.now() + validMs }
    return published
  } catch (error) {
    if (!peer.known) throw new Fault('unavailable', `${service} does not publish its contract`, { cause: error })
    peer.known = { ...peer.known, untilMs: performance.now() + validMs }
    return peer.known.published
  } finally {
    delete peer.learning
  }
}

const probeWaitMs = 1_000

/**
 * Asks a service whose breaker is not closed whether it is ready, until it is: where calls are rare, a breaker would
 * otherwise say for hours that a service is away which has long been back.
 */
const probeUntilClosed = (peer: Peer, everyMs: number): void => {
  if (peer.probing || peer.resilience.state() === 'closed') return
  peer.probing = true
  // Whatever is no fault counts as an answer, and would close the breaker.
  const noAnswer = (cause: unknown): never => {
    throw new Fault('unavailable', 'the service does not say whether it is ready', { cause })
  }
  const ask = async (signal: AbortSignal) => {
    const response = await fetch(`${peer.address}/health/ready`, { signal, redirect: 'error' }).catch(noAnswer)
    await response.body?.cancel()
    if (!response.ok) throw new Fault('unavailable', `the service is not ready: ${response.status}`)
  }
  const probe = async () => {
    const asked = peer.resilience.run(ask, { deadlineMs: performance.now() + probeWaitMs, repeatable: false })
    await asked.catch(() => undefined)
    peer.probing = false
    probeUntilClosed(peer, everyMs)
  }
  setTimeout(() => void probe(), everyMs).unref()
}

export const httpTransport = ({
  addresses,
  tokens,
  resilience: how,
  publishedMs = 5_000,
  probeMs = 1_000,
}: HttpTransportOptions): HttpTransport => {
  const peers = new Map<string, Peer>(
    Object.entries(addresses).map(([service, address]) => [
      service,
      { address: address.replace(/\/$/, ''), resilience: resilience(how) },
    ]),
  )
  const peerOf = (service: string): Peer => {
    const peer = peers.get(service)
    if (!peer) throw new Fault('unavailable', `no address of ${service}`)
    return peer
  }
  const publishedUntil = async (service: string, deadlineMs: number): Promise<Published> => {
    const peer = peerOf(service)
    const { known } = peer
    if (known && known.untilMs > performance.now()) return known.published
    peer.learning ??= learn(service, peer, publishedMs)
    if (known) return within(refreshWaitMs, peer.learning, () => known.published)
    return within(deadlineMs - performance.now(), peer.learning, () => {
      throw new Fault('deadline', `${service} did not publish its contract in time`)
    })
  }
  return {
    published: (service) => publishedUntil(service, performance.now() + publishedWaitMs),
    breakers: () => Object.fromEntries([...peers].map(([service, peer]) => [service, peer.resilience.state()])),
    call: async (call) => {
      const peer = peerOf(call.service)
      const { routes } = await publishedUntil(call.service, call.deadlineMs)
      const route = routes.find(({ name }) => name === call.method)
      if (!route) return refuse('unknown_method', { method: call.method })
      const token = await tokens.sign(call.actor, call.service)
      const repeatable = route.idempotent || call.idempotencyKey !== undefined
      const { deadlineMs } = call
      try {
        return await peer.resilience.run((signal) => send(call, route, peer, token, signal), { deadlineMs, repeatable })
      } finally {
        probeUntilClosed(peer, probeMs)
      }
    },
  }
}
