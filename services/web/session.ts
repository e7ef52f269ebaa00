// Whose session a request carries: asked of identity at most once a second per session.
import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { Caller } from '../../kernel/caller.ts'
import { serviceRole, type Actor } from '../../kernel/contract.ts'
import { isRefusal } from '../../kernel/result.ts'
import { identity, type Person as PersonSchema } from '../identity/contract.ts'
import { sessionTokenOf } from './cookies.ts'

export type Person = z.output<typeof PersonSchema>

/** A signed-in person, and how they act at the services. */
export interface SignedIn {
  readonly actor: Actor
  readonly person: Person
}

export interface SessionDeps {
  readonly call: Caller
  readonly secure: boolean
  readonly now: () => Date
}

const cachedForMs = 1_000
const maxCached = 10_000

interface Entry {
  readonly until: number
  readonly answer: Promise<SignedIn | null>
  popugId?: number
}

/** One cache for each way to the services, so that pages and gateway share theirs. Insertion order is age. */
const caches = new WeakMap<Caller, Map<string, Entry>>()

/** Services call each other without a person. */
export const asService: Actor = { id: null, role: serviceRole }

/** The person whose session cookie the request carries; null without a valid one. Throws `Fault` when identity is out of reach. */
export const sessionOf = async (
  deps: SessionDeps,
  request: Request,
  requestId: string = crypto.randomUUID(),
): Promise<SignedIn | null> => {
  const token = sessionTokenOf(request, deps.secure)
  if (token === null) return null
  const cache = cacheOf(deps.call)
  const key = hash(token)
  const now = deps.now().getTime()
  const cached = cache.get(key)
  if (cached && cached.until > now && cached.until <= now + cachedForMs) return await cached.answer

  const entry: Entry = { until: now + cachedForMs, answer: look(deps.call, token, requestId) }
  cache.delete(key)
  cache.set(key, entry)
  evict(cache, now)
  try {
    const answer = await entry.answer
    if (answer) entry.popugId = answer.person.popugId
    return answer
  } catch (error) {
    if (cache.get(key) === entry) cache.delete(key)
    throw error
  }
}

/** Makes the next request of this person ask identity again, for use when the person was changed. */
export const forgetSessionsOf = (deps: Pick<SessionDeps, 'call'>, popugId: number): void => {
  const cache = cacheOf(deps.call)
  // An entry whose answer is not there yet may be about this person, too.
  for (const [key, entry] of cache) if (entry.popugId === undefined || entry.popugId === popugId) cache.delete(key)
}

/** Makes the next request with this token ask identity again. */
export const forgetSession = (deps: Pick<SessionDeps, 'call'>, token: string): void => {
  cacheOf(deps.call).delete(hash(token))
}

const look = async (call: Caller, token: string, requestId: string): Promise<SignedIn | null> => {
  const outcome = await call(identity.getSession, { token }, { actor: asService, requestId })
  if (isRefusal(outcome) || !outcome.ok.person.active) return null
  const { person } = outcome.ok
  return { person, actor: { id: person.popugId, role: person.role } }
}

const cacheOf = (call: Caller): Map<string, Entry> => {
  let cache = caches.get(call)
  if (!cache) caches.set(call, (cache = new Map()))
  return cache
}

/** Drops what has run out, and the oldest when there are too many. */
const evict = (cache: Map<string, Entry>, now: number): void => {
  for (const [key, entry] of cache) {
    if (entry.until > now && cache.size <= maxCached) return
    cache.delete(key)
  }
}

/** Tokens are not kept in memory longer than a request. */
const hash = (token: string): string => createHash('sha256').update(token).digest('base64url')
