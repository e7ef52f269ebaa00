// The web application as one handler of requests: health, the public API, and the pages.
import { type FetchHandler, healthHandler } from '../../adapters/transport/http-server.ts'
import type { Health } from '../../kernel/host.ts'
import type { Bus } from '../../kernel/ports.ts'
import { identity } from '../identity/contract.ts'
import { createWeb, type WebDeps } from './app.tsx'
import { createGateway, type GatewayDeps, publicMethods } from './gateway.ts'
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
  const gateway = withHeaders(deps.secure, createGateway(deps))
  const healthOf = healthHandler(deps.health)
  return async (request, connection) => {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/health/')) return (await healthOf(request)) ?? pages.fetch(request, connection)
    return pathname.startsWith('/api/') ? gateway(request) : pages.fetch(request, connection)
  }
}
