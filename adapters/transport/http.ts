// The wire of a call over HTTP: how a request becomes an input, and an outcome a response (RFC 9457).
import { TrieRouter } from 'hono/router/trie-router'
import { type Actor, isRequestId, serviceRole, standardRefusals, type RefusalKind } from '../../kernel/contract.ts'
import { type Call, type Log } from '../../kernel/ports.ts'
import type { Route } from '../../kernel/openapi.ts'
import { problem } from './problem.ts'
import { Fault, type FaultKind, isRefusal, type Outcome, type Refusal, refuse } from '../../kernel/result.ts'

export const requestIdHeader = 'x-request-id'
/** Remaining milliseconds that the caller waits. */
export const deadlineHeader = 'x-deadline-ms'
export const idempotencyHeader = 'idempotency-key'
/** W3C Trace Context. */
export const traceHeader = 'traceparent'

/** In a refusal of a token for its time alone: by how much the clock of who signed it is ahead of the service's. */
export const aheadField = 'aheadSeconds'
export const clocksDiffer = (aheadSeconds: number): string =>
  `clocks differ by ${Math.abs(aheadSeconds)} s, the caller's is ${aheadSeconds > 0 ? 'ahead' : 'behind'}`

const statusOfKind: Record<RefusalKind, number> = {
  invalid: 400,
  forbidden: 403,
  absent: 404,
  conflict: 409,
  throttled: 429,
}
const statusOfCode: Readonly<Record<string, number>> = {
  unauthenticated: 401,
  key_reused: 422,
  body_too_large: 413,
  method_not_allowed: 405,
}
const statusOfFault: Record<FaultKind, number> = {
  unavailable: 503,
  deadline: 504,
  outcome_unknown: 504,
  internal: 500,
}

const refusalResponse = ({ refused, detail }: Refusal, requestId: string, kinds: Route['refuses'] = {}): Response => {
  const kind = kinds[refused] ?? (standardRefusals as Record<string, RefusalKind>)[refused] ?? 'conflict'
  const { retryAfterSeconds, allow, [aheadField]: ahead } = detail ?? {}
  const headers = {
    ...(typeof retryAfterSeconds === 'number' ? { 'retry-after': String(retryAfterSeconds) } : {}),
    ...(typeof allow === 'string' ? { allow } : {}),
    // By a new connection the next attempt may come to a replica that has the right time.
    ...(typeof ahead === 'number' ? { connection: 'close' } : {}),
  }
  return problem(statusOfCode[refused] ?? statusOfKind[kind], refused, { ...detail, requestId }, headers)
}

/** The answer to a verb that nothing answers at this address, where these are answered. */
export const methodNotAllowed = (request: Request, verbs: readonly string[]): Response =>
  refusalResponse(refuse('method_not_allowed', { allow: verbs.join(', ') }), requestIdOf(request))

/** What a person may know of a fault: its kind and a number to refer to. The rest is in the log. */
const faultResponse = (error: unknown, requestId: string, log: Log): Response => {
  const kind = error instanceof Fault ? error.kind : 'internal'
  if (kind === 'internal') log.error({ requestId, err: error }, 'a call failed')
  else log.warn({ requestId, kind, err: error }, 'a call could not be answered')
  return problem(statusOfFault[kind], kind, { requestId }, kind === 'unavailable' ? { 'retry-after': '1' } : {})
}

export type Router = (verb: string, path: string) => { route: Route; path: Readonly<Record<string, string>> } | Refusal

/** Finds the route of a request below `prefix`. */
export const routerOf = (routes: readonly (Route & { readonly prefix?: string })[]): Router => {
  const trie = new TrieRouter<Route>()
  for (const route of routes)
    trie.add(route.verb, `${route.prefix ?? ''}${route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`, route)
  const find = (verb: string, path: string) =>
    trie.match(verb, path)[0][0] as [Route, Record<string, string>] | undefined
  return (verb, path) => {
    const found = find(verb, path)
    if (found) return { route: found[0], path: found[1] }
    const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((other) => find(other, path))
    return others.length > 0 ? refuse('method_not_allowed', { allow: others.join(', ') }) : refuse('unknown_method')
  }
}

const decode = (text: string, type: string): unknown => {
  if ((type === 'integer' || type === 'number') && /^-?\d{1,16}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

const fromQuery = (query: URLSearchParams, { parameters }: Route): Record<string, unknown> => {
  const input: Record<string, unknown> = {}
  for (const name of new Set(query.keys())) {
    const type = parameters[name]?.type ?? 'string'
    const values = query.getAll(name)
    input[name] = values.length === 1 && type !== 'array' ? decode(values[0] as string, type) : values
  }
  return input
}

/** Undefined for broken percent-encoding. */
const fromPath = (
  path: Readonly<Record<string, string>>,
  { parameters }: Route,
): Record<string, unknown> | undefined => {
  try {
    return Object.fromEntries(
      Object.entries(path).map(([name, text]) => [
        name,
        decode(decodeURIComponent(text), parameters[name]?.type ?? 'string'),
      ]),
    )
  } catch {
    return undefined
  }
}

const invalid = (message: string): Refusal => refuse('invalid_input', { fields: [{ path: '', message }] })

/** Larger than any input that a person gives; what comes beyond it is not read. */
export const mostBodyBytes = 256 * 1024
/** Services also deliver events to each other, as many as an answer of the log holds. */
export const mostServiceBodyBytes = 16 * 1024 * 1024

const readBody = async (request: Request, { role }: Actor): Promise<Outcome<Record<string, unknown>>> => {
  const most = role === serviceRole ? mostServiceBodyBytes : mostBodyBytes
  if (Number(request.headers.get('content-length') ?? 0) > most) return refuse('body_too_large')
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > most) return refuse('body_too_large')
    chunks.push(chunk)
  }
  if (size === 0) return { ok: {} }
  return parseBody(Buffer.concat(chunks))
}

const parseBody = (bytes: Uint8Array): Outcome<Record<string, unknown>> => {
  try {
    const body: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      return invalid('the body must be a JSON object')
    return { ok: body as Record<string, unknown> }
  } catch {
    return invalid('the body is not valid JSON in UTF-8')
  }
}

export const requestIdOf = (request: Request): string => {
  const given = request.headers.get(requestIdHeader)
  return isRequestId(given) ? given : crypto.randomUUID()
}

/** For what a service does over everything it has. */
const longestWaitMs = 5 * 60_000
const usualWaitMs = 10_000

const deadlineOf = (request: Request): number => {
  const given = Number(request.headers.get(deadlineHeader))
  return performance.now() + (given > 0 ? Math.min(given, longestWaitMs) : usualWaitMs)
}

export interface HttpRoutes {
  readonly router: () => Router | Promise<Router>
  /** Who asks; role '' for nobody. A refusal ends the request before its body is read. */
  readonly actorOf: (request: Request, route: Route) => Promise<Actor | Refusal>
  readonly call: (call: Call, route: Route) => Promise<Outcome<unknown>>
  /**
   * Only our own services may say how long they wait and which trace they are part of: a stranger's haste would look
   * like our failure, and a stranger's traces would be as many as they like.
   */
  readonly trusted?: boolean
  readonly log: Log
}

const respond = async (
  request: Request,
  requestId: string,
  { router, actorOf, call, trusted = false }: HttpRoutes,
): Promise<Response> => {
  const url = new URL(request.url)
  const found = (await router())(request.method, url.pathname)
  if ('refused' in found) return refusalResponse(found, requestId)
  const { route } = found
  const path = fromPath(found.path, route)
  if (!path) return refusalResponse(invalid('broken percent-encoding in the path'), requestId)
  const actor = await actorOf(request, route)
  if ('refused' in actor) return refusalResponse(actor, requestId)
  const body = route.verb === 'GET' ? { ok: {} } : await readBody(request, actor)
  if (isRefusal(body)) return refusalResponse(body, requestId)
  const query = route.verb === 'GET' ? fromQuery(url.searchParams, route) : {}
  const idempotencyKey = request.headers.get(idempotencyHeader) ?? undefined
  const outcome = await call(
    {
      service: route.service,
      method: route.name,
      input: { ...query, ...body.ok, ...path },
      actor,
      requestId,
      deadlineMs: trusted ? deadlineOf(request) : performance.now() + usualWaitMs,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      trace: trusted ? (request.headers.get(traceHeader) ?? undefined) : undefined,
    },
    route,
  )
  if (isRefusal(outcome)) return refusalResponse(outcome, requestId, route.refuses)
  return Response.json(outcome.ok, { headers: { 'cache-control': 'no-store' } })
}

/** Answers requests for methods: finds the route, reads the input, calls, and says the outcome in HTTP's words. */
export const answerHttp = async (request: Request, routes: HttpRoutes): Promise<Response> => {
  const requestId = requestIdOf(request)
  const response = await respond(request, requestId, routes).catch((error: unknown) =>
    faultResponse(error, requestId, routes.log),
  )
  response.headers.set(requestIdHeader, requestId)
  return response
}
