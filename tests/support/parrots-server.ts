// The parrots' service behind a real HTTP server, as a service in a process of its own is.
import { type Listening, listen, serviceHandler } from '../../adapters/transport/http-server.ts'
import { newTokenKey, tokensOf, type Tokens } from '../../adapters/transport/token.ts'
import type { Execute } from '../../kernel/execute.ts'
import { describeContract } from '../../kernel/openapi.ts'
import type { Log } from '../../kernel/ports.ts'
import { standardContract } from '../../kernel/standard.ts'
import { parrots } from './parrots.ts'
import { silent } from './silent.ts'

export interface ParrotsServer extends Listening {
  readonly url: string
  readonly tokens: Tokens
  /** The private key of the tokens, for forgers of tests. */
  readonly key: Awaited<ReturnType<typeof newTokenKey>>
}

export const parrotsDocument = describeContract('parrots', parrots, standardContract('parrots'))

export const serveParrots = async (execute: Execute, log: Log = silent): Promise<ParrotsServer> => {
  const key = await newTokenKey()
  const tokens = await tokensOf(key)
  const health = () => Promise.resolve({ ready: true, troubles: {} })
  const handler = serviceHandler({ service: 'parrots', document: parrotsDocument, execute, tokens, health, log })
  const listening = await listen(handler, { hostname: '127.0.0.1', port: 0 })
  return { ...listening, key, tokens, url: `http://127.0.0.1:${listening.port}` }
}
