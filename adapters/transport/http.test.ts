// Calls over HTTP: what every transport does, and what the wire adds.
import { caller } from '../../kernel/caller.ts'
import { serveParrots } from '../../tests/support/parrots-server.ts'
import { transportConformance } from './conformance.ts'
import { httpTransport } from './http-client.ts'

transportConformance('over HTTP', async ({ execute }) => {
  const { url, tokens, close } = await serveParrots(execute)
  return { call: caller(httpTransport({ addresses: { parrots: url }, tokens })), end: close }
})
