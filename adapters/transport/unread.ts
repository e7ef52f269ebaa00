// What cannot be read as a request, or as one of ours, is answered as every other no: with problem details.
import { type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { RequestError } from '@hono/node-server'
import { problem, problemBody, problemHeaders } from './problem.ts'

/** Of a request whose address or host is none; whatever else comes here is a failure of ours. */
export const refuseRequest = (error: unknown): Response =>
  error instanceof RequestError
    ? problem(400, 'invalid_input', { message: error.message })
    : problem(500, 'internal', {})

const codes: Readonly<Record<number, string>> = {
  400: 'invalid_input',
  408: 'request_timeout',
  417: 'expectation_failed',
  431: 'headers_too_large',
}

/** The status for an error of the parser. */
const statusOf = (code: string | undefined): number => {
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
}

const unread = (status: number): string => {
  const body = problemBody(status, codes[status] ?? 'invalid_input')
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(problemHeaders).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** Answers what never becomes a request: bytes that cannot be parsed, headers that are too large, what is expected of us. */
export const refuseUnread = (server: Server): void => {
  const answers = new WeakMap<Duplex, ServerResponse>()
  server.on('request', ({ socket }, response) => {
    answers.set(socket, response)
    response.once('close', () => answers.delete(socket))
  })
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => {
    // In the middle of an answer there is no place for another one.
    if (code === 'ECONNRESET' || !socket.writable || answers.get(socket)?.headersSent) socket.destroy()
    else socket.end(unread(statusOf(code)))
  })
  server.on('checkExpectation', (_request, { socket }) => {
    socket?.end(unread(417))
  })
}
