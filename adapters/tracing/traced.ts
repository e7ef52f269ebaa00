// Decorates ports and the requests of people so that they tell their part of a trace.
import type { Database, Log, Tracing, Transport } from '../../kernel/ports.ts'
import { requestIdHeader } from '../transport/http.ts'
import type { FetchHandler } from '../transport/http-server.ts'

/** Transactions are told by their names, as parts of what asked for them. */
export const tracedDatabase = (database: Database, tracing: Tracing): Database => ({
  schema: database.schema,
  transaction: (name, work, options) =>
    tracing.span(`transaction ${name}`, { attributes: { 'db.system.name': 'postgresql' } }, () =>
      database.transaction(name, work, options),
    ),
  close: () => database.close(),
})

/** Calls to other processes, which get to know the place they belong to. */
export const tracedTransport = (transport: Transport, tracing: Tracing): Transport => ({
  call: (call) =>
    tracing.span(
      `call ${call.service} ${call.method}`,
      { kind: 'client', attributes: { 'ates.request_id': call.requestId } },
      () => transport.call({ ...call, trace: tracing.place() ?? undefined }),
    ),
})

/** Lines that are written within a trace name it. */
export const tracedLog = (log: Log, tracing: Tracing): Log => {
  const placed = (fields: object): object => {
    const place = tracing.place()
    return place === null ? fields : { ...fields, traceId: place.split('-')[1] }
  }
  return {
    debug: (fields, message) => log.debug(placed(fields), message),
    info: (fields, message) => log.info(placed(fields), message),
    warn: (fields, message) => log.warn(placed(fields), message),
    error: (fields, message) => log.error(placed(fields), message),
    child: (fields) => tracedLog(log.child(fields), tracing),
  }
}

/** What is asked too often to tell, and tells too little. */
const untold = /^\/(?:assets|health)\//

/** A name for all requests of a kind: addresses with their numbers left out. */
const nameOf = (verb: string, path: string): string =>
  `${verb} ${path.replaceAll(/\/\d+(?=\/|$)/g, '/{n}').slice(0, 100)}`

/** A trace begins with a person's or program's request, and nowhere else; what they say of traces is not listened to. */
export const tracedRequests =
  (answer: FetchHandler, tracing: Tracing): FetchHandler =>
  (request) => {
    const { pathname } = new URL(request.url)
    if (untold.test(pathname)) return answer(request)
    const attributes = { 'http.request.method': request.method, 'url.path': pathname }
    return tracing.root(nameOf(request.method, pathname), { kind: 'server', attributes }, async (note) => {
      const response = await answer(request)
      const requestId = response.headers.get(requestIdHeader) ?? ''
      note({ 'http.response.status_code': response.status, 'ates.request_id': requestId })
      return response
    })
  }
