// A server between a caller and the parrots that makes every trouble a network or a service can make, on demand.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parrotsDocument } from './parrots-server.ts'

export interface Trouble extends AsyncDisposable {
  readonly url: string
  /** Requests for methods that have reached it. Asking for the contract is none. */
  readonly requests: number
  /** How often it was asked for the contract. */
  readonly asked: number
  /** What happens to the next requests for methods. */
  rule: Rule
  /** What happens to who asks for the contract. */
  contractRule: Rule
  /** Stops listening, or listens again at the same address. */
  away(): Promise<void>
  back(): Promise<void>
}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** How many requests came before this one. */
  readonly before: number
  /** Sends the request to the parrots and gives what they answer. */
  readonly forward: () => Promise<{ status: number; headers: Headers; body: string }>
}

export type Rule = (exchange: Exchange) => Promise<void> | void

/** Hands on what the parrots answer. */
export const faithful: Rule = async ({ forward, response }) => {
  const { status, headers, body } = await forward()
  response.writeHead(status, { 'content-type': headers.get('content-type') ?? '' }).end(body)
}

export const answering =
  (status: number, body: string, type = 'application/json'): Rule =>
  ({ response }) =>
    void response.writeHead(status, { 'content-type': type }).end(body)

const problem = (status: number, code: string): Rule =>
  answering(status, JSON.stringify({ type: `urn:${code}`, title: code, status, code }), 'application/problem+json')

export const unavailable = problem(503, 'unavailable')

/** Never answers. */
export const hanging: Rule = () => undefined

/** The parrots answer, and the answer is lost. */
export const losing: Rule = async ({ forward, request }) => {
  await forward()
  request.socket.destroy()
}

const publishing = answering(200, JSON.stringify(parrotsDocument))

/** Starts in front of a parrots' server; null when no request is to get through. */
export const startTrouble = async (upstream: string | null): Promise<Trouble> => {
  let requests = 0
  let asked = 0
  const server = createServer((request, response) => {
    const isContract = request.url === '/openapi.json'
    const before = isContract ? asked++ : requests++
    const forward = async () => {
      const chunks: Uint8Array[] = []
      for await (const chunk of request) chunks.push(chunk as Uint8Array)
      const headers = new Headers(request.headers as Record<string, string>)
      for (const name of ['connection', 'content-length', 'transfer-encoding', 'host', 'keep-alive'])
        headers.delete(name)
      const body = chunks.length > 0 ? Buffer.concat(chunks) : null
      const answer = await fetch(`${upstream}${request.url}`, { method: request.method ?? 'GET', headers, body })
      return { status: answer.status, headers: answer.headers, body: await answer.text() }
    }
    void (isContract ? trouble.contractRule : trouble.rule)({ request, response, before, forward })
  })
  const listening = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await listening(0)
  const away = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  const trouble: Trouble = {
    url: `http://127.0.0.1:${port}`,
    get requests() {
      return requests
    },
    get asked() {
      return asked
    },
    rule: faithful,
    contractRule: publishing,
    away,
    back: async () => void (await listening(port)),
    [Symbol.asyncDispose]: away,
  }
  return trouble
}
