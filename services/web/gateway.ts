// The public API: every public method of every service below /api/v1/<service>, by what the services publish.
import { answerHttp, idempotencyHeader, type Router, routerOf } from '../../adapters/transport/http.ts'
import type { Caller } from '../../kernel/caller.ts'
import type { Actor } from '../../kernel/contract.ts'
import type { OpenApiDocument, Published, Route } from '../../kernel/openapi.ts'
import type { Log, Transport } from '../../kernel/ports.ts'
import { refuse, type Refusal } from '../../kernel/result.ts'
import { roles } from '../vocabulary.ts'
import { type PublicMethod, type PublicMethods, schemaRows } from './public-method.ts'
import { sessionOf } from './session.ts'

/** The services that this application knows, each by its value or its configured address; nothing else is asked. */
export interface Directory {
  readonly services: readonly string[]
  /** Throws `Fault('unavailable')` when a service in another process does not answer. */
  published(service: string): Promise<Published>
}

export interface GatewayDeps {
  readonly directory: Directory
  readonly transport: Transport
  readonly call: Caller
  readonly log: Log
  readonly secure: boolean
  readonly now: () => Date
}

const prefix = '/api/v1'

const isRole = (role: string): boolean => roles.some((known) => known === role)

/** Segments of plain words and parameters: what a service publishes cannot reach beyond its own prefix. */
const plainPath = /^(?:\/(?:[\w-]+|\{\w+\}))+$/

/** A public method allows a role of ours; roles we do not have are nobody. */
const publicRoutes = (routes: readonly Route[]): Route[] =>
  routes
    .map((route) => ({ ...route, allow: route.allow.filter(isRole) }))
    .filter(({ allow, path }) => allow.length > 0 && plainPath.test(path))

const routers = new WeakMap<Published, Router>()

const publicRouter = (service: string, published: Published): Router => {
  const known = routers.get(published)
  if (known) return known
  const router = routerOf(publicRoutes(published.routes).map((route) => ({ ...route, prefix: `${prefix}/${service}` })))
  routers.set(published, router)
  return router
}

const nowhere: Router = () => refuse('unknown_method')

/** Browsers say where a request comes from; what is not from our own pages changes nothing. */
const isCrossSite = (request: Request, secure: boolean): boolean => {
  if (['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return false
  const site = request.headers.get('sec-fetch-site')
  const origin = request.headers.get('origin')
  const url = new URL(request.url)
  const own = `${secure ? 'https:' : url.protocol}//${url.host}`
  return (site !== null && site !== 'same-origin' && site !== 'none') || (origin !== null && origin !== own)
}

export type Gateway = (request: Request) => Promise<Response>

export const createGateway = (deps: GatewayDeps): Gateway => {
  const { directory, transport, log, secure } = deps
  const actorOf = async (request: Request, { allow }: Route): Promise<Actor | Refusal> => {
    if (isCrossSite(request, secure)) return refuse('forbidden', { reason: 'cross-site request' })
    const signedIn = await sessionOf(deps, request)
    if (!signedIn) return refuse('unauthenticated')
    return allow.includes(signedIn.actor.role) ? signedIn.actor : refuse('forbidden')
  }
  const routerFor = async (pathname: string): Promise<Router> => {
    const service = pathname.slice(prefix.length + 1).split('/', 1)[0] ?? ''
    if (!pathname.startsWith(`${prefix}/`) || !directory.services.includes(service)) return nowhere
    return publicRouter(service, await directory.published(service))
  }
  return async (request) => {
    const { pathname } = new URL(request.url)
    return answerHttp(request, {
      router: () => routerFor(pathname),
      actorOf,
      call: (call) => transport.call(call),
      log,
    })
  }
}

/** One document of all public methods; a service that does not answer is missing from it, and named. */
const publicDocument = async ({
  services,
  published,
}: Directory): Promise<OpenApiDocument & { 'x-missing': string[] }> => {
  const paths: Record<string, OpenApiDocument['paths'][string]> = {}
  const missing: string[] = []
  let components: OpenApiDocument['components'] = {}
  for (const service of services) {
    const found = await published(service).catch(() => missing.push(service) && null)
    if (!found) continue
    components = { ...found.document.components, ...components }
    for (const { path, verb } of publicRoutes(found.routes)) {
      const operation = found.document.paths[path]?.[verb.toLowerCase()]
      if (operation)
        paths[`${prefix}/${service}${path}`] = {
          ...paths[`${prefix}/${service}${path}`],
          [verb.toLowerCase()]: operation,
        }
    }
  }
  return { openapi: '3.1.0', info: { title: 'aTES', version: '1' }, paths, components, 'x-missing': missing }
}

/** What makes a command have its effect once, however often it is sent; a service takes it with every command. */
const idempotencyKey = {
  name: idempotencyHeader,
  in: 'header',
  required: false,
  description: 'A command with the same key and the same input has its effect once, and the same answer each time.',
  schema: { type: 'string', minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' },
} as const

/** For programs that are made from the document. Services do not publish it: an older gateway knows no such parameter. */
const withKeys = (document: OpenApiDocument): object => ({
  ...document,
  paths: mapValues(document.paths, (operations) =>
    mapValues(operations, (operation) =>
      operation['x-ates'].is === 'command'
        ? { ...operation, parameters: [...operation.parameters, idempotencyKey] }
        : operation,
    ),
  ),
})

/** What programs are told of all public methods. */
export const programmersDocument = async (directory: Directory): Promise<object> =>
  withKeys(await publicDocument(directory))

const mapValues = <From, To>(record: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))

/** The same for people to read. */
export const publicMethods = async (directory: Directory): Promise<PublicMethods> => {
  const document = await publicDocument(directory)
  const methods = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, operation]): PublicMethod => {
      const { is, allow, idempotent, refuses } = operation['x-ates']
      const properties = Object.fromEntries(operation.parameters.map(({ name, schema }) => [name, schema]))
      const required = operation.parameters.filter((one) => one.required).map(({ name }) => name)
      return {
        service: path.split('/')[3] ?? '',
        name: operation.operationId,
        summary: operation.summary,
        verb: verb.toUpperCase(),
        path,
        is,
        allow: allow.filter(isRole),
        idempotent,
        refuses: Object.keys(refuses),
        input: [...schemaRows({ properties, required }), ...schemaRows(jsonIn(operation.requestBody))],
        output: schemaRows(jsonIn(operation.responses['200'])),
      }
    }),
  )
  return { methods, missing: document['x-missing'] }
}

/** The schema of a JSON body. */
const jsonIn = (body: unknown): unknown =>
  (body as { content?: Record<string, { schema?: unknown }> } | undefined)?.content?.['application/json']?.schema
