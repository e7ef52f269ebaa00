// A running aTES with a person of each role, whose web application and services are asked without sockets.
import type { Call } from '../../kernel/ports.ts'
import type { Service } from '../../kernel/service.ts'
import { type Member, type Running, startRunning } from '../support/application.ts'
import { origin, webOf } from '../support/in-process.ts'
import { freshDatabase, type TestDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'

export interface Asked {
  readonly verb: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is, and called JSON. */
  readonly raw?: string
  /** Sent as a form of our own pages. */
  readonly form?: Readonly<Record<string, string>>
}

export interface Scene extends AsyncDisposable {
  readonly database: TestDatabase
  readonly running: Running
  /** All services, as they run. */
  readonly services: readonly Service[]
  /** What the gateway has called, in order. */
  readonly forwarded: readonly Call[]
  /** Asks as a person with a session, or as nobody. */
  readonly ask: (who: Member | null, asked: Asked) => Promise<Response>
}

const contentOf = ({ json, raw, form }: Asked): { body?: string; headers: Readonly<Record<string, string>> } => {
  if (form)
    return {
      body: new URLSearchParams(form).toString(),
      headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
    }
  const body = raw ?? (json === undefined ? undefined : JSON.stringify(json))
  return body === undefined ? { headers: {} } : { body, headers: { 'content-type': 'application/json' } }
}

export const openScene = async (): Promise<Scene> => {
  const services: Service[] = []
  const database = await freshDatabase(schemas)
  const service = (one: Service): Service => {
    services.push(one)
    return one
  }
  const running = await startRunning({ database, decorations: { service } })
  const forwarded: Call[] = []
  const web = webOf(running.application, services, (call) => forwarded.push(call))
  return {
    database,
    running,
    services,
    forwarded,
    ask: async (who, asked) => {
      const { body, headers } = contentOf(asked)
      const cookie: Record<string, string> = who === null ? {} : { cookie: who.cookie }
      const request = new Request(`${origin}${asked.path}`, {
        method: asked.verb,
        headers: { ...cookie, ...headers, ...asked.headers },
        ...(body === undefined ? {} : { body }),
      })
      return web(request)
    },
    [Symbol.asyncDispose]: async () => {
      await running[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}
