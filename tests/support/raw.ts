// Requests exactly as they are written: no library puts the address in order first.
import { once } from 'node:events'
import { request as open } from 'node:http'
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface RawRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** Sends to `base` and asks for `path`, whatever it is. */
export const sendRaw = async (
  base: string,
  path: string,
  { method = 'GET', headers = {}, body }: RawRequest = {},
): Promise<RawAnswer> => {
  const { hostname, port } = new URL(base)
  const request = open({ hostname, port, path, method, headers, agent: false })
  // A server that does not want the rest of a body may answer and close.
  request.on('error', () => undefined)
  request.end(body)
  const [response] = await once(request, 'response', { signal: AbortSignal.timeout(10_000) })
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: Number(response.statusCode), headers: response.headers, body: text }
}

/** Sends bytes and gives all that comes back until the server closes. */
export const sendBytes = async (base: string, bytes: string): Promise<string> => {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  socket.end(bytes, 'latin1')
  await once(socket, 'close', { signal: AbortSignal.timeout(10_000) })
  return text
}
