// The web application as one handler of requests: health, the public API, and the pages.
import { healthHandler } from '../../adapters/transport/http-server.ts'
import type { Health } from '../../kernel/host.ts'
import { createWeb, type WebDeps } from './app.tsx'
import { createGateway, type GatewayDeps } from './gateway.ts'

export type WebServiceDeps = WebDeps & GatewayDeps & { readonly health: () => Promise<Health> }

export const webHandler = (deps: WebServiceDeps): ((request: Request) => Promise<Response>) => {
  const pages = createWeb(deps)
  const gateway = createGateway(deps)
  const healthOf = healthHandler(deps.health)
  return async (request) => {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/health/')) return (await healthOf(request)) ?? pages.fetch(request)
    return pathname.startsWith('/api/') ? gateway(request) : pages.fetch(request)
  }
}
