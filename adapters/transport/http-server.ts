// Serves the methods of one service to other processes, with its published contract and its health.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server'
import type { Execute } from '../../kernel/execute.ts'
import type { Health } from '../../kernel/host.ts'
import type { Log } from '../../kernel/ports.ts'
import { type OpenApiDocument, routesOf } from '../../kernel/openapi.ts'
import { type Refusal, refuse } from '../../kernel/result.ts'
import { aheadField, answerHttp, clocksDiffer, routerOf } from './http.ts'
import { refuseRequest, refuseUnread } from './unread.ts'
import type { Tokens } from './token.ts'

export interface Listening {
  readonly port: number
  /** Takes no new request and waits for those in progress. */
  close(): Promise<void>
}

/** The address at the other end of the connection; empty when there is none. */
export interface Connection {
  readonly remoteAddress: string
}

export type FetchHandler = (request: Request, connection?: Connection) => Response | Promise<Response>

/** A request that takes longer than any of ours may is cut off. */
const longestRequestMs = 35_000

/** A connection that falls idle while the server closes would be kept for requests that may not come any more. */
const sweepMs = 50

const closing = (server: Server) =>
  new Promise<void>((resolve, reject) => {
    const cut = setTimeout(() => server.closeAllConnections(), longestRequestMs)
    const sweep = setInterval(() => server.closeIdleConnections(), sweepMs)
    server.close((error) => {
      clearTimeout(cut)
      clearInterval(sweep)
      if (error) reject(error)
      else resolve()
    })
  })

/** Listens on an address. Rejects with the system's error when it cannot. */
export const listen = (fetch: FetchHandler, at: { hostname: string; port: number }): Promise<Listening> =>
  new Promise((resolve, reject) => {
    const answer = (request: Request, { incoming }: HttpBindings | Http2Bindings) =>
      fetch(request, { remoteAddress: incoming.socket.remoteAddress ?? '' })
    const listener = getRequestListener(answer, { errorHandler: refuseRequest })
    // A request without a host comes to the listener, too, so that it is answered as every other bad one.
    const server = createServer({ requireHostHeader: false }, (incoming, outgoing) => void listener(incoming, outgoing))
    refuseUnread(server)
    server.once('error', reject)
    server.listen(at.port, at.hostname, () => {
      server.off('error', reject)
      const { port } = server.address() as AddressInfo
      resolve({ port, close: () => closing(server) })
    })
  })

/** What an operator may read, and what anybody may: which parts are in trouble, and not the words of a database. */
type Saying = 'everything' | 'names'

/**
 * Answers `/health/live`, and `/health/ready` with 503 while this process cannot serve. Load balancers ask where anybody
 * may; `saying` everything is for a port that is not public. Null for every other path.
 */
export const healthHandler =
  (health: () => Promise<Health>, saying: Saying = 'names') =>
  async (request: Request): Promise<Response | null> => {
    const { pathname } = new URL(request.url)
    if (pathname === '/health/live') return Response.json({ live: true })
    if (pathname !== '/health/ready') return null
    const { ready, troubles } = await health()
    const said = saying === 'names' ? Object.keys(troubles) : troubles
    return Response.json(
      { ready, troubles: said },
      { status: ready ? 200 : 503, headers: { 'cache-control': 'no-store' } },
    )
  }

/** Serves one text at one path. */
export const textHandler =
  (path: string, text: () => Promise<{ body: string; contentType: string }>): FetchHandler =>
  async (request) => {
    if (new URL(request.url).pathname !== path) return new Response('not found', { status: 404 })
    const { body, contentType } = await text()
    return new Response(body, { headers: { 'content-type': contentType } })
  }

export interface ServiceServer {
  readonly service: string
  readonly document: OpenApiDocument
  readonly execute: Execute
  readonly tokens: Tokens
  readonly health: () => Promise<Health>
  readonly log: Log
}

const bearer = (request: Request): string | null =>
  /^Bearer ([\w.-]{1,2000})$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? null

export const serviceHandler = ({ service, document, execute, tokens, health, log }: ServiceServer): FetchHandler => {
  const router = routerOf(routesOf(service, document))
  const healthOf = healthHandler(health)
  /** Where it is for clocks that nobody of ours is let in, both sides say so. */
  const refusalOf = async (token: string): Promise<Refusal> => {
    const aheadSeconds = await tokens.aheadSeconds(token, service)
    if (aheadSeconds === null) return refuse('unauthenticated')
    log.warn({ service, aheadSeconds }, `a call was refused: ${clocksDiffer(aheadSeconds)}`)
    return refuse('unauthenticated', { [aheadField]: aheadSeconds })
  }
  const routes = {
    trusted: true,
    router: () => router,
    log,
    call: execute,
    actorOf: async (request: Request) => {
      const token = bearer(request)
      if (token === null) return refuse('unauthenticated')
      return (await tokens.verify(token, service)) ?? refusalOf(token)
    },
  }
  return async (request) => {
    const answer = await healthOf(request)
    if (answer) return answer
    if (new URL(request.url).pathname === '/openapi.json') return Response.json(document)
    return answerHttp(request, routes)
  }
}
