// A program: another team's accounting, in a process of its own. The second argument says which version of it.
import { type FetchHandler, listen, serviceHandler } from '../../adapters/transport/http-server.ts'
import { tokensOf } from '../../adapters/transport/token.ts'
import { systemRandom } from '../../adapters/random.ts'
import { z } from 'zod'
import { type AnyContract, contract, query, serviceRole } from '../../kernel/contract.ts'
import { executor, methodTable } from '../../kernel/execute.ts'
import { describeContract } from '../../kernel/openapi.ts'
import type { Database } from '../../kernel/ports.ts'
import { ok } from '../../kernel/result.ts'
import { everybody } from '../../services/vocabulary.ts'
import { silent } from '../support/silent.ts'

const Greeting = z.object({ from: z.string(), actorId: z.int().nullable(), role: z.string() })

const first = {
  greet: query({
    http: 'GET /greeting',
    summary: 'Says who asks.',
    allow: everybody,
    input: z.object({}),
    output: Greeting,
  }),
  shut: query({
    http: 'POST /shut',
    summary: 'For services.',
    allow: [serviceRole],
    input: z.object({}),
    output: Greeting,
  }),
}

const second = {
  ...first,
  payBonus: query({
    http: 'POST /people/{popugId}/bonus',
    summary: 'What the first version did not have.',
    allow: ['accountant'],
    input: z.object({ popugId: z.int(), amountCents: z.int() }),
    output: Greeting,
  }),
}

const versions: Readonly<Record<string, AnyContract>> = {
  first: contract('accounting', first),
  second: contract('accounting', second),
}

/** Its handlers touch no database. */
const noDatabase: Database = {
  schema: 'accounting',
  transaction: (_name, work) => work(undefined as never),
  close: () => Promise.resolve(),
}

export const otherAccounting = async (version: string, tokenKey: Record<string, string>): Promise<FetchHandler> => {
  const own = versions[version] ?? {}
  const handlers = Object.fromEntries(
    Object.keys(own).map((name) => [
      name,
      (_input: unknown, { actor }: { actor: { id: number | null; role: string } }) =>
        Promise.resolve(ok({ from: version, actorId: actor.id, role: actor.role })),
    ]),
  )
  const execute = executor(methodTable([{ contract: own, handlers }]), {
    database: noDatabase,
    clock: { now: () => Promise.resolve(new Date()) },
    random: systemRandom,
    log: silent,
    committed: () => undefined,
  })
  return serviceHandler({
    service: 'accounting',
    document: describeContract('accounting', own),
    execute,
    tokens: await tokensOf(tokenKey),
    health: () => Promise.resolve({ ready: true, troubles: {} }),
    log: silent,
  })
}

if (import.meta.main) {
  const [version = '', port = ''] = process.argv.slice(2)
  const { ATES_TOKEN_KEY = '' } = process.env
  const handler = await otherAccounting(version, JSON.parse(ATES_TOKEN_KEY) as Record<string, string>)
  const listening = await listen(handler, { hostname: '127.0.0.1', port: Number(port) })
  process.stdout.write(`listening on ${listening.port}\n`)
}
