// Who acts, as a signed token of at most 60 seconds for one service (Ed25519 by jose): RFC 7519.
import { errors, exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import type { Actor } from '../../kernel/contract.ts'

const lifetimeSeconds = 60
/** A token is used again for this long, so that its receiver always has time left. */
const reuseMs = 30_000
const mostKept = 10_000

export interface Tokens {
  sign(actor: Actor, audience: string): Promise<string>
  /** Null when the token is not ours, not for this audience or too old. */
  verify(token: string, audience: string): Promise<Actor | null>
  /**
   * By how many seconds the clock of who signed it is ahead of ours, behind where negative; null unless the token is
   * ours, for this audience, and was refused for its time alone.
   */
  aheadSeconds(token: string, audience: string): Promise<number | null>
}

/** A fresh private key as a JSON Web Key. */
export const newTokenKey = async (): Promise<JWK> => {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  return exportJWK(privateKey)
}

const publicPart = ({ kty, crv, x }: JWK): JWK => ({ kty, crv, x }) as JWK

/**
 * Remembers what a function gave for a key for a while; starts anew when it has too many. It counts elapsed time, for a
 * clock that is set back must not keep a token that others have long refused.
 */
const remember = <Value>() => {
  const kept = new Map<string, { value: Value; untilMs: number }>()
  return {
    get: (key: string): Value | undefined => {
      const found = kept.get(key)
      return found && found.untilMs > performance.now() ? found.value : undefined
    },
    set: (key: string, value: Value, forMs: number) => {
      if (kept.size >= mostKept) kept.clear()
      kept.set(key, { value, untilMs: performance.now() + forMs })
    },
  }
}

const optionsFor = (audience: string) => ({
  audience,
  issuer: 'ates',
  algorithms: ['EdDSA'],
  maxTokenAge: lifetimeSeconds,
  clockTolerance: 5,
})

/** When a token was signed, in seconds, that was refused for its time; null for one that was refused for anything else. */
const untimely = (error: unknown): number | null => {
  const isOfTime =
    error instanceof errors.JWTExpired ||
    (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iat' && error.reason === 'check_failed')
  return isOfTime ? (error.payload.iat ?? null) : null
}

export const tokensOf = async (key: JWK): Promise<Tokens> => {
  const privateKey = await importJWK(key, 'EdDSA')
  const publicKey = await importJWK(publicPart(key), 'EdDSA')
  const signed = remember<{ readonly token: string; readonly atMs: number }>()
  const verified = remember<Actor>()
  return {
    sign: async (actor, audience) => {
      const name = `${actor.id} ${actor.role} ${audience}`
      const known = signed.get(name)
      // A clock that was set meanwhile makes it one that others refuse.
      if (known && Math.abs(Date.now() - known.atMs) <= reuseMs) return known.token
      const atMs = Date.now()
      const token = await new SignJWT({ role: actor.role })
        .setProtectedHeader({ alg: 'EdDSA' })
        .setSubject(actor.id === null ? '' : String(actor.id))
        .setIssuer('ates')
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${lifetimeSeconds}s`)
        .sign(privateKey)
      signed.set(name, { token, atMs }, reuseMs)
      return token
    },
    verify: async (token, audience) => {
      const known = verified.get(`${audience} ${token}`)
      if (known) return known
      const result = await jwtVerify(token, publicKey, optionsFor(audience)).catch(() => null)
      const { sub, role, exp } = result?.payload ?? {}
      if (typeof sub !== 'string' || typeof role !== 'string' || typeof exp !== 'number') return null
      const actor = { id: sub === '' ? null : Number(sub), role }
      verified.set(`${audience} ${token}`, actor, Math.min(exp * 1_000 - Date.now(), lifetimeSeconds * 1_000))
      return actor
    },
    aheadSeconds: async (token, audience) => {
      const refused = await jwtVerify(token, publicKey, optionsFor(audience)).then(() => null, untimely)
      return refused === null ? null : Math.round(refused - Date.now() / 1_000)
    },
  }
}
