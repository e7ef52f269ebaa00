// The links that lead in: the first administrator's, and those of invitations.
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { identity } from './contract.ts'
import { newToken, personData } from './people.ts'
import { isCommonPassword, isUsable, tokenHash } from './rules.ts'
import { securityEvent } from './security-events.ts'
import type { SignInParts } from './parts.ts'
import { beginSession } from './sessions.ts'
import {
  allowHashing,
  findInvitation,
  findPerson,
  insertPerson,
  insertSecurityEvents,
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

export const createFirstAdministrator =
  ({ signIn, passwordBlocklist }: SignInParts): Handler<typeof identity.createFirstAdministrator> =>
  async ({ token, name, email, password, client }, { tx, now, emit }) => {
    await allowHashing(tx)
    const link = await lockFirstAdministrator(tx)
    if (link.tokenHash === null || link.tokenHash !== tokenHash(token)) return refuse('link_not_valid')
    if (isCommonPassword(password, await passwordBlocklist(), { name, email })) return refuse('password_too_common')
    const person = await insertPerson(tx, { name, email, role: 'admin' }, now)
    if (!person) return refuse('link_not_valid')
    emit(identity.popugRegistered, [personData(person)])
    await insertSecurityEvents(tx, [securityEvent('first_administrator', person, { at: now, client })])
    await useFirstAdministratorLink(tx, now)
    await signIn.setPassword(person.popugId, email, password)
    return beginSession(signIn, person, password, client)
  }

export const getInvitation: Handler<typeof identity.getInvitation> = async ({ token }, { tx, now }) => {
  const invitation = await findInvitation(tx, tokenHash(token))
  const person = invitation && (await findPerson(tx, invitation.popugId))
  if (!person || !isUsable(invitation, person, now)) return refuse('link_not_valid')
  return ok({ name: person.name, email: person.email })
}

/** Repeatable: the link is used up in the transaction that ends after the password is set. */
export const acceptInvitation =
  ({ signIn, passwordBlocklist }: SignInParts): Handler<typeof identity.acceptInvitation> =>
  async ({ token, password, client }, { tx, now }) => {
    await allowHashing(tx)
    const invitation = await lockInvitation(tx, tokenHash(token))
    const person = invitation && (await findPerson(tx, invitation.popugId))
    if (!person || !isUsable(invitation, person, now)) return refuse('link_not_valid')
    if (isCommonPassword(password, await passwordBlocklist(), person)) return refuse('password_too_common')
    await useInvitation(tx, person.popugId, now)
    await insertSecurityEvents(tx, [securityEvent('invitation_accepted', person, { at: now, client })])
    await signIn.setPassword(person.popugId, person.email, password)
    return beginSession(signIn, person, password, client)
  }
