// Strangers who say that they do not wait harm nobody: their calls are answered, and the breaker stays closed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { httpTransport } from '../../adapters/transport/http-client.ts'
import type { Caller } from '../../kernel/caller.ts'
import { ok } from '../../kernel/result.ts'
import { createGateway } from '../../services/web/gateway.ts'
import { startAviary } from '../support/aviary.ts'
import { serveParrots } from '../support/parrots-server.ts'
import { silent } from '../support/silent.ts'

const sessions = (() => {
  const person = { popugId: 7, name: 'Seven', email: '', role: 'popug', active: true, createdAt: '' }
  return Promise.resolve(ok({ person }))
}) as unknown as Caller

test('forty calls in a millisecond each are all answered, and so is who waits', async () => {
  // Slower than a millisecond, and far faster than anybody waits.
  await using aviary = await startAviary({
    during: async ({ tx }) => {
      await sql`select pg_sleep(0.01)`.execute(tx)
    },
  })
  const { url, tokens, close } = await serveParrots(aviary.execute)
  await using _ = { [Symbol.asyncDispose]: close }
  const transport = httpTransport({ addresses: { parrots: url }, tokens })
  const directory = { services: ['parrots'], published: transport.published }
  const gateway = createGateway({
    directory,
    transport,
    call: sessions,
    log: silent,
    secure: false,
    now: () => new Date(),
  })
  const ask = async (more: Record<string, string> = {}) => {
    const headers = { cookie: 'ates_session=seven', ...more }
    return (await gateway(new Request('http://ates.test/api/v1/parrots/parrots/1/meals', { headers }))).status
  }
  assert.equal(await ask(), 200)
  for (let calls = 0; calls < 40; calls += 1) assert.equal(await ask({ 'x-deadline-ms': '1' }), 200)
  assert.deepEqual(transport.breakers(), { parrots: 'closed' })
  assert.equal(await ask(), 200)
})
