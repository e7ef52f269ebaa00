// The web application as one handler of requests: health, the public API, and the pages.
import { methodNotAllowed } from '../../adapters/transport/http.ts'
import { type FetchHandler, healthHandler } from '../../adapters/transport/http-server.ts'
import type { Health } from '../../kernel/host.ts'
import type { Bus } from '../../kernel/ports.ts'
import { identity } from '../identity/contract.ts'
import { createWeb, type WebDeps } from './app.tsx'
import { type BeforePages, beforePages, doorAt, verbsOfReading } from './doors.ts'
import { createGateway, type GatewayDeps, programmersDocument, publicMethods } from './gateway.ts'
import { withHeaders } from './security.ts'
import { forgetSessionsOf } from './session.ts'

export { createLive } from './live.ts'

export type WebServiceDeps = Omit<WebDeps, 'publicMethods'> & GatewayDeps & { readonly health: () => Promise<Health> }

/**
 * Forgets what is cached of a person as soon as identity says that they changed. Events are only a hint here: one that
 * does not arrive costs the second after which the cache asks again. Gives how to end it.
 */
export const followPeople = (bus: Bus, { call }: Pick<WebDeps, 'call'>): Promise<() => Promise<void>> =>
  bus.subscribe(identity.popugChanged.service, 'web', ({ events }) => {
    for (const { type, about } of events)
      if (type === identity.popugChanged.name) forgetSessionsOf({ call }, Number(about))
  })

export const webHandler = (deps: WebServiceDeps): FetchHandler => {
  const pages = createWeb({ ...deps, publicMethods: () => publicMethods(deps.directory) })
  const healthOf = healthHandler(deps.health)
  const health: FetchHandler = async (request) => (await healthOf(request)) ?? pages.fetch(request)
  const answers: Readonly<Record<BeforePages, FetchHandler>> = {
    '/health/live': health,
    '/health/ready': health,
    '/api/openapi.json': withHeaders(deps.secure, async () => Response.json(await programmersDocument(deps.directory))),
    '/api/*': withHeaders(deps.secure, createGateway(deps)),
  }
  const onlyRead = withHeaders(deps.secure, async (request) => methodNotAllowed(request, verbsOfReading))
  return (request, connection) => {
    const door = doorAt(new URL(request.url).pathname)
    if (door === undefined) return pages.fetch(request, connection)
    const isAnswered = beforePages[door] !== 'read' || verbsOfReading.includes(request.method)
    return isAnswered ? answers[door](request, connection) : onlyRead(request)
  }
}
