// Tokens: who acts, for one audience, for at most a minute.
import assert from 'node:assert/strict'
import { before, describe, mock, test } from 'node:test'
import { importJWK, type JWTPayload, SignJWT } from 'jose'
import { newTokenKey, type Tokens, tokensOf } from './token.ts'

const popug = { id: 7, role: 'popug' }
const service = { id: null, role: 'service' }

describe('a token', () => {
  let key: Awaited<ReturnType<typeof newTokenKey>>
  let tokens: Tokens
  before(async () => {
    key = await newTokenKey()
    tokens = await tokensOf(key)
  })

  /** Signed with our own key, as a careless part of ours might do. */
  const signedAs = async (claims: JWTPayload) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA' }).sign(await importJWK(key, 'EdDSA'))
  const nowSeconds = () => Math.floor(Date.now() / 1_000)
  const good = () => ({
    sub: '7',
    role: 'popug',
    aud: 'parrots',
    iss: 'ates',
    iat: nowSeconds(),
    exp: nowSeconds() + 60,
  })
  const verify = async (claims: JWTPayload) => tokens.verify(await signedAs(claims), 'parrots')

  test('says who acts, a person or a service, to its audience', async () => {
    for (const actor of [popug, service, { id: null, role: '' }]) {
      assert.deepEqual(await tokens.verify(await tokens.sign(actor, 'parrots'), 'parrots'), actor)
    }
    assert.deepEqual(await verify(good()), popug)
  })

  test('is nothing to another audience, before and after its own has seen it', async () => {
    const token = await tokens.sign(popug, 'parrots')
    assert.equal(await tokens.verify(token, 'accounting'), null)
    assert.deepEqual(await tokens.verify(token, 'parrots'), popug)
    assert.equal(await tokens.verify(token, 'accounting'), null)
  })

  test('is not taken from another issuer, without its claims, or with ones of another kind', async () => {
    for (const change of [
      { iss: 'somebody' },
      { iss: undefined },
      { aud: undefined },
      { aud: ['accounting'] },
      { sub: undefined },
      { role: undefined },
      { role: 7 },
      { exp: undefined },
      { iat: undefined },
    ]) {
      assert.equal(await verify({ ...good(), ...change } as JWTPayload), null, JSON.stringify(change))
    }
  })

  test('lives a minute at most, whatever it says of itself', async () => {
    assert.equal(await verify({ ...good(), iat: nowSeconds() - 120, exp: nowSeconds() - 60 }), null)
    assert.equal(await verify({ ...good(), iat: nowSeconds() - 120, exp: nowSeconds() + 3_600 }), null)
    assert.equal(await verify({ ...good(), iat: nowSeconds() + 120, exp: nowSeconds() + 180 }), null)
  })

  test('that is refused for its time says by how much clocks differ, and any other one says nothing', async () => {
    const signedAt = (seconds: number, claims: object = {}) => {
      const iat = nowSeconds() + seconds
      return signedAs({ ...good(), iat, exp: iat + 60, ...claims })
    }
    const ahead = async (seconds: number, claims?: object) =>
      tokens.aheadSeconds(await signedAt(seconds, claims), 'parrots')
    for (const seconds of [3_600, -3_600, 120, -120]) {
      const said = (await ahead(seconds)) ?? 0
      assert.ok(Math.abs(said - seconds) <= 1, `${seconds}: ${said}`)
    }
    assert.equal(await ahead(0), null)
    for (const claims of [{ iss: 'somebody' }, { aud: 'accounting' }, { iat: undefined }, { iat: 'then' }])
      assert.equal(await ahead(3_600, claims), null, JSON.stringify(claims))
    const foreign = await tokensOf(await newTokenKey())
    assert.equal(await foreign.aheadSeconds(await signedAt(3_600), 'parrots'), null)
    assert.equal(await tokens.aheadSeconds('a.b.c', 'parrots'), null)
  })

  /** Runs with all clocks held, and with a way to set them forward. */
  const withClocks = async (work: (pass: (ms: number) => void, set: (aheadMs: number) => void) => Promise<void>) => {
    const [date, begun] = [Date.now(), performance.now()]
    let passedMs = 0
    mock.timers.enable({ apis: ['Date'], now: date })
    const now = mock.method(performance, 'now', () => begun + passedMs)
    try {
      await work(
        (ms) => {
          passedMs += ms
          mock.timers.tick(ms)
        },
        (aheadMs) => mock.timers.setTime(date + passedMs + aheadMs),
      )
    } finally {
      now.mock.restore()
      mock.timers.reset()
    }
  }

  test('ends when its time is over, also for who has seen it before', () =>
    withClocks(async (pass) => {
      const token = await tokens.sign(popug, 'parrots')
      assert.deepEqual(await tokens.verify(token, 'parrots'), popug)
      pass(59_000)
      assert.deepEqual(await tokens.verify(token, 'parrots'), popug)
      pass(10_000)
      assert.equal(await tokens.verify(token, 'parrots'), null)
    }))

  test('is signed anew while half of its time is left, so that its receiver always has some', () =>
    withClocks(async (pass) => {
      const token = await tokens.sign({ id: 70, role: 'popug' }, 'parrots')
      pass(29_000)
      assert.equal(await tokens.sign({ id: 70, role: 'popug' }, 'parrots'), token)
      pass(2_000)
      assert.notEqual(await tokens.sign({ id: 70, role: 'popug' }, 'parrots'), token)
    }))

  test('is signed anew at once when the clock was set', () =>
    withClocks(async (_pass, set) => {
      const token = await tokens.sign({ id: 71, role: 'popug' }, 'parrots')
      for (const ms of [3_600_000, -3_600_000]) {
        set(ms)
        assert.notEqual(await tokens.sign({ id: 71, role: 'popug' }, 'parrots'), token)
      }
    }))

  test('differs by person, role and audience', async () => {
    const signed = await Promise.all([
      tokens.sign(popug, 'parrots'),
      tokens.sign({ ...popug, id: 8 }, 'parrots'),
      tokens.sign({ ...popug, role: 'admin' }, 'parrots'),
      tokens.sign(popug, 'accounting'),
    ])
    assert.equal(new Set(signed).size, 4)
  })

  test('is worth nothing when it was signed with another key, changed, or not signed', async () => {
    const other = await tokensOf(await newTokenKey())
    const [header = '', claims = '', signature = ''] = (await tokens.sign(popug, 'parrots')).split('.')
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const admin = part({ ...good(), role: 'admin' })
    const forged = [
      await other.sign(popug, 'parrots'),
      `${header}.${admin}.${signature}`,
      `${header}.${claims}.${signature.slice(0, -2)}`,
      `${header}.${claims}.`,
      `${header}.${claims}`,
      `${part({ alg: 'none' })}.${admin}.`,
      `${part({ alg: 'None' })}.${admin}.${signature}`,
      `${part({ alg: 'HS256' })}.${admin}.${signature}`,
      `${part({ alg: 'EdDSA', jwk: key })}.${admin}.${signature}`,
      '',
      '..',
      'a.b.c',
    ]
    for (const token of forged) assert.equal(await tokens.verify(token, 'parrots'), null, token)
  })
})
