// People: invite, change, list. Every change is published, for the others keep what they need of it.
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import type { SignIn } from '../../kernel/ports.ts'
import { isRefusal, ok, refuse } from '../../kernel/result.ts'
import type { Context, Handler } from '../../kernel/service.ts'
import { identity } from './contract.ts'
import { change, eventsOfChange, invitationMs, type Person, type SecurityEventKind, tokenHash } from './rules.ts'
import { securityEvent } from './security-events.ts'
import {
  findPerson,
  insertPerson,
  insertSecurityEvents,
  listPeople,
  lockActiveAdmins,
  lockPerson,
  saveInvitation,
  savePeople,
} from './store.ts'

export const personOnWire = ({ version: _version, createdAt, ...person }: Person) => ({
  ...person,
  createdAt: createdAt.toISOString(),
})

/** What others learn of a person: everything but the e-mail address. */
export const personData = ({ popugId, name, role, active, version }: Person) => ({
  popugId,
  name,
  role,
  active,
  version,
})

/** 244 random bits. */
export const newToken = ({ random }: Context): string => `${random.uuid()}${random.uuid()}`.replaceAll('-', '')

const invite = async (person: Person, context: Context) => {
  const token = newToken(context)
  await saveInvitation(context.tx, person.popugId, tokenHash(token), new Date(context.now.getTime() + invitationMs))
  return ok({ person: personOnWire(person), token })
}

/** Writes down what an administrator did. */
const note = (person: Person, kinds: readonly SecurityEventKind[], { tx, now, actor }: Context): Promise<void> =>
  insertSecurityEvents(
    tx,
    kinds.map((kind) => securityEvent(kind, person, { at: now, actor: actor.id })),
  )

export const invitePerson: Handler<typeof identity.invitePerson> = async (input, context) => {
  const person = await insertPerson(context.tx, input, context.now)
  if (!person) return refuse('email_taken')
  context.emit(identity.popugRegistered, [personData(person)])
  await note(person, ['invited'], context)
  return invite(person, context)
}

export const renewInvitation: Handler<typeof identity.renewInvitation> = async ({ popugId }, context) => {
  const person = await lockPerson(context.tx, popugId)
  if (!person) return refuse('person_not_found')
  if (!person.active) return refuse('person_disabled')
  await note(person, ['invitation_renewed'], context)
  return invite(person, context)
}

export const changePerson =
  (signIn: SignIn): Handler<typeof identity.changePerson> =>
  async ({ popugId, ...wanted }, context) => {
    const { tx, emit } = context
    const admins = await lockActiveAdmins(tx)
    const person = await lockPerson(tx, popugId)
    if (!person) return refuse('person_not_found')
    const changed = change(person, wanted, admins)
    if (isRefusal(changed) || changed.ok === person) return isRefusal(changed) ? changed : ok(personOnWire(person))
    await savePeople(tx, [changed.ok])
    emit(identity.popugChanged, [personData(changed.ok)])
    await note(person, eventsOfChange(person, changed.ok), context)
    if (!changed.ok.active) await signIn.endSessions(popugId)
    return ok(personOnWire(changed.ok))
  }

export const getPeople: Handler<typeof identity.getPeople> = async ({ text = '', order, after, limit }, { tx }) => {
  const start = order === 'number' ? 0 : 2 ** 31
  const people = await listPeople(tx, { text, order }, numberInMark(after, 0, start), limit + 1)
  const { page, next } = pageOf(people, limit, ({ popugId }) => pageMarkOf(popugId))
  return ok({ people: page.map(personOnWire), next })
}

export const getMe: Handler<typeof identity.getMe> = async (_input, { tx, actor }) => {
  const person = await findPerson(tx, actor.id ?? 0)
  return person ? ok(personOnWire(person)) : refuse('person_not_found')
}

export const changeMe: Handler<typeof identity.changeMe> = async ({ name }, { tx, actor, emit }) => {
  const person = await lockPerson(tx, actor.id ?? 0)
  if (!person) return refuse('person_not_found')
  if (person.name === name) return ok(personOnWire(person))
  const changed = { ...person, name, version: person.version + 1 }
  await savePeople(tx, [changed])
  emit(identity.popugChanged, [personData(changed)])
  return ok(personOnWire(changed))
}
