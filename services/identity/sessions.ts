// Signing in and out, and the sessions of one person. Credentials are the sign-in port's; who a person is, is ours.
import type { Client, SignedIn, SignIn } from '../../kernel/ports.ts'
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import type { identity } from './contract.ts'
import { personOnWire } from './people.ts'
import { isCommonPassword, type Person } from './rules.ts'
import { nowhere, securityEvent } from './security-events.ts'
import type { SignInParts } from './parts.ts'
import { allowHashing, findPerson, findPersonByEmail, insertSecurityEvents } from './store.ts'

const sessionOnWire = ({ token, expiresAt }: SignedIn, person: Person) => ({
  token,
  expiresAt: expiresAt.toISOString(),
  person: personOnWire(person),
})

/** The credentials exist already: a failure here is an outage, not a refusal. */
export const beginSession = async (signIn: SignIn, person: Person, password: string, client: Client | undefined) => {
  const session = await signIn.signIn(person.email, password, client)
  if (!session) throw new Error(`person ${person.popugId} could not sign in with the password just set`)
  return ok(sessionOnWire(session, person))
}

const secondsOf = (waitMs: number) => ({ retryAfterSeconds: Math.ceil(waitMs / 1_000) })

export const signInWithPassword =
  ({ signIn, throttle, record }: SignInParts): Handler<typeof identity.signIn> =>
  async ({ email, password, client = nowhere }, { tx, now }) => {
    await allowHashing(tx)
    const known = await findPersonByEmail(tx, email)
    const told = { at: now, client, email }
    const waitMs = await throttle.enter(email, client.address)
    if (waitMs > 0) {
      await record(securityEvent('sign_in_throttled', known ?? null, told))
      return refuse('too_many_attempts', secondsOf(waitMs))
    }
    const session = await signIn.signIn(email, password, client)
    const person = session && (await personOf(signIn, session.token, tx))
    if (!session || !person) {
      if (session) await signIn.signOut(session.token)
      await record(securityEvent('sign_in_failed', known ?? null, told))
      return refuse('wrong_credentials')
    }
    await throttle.succeeded(email, client.address)
    await insertSecurityEvents(tx, [securityEvent('signed_in', person, told)])
    return ok(sessionOnWire(session, person))
  }

const personOf = async (signIn: SignIn, token: string, tx: Parameters<typeof findPerson>[0]) => {
  const subject = await signIn.subject(token)
  const person = subject === null ? undefined : await findPerson(tx, subject)
  return person?.active ? person : undefined
}

export const getSession =
  ({ signIn }: SignInParts): Handler<typeof identity.getSession> =>
  async ({ token }, { tx }) => {
    const person = await personOf(signIn, token, tx)
    return person ? ok({ person: personOnWire(person) }) : refuse('no_session')
  }

export const signOut =
  ({ signIn }: SignInParts): Handler<typeof identity.signOut> =>
  async ({ token }, { tx, now }) => {
    const person = await personOf(signIn, token, tx)
    await signIn.signOut(token)
    if (person) await insertSecurityEvents(tx, [securityEvent('signed_out', person, { at: now })])
    return ok({})
  }

export const listSessions =
  ({ signIn, sessions }: SignInParts): Handler<typeof identity.listSessions> =>
  async ({ token }, { tx }) => {
    const person = await personOf(signIn, token, tx)
    if (!person) return refuse('no_session')
    const held = await sessions.list(person.popugId, token)
    return ok({
      sessions: held.map(({ client, createdAt, usedAt, expiresAt, id, current }) => ({
        ...client,
        id,
        current,
        createdAt: createdAt.toISOString(),
        usedAt: usedAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
      })),
    })
  }

export const endSession =
  ({ signIn, sessions }: SignInParts): Handler<typeof identity.endSession> =>
  async ({ token, id }, { tx, now }) => {
    const person = await personOf(signIn, token, tx)
    if (!person) return refuse('no_session')
    if (!(await sessions.end(person.popugId, id))) return refuse('session_not_found')
    await insertSecurityEvents(tx, [securityEvent('session_ended', person, { at: now })])
    return ok({})
  }

/** Whoever finds a signed-in browser does not get further than that: the present password is asked for, and throttled. */
export const changePassword =
  ({ signIn, throttle, passwordBlocklist, record }: SignInParts): Handler<typeof identity.changePassword> =>
  async ({ token, current, password, client = nowhere }, { tx, now }) => {
    await allowHashing(tx)
    const person = await personOf(signIn, token, tx)
    if (!person) return refuse('no_session')
    if (isCommonPassword(password, await passwordBlocklist(), person)) return refuse('password_too_common')
    const waitMs = await throttle.enter(person.email, client.address)
    if (waitMs > 0) {
      await record(securityEvent('sign_in_throttled', person, { at: now, client }))
      return refuse('too_many_attempts', secondsOf(waitMs))
    }
    if (!(await signIn.signIn(person.email, current, client))) {
      await record(securityEvent('sign_in_failed', person, { at: now, client }))
      return refuse('wrong_credentials')
    }
    await throttle.succeeded(person.email, client.address)
    await signIn.setPassword(person.popugId, person.email, password)
    await insertSecurityEvents(tx, [securityEvent('password_changed', person, { at: now, client })])
    return beginSession(signIn, person, password, client)
  }
