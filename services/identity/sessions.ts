// Sign-in, sessions and the links that lead to them. Credentials are the sign-in port's; who a person is, is ours.
import type { SignIn } from '../../kernel/ports.ts'
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { identity } from './contract.ts'
import { newToken, personData, personOnWire } from './people.ts'
import { isUsable, type Person, tokenHash } from './rules.ts'
import {
  allowHashing,
  findInvitation,
  findPerson,
  insertPerson,
  lockActiveAdmins,
  lockFirstAdministrator,
  lockInvitation,
  saveFirstAdministratorLink,
  useFirstAdministratorLink,
  useInvitation,
} from './store.ts'

export const issueFirstAdministratorLink: Handler<typeof identity.issueFirstAdministratorLink> = async (
  _input,
  context,
) => {
  const { tx } = context
  await lockFirstAdministrator(tx)
  if ((await lockActiveAdmins(tx)).length > 0) return ok({ token: null })
  const token = newToken(context)
  await saveFirstAdministratorLink(tx, tokenHash(token))
  return ok({ token })
}

/** The credentials exist already: a failure here is an outage, not a refusal. */
const beginSession = async (signIn: SignIn, person: Person, password: string) => {
  const session = await signIn.signIn(person.email, password)
  if (!session) throw new Error(`person ${person.popugId} could not sign in with the password just set`)
  return ok({ token: session.token, expiresAt: session.expiresAt.toISOString(), person: personOnWire(person) })
}

export const createFirstAdministrator =
  (signIn: SignIn): Handler<typeof identity.createFirstAdministrator> =>
  async ({ token, name, email, password }, { tx, now, emit }) => {
    await allowHashing(tx)
    const link = await lockFirstAdministrator(tx)
    if (link.tokenHash === null || link.tokenHash !== tokenHash(token)) return refuse('link_not_valid')
    const person = await insertPerson(tx, { name, email, role: 'admin' }, now)
    if (!person) return refuse('link_not_valid')
    emit(identity.popugRegistered, [personData(person)])
    await useFirstAdministratorLink(tx, now)
    await signIn.setPassword(person.popugId, email, password)
    return beginSession(signIn, person, password)
  }

export const getInvitation: Handler<typeof identity.getInvitation> = async ({ token }, { tx, now }) => {
  const invitation = await findInvitation(tx, tokenHash(token))
  const person = invitation && (await findPerson(tx, invitation.popugId))
  if (!person || !isUsable(invitation, person, now)) return refuse('link_not_valid')
  return ok({ name: person.name, email: person.email })
}

/** Repeatable: the link is used up in the transaction that ends after the password is set. */
export const acceptInvitation =
  (signIn: SignIn): Handler<typeof identity.acceptInvitation> =>
  async ({ token, password }, { tx, now }) => {
    await allowHashing(tx)
    const invitation = await lockInvitation(tx, tokenHash(token))
    const person = invitation && (await findPerson(tx, invitation.popugId))
    if (!person || !isUsable(invitation, person, now)) return refuse('link_not_valid')
    await useInvitation(tx, person.popugId, now)
    await signIn.setPassword(person.popugId, person.email, password)
    return beginSession(signIn, person, password)
  }

export const signInWithPassword =
  (signIn: SignIn): Handler<typeof identity.signIn> =>
  async ({ email, password }, { tx }) => {
    await allowHashing(tx)
    const session = await signIn.signIn(email, password)
    const subject = session && (await signIn.subject(session.token))
    const person = subject === null ? undefined : await findPerson(tx, subject)
    if (!session || !person?.active) {
      if (session) await signIn.signOut(session.token)
      return refuse('wrong_credentials')
    }
    return ok({ token: session.token, expiresAt: session.expiresAt.toISOString(), person: personOnWire(person) })
  }

export const getSession =
  (signIn: SignIn): Handler<typeof identity.getSession> =>
  async ({ token }, { tx }) => {
    const subject = await signIn.subject(token)
    const person = subject === null ? undefined : await findPerson(tx, subject)
    return person?.active ? ok({ person: personOnWire(person) }) : refuse('no_session')
  }

export const signOut =
  (signIn: SignIn): Handler<typeof identity.signOut> =>
  async ({ token }) => {
    await signIn.signOut(token)
    return ok({})
  }
