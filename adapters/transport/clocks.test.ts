// A caller whose clock is an hour off: what it signs is refused, and both sides say why.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importJWK, SignJWT } from 'jose'
import { caller } from '../../kernel/caller.ts'
import type { Actor } from '../../kernel/contract.ts'
import { parrots } from '../../tests/support/parrots.ts'
import { type ParrotsServer, serveParrots } from '../../tests/support/parrots-server.ts'
import { silent } from '../../tests/support/silent.ts'
import { httpTransport } from './http-client.ts'
import type { Tokens } from './token.ts'

const popug = { id: 7, role: 'popug' }

/** Signs with the key of all, by another clock. */
const signedBy = async ({ key, tokens }: ParrotsServer, aheadSeconds: number): Promise<Tokens> => {
  const own = await importJWK(key, 'EdDSA')
  const at = () => Math.floor(Date.now() / 1_000) + aheadSeconds
  const sign = ({ id, role }: Actor, audience: string) =>
    new SignJWT({ role, sub: String(id), iss: 'ates', aud: audience, iat: at(), exp: at() + 60 })
      .setProtectedHeader({ alg: 'EdDSA' })
      .sign(own)
  return { ...tokens, sign }
}

for (const [how, aheadSeconds] of [
  ['ahead', 3_600],
  ['behind', -3_600],
] as const) {
  test(`a caller whose clock is an hour ${how} hears so each time, and no breaker opens`, async () => {
    const warned: string[] = []
    const log = { ...silent, warn: (_fields: object, message: string) => void warned.push(message) }
    const server = await serveParrots(() => assert.fail('it was let in'), log)
    await using _ = { [Symbol.asyncDispose]: server.close }
    const transport = httpTransport({
      addresses: { parrots: server.url },
      tokens: await signedBy(server, aheadSeconds),
    })
    const call = caller(transport)
    // It takes a while until a token is looked at.
    const why = new RegExp(`clocks differ by 3(?:59\\d|60\\d) s, the caller's is ${how}`)
    for (let round = 0; round < 12; round += 1) {
      const asked = call(parrots.repeat, { parrotId: 1, word: 'nuts' }, { actor: popug, requestId: 'r' })
      await assert.rejects(asked, { kind: 'unavailable', message: why })
    }
    assert.match(warned[0] ?? '', why)
    const authorization = `Bearer ${await (await signedBy(server, aheadSeconds)).sign(popug, 'parrots')}`
    const answer = await fetch(`${server.url}/parrots/1/meals`, { headers: { authorization } })
    assert.deepEqual([answer.status, answer.headers.get('connection')], [401, 'close'])
    assert.deepEqual(transport.breakers(), { parrots: 'closed' })
  })
}
