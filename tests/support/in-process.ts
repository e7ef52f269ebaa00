// The web application and each service of a running aTES as handlers of requests, without sockets, for tests that send
// very many of them.
import { type FetchHandler, serviceHandler } from '../../adapters/transport/http-server.ts'
import { localTransport } from '../../adapters/transport/local.ts'
import type { Tokens } from '../../adapters/transport/token.ts'
import type { Application } from '../../application.ts'
import { publish } from '../../listening.ts'
import type { Call } from '../../kernel/ports.ts'
import { Fault } from '../../kernel/result.ts'
import type { Service } from '../../kernel/service.ts'
import { createLive, webHandler } from '../../services/web/service.ts'
import { silent } from './silent.ts'

export const origin = 'http://ates.test'

/**
 * `services` are those that the application runs, as its decoration of services has seen them; `forwarded` is told of
 * what the gateway calls.
 */
export const webOf = (
  { host }: Application,
  services: readonly Service[],
  forwarded: (call: Call) => void = () => undefined,
): FetchHandler => {
  const transport = localTransport(host.local)
  const published = new Map(services.map((service) => [service.name, publish(service)]))
  return webHandler({
    live: createLive(),
    breakers: () => ({}),
    directory: {
      services: [...published.keys()],
      published: (name) => {
        const found = published.get(name)
        return found ? Promise.resolve(found) : Promise.reject(new Fault('unavailable', `${name} does not run here`))
      },
    },
    transport: {
      call: (call) => {
        forwarded(call)
        return transport.call(call)
      },
    },
    call: host.call,
    log: silent,
    timeZone: 'UTC',
    secure: false,
    publicUrl: undefined,
    now: () => new Date(),
    health: host.health,
  })
}

/** One service as other processes reach it. */
export const serviceOf = ({ host }: Application, service: Service, tokens: Tokens): FetchHandler => {
  const { name } = service
  const execute = host.local.get(name)
  if (!execute) throw new Error(`${name} does not run here`)
  const { document } = publish(service)
  return serviceHandler({ service: name, document, execute, tokens, health: host.health, log: silent })
}
