// What the tests of identity share: the first administrator, people who join, and what was published about them.
import assert from 'node:assert/strict'
import { must } from '../../kernel/result.ts'
import { as, asService, type System } from '../../tests/support/system.ts'
import type { Role } from '../vocabulary.ts'
import { identity } from './contract.ts'

export const password = 'correct horse'
export const asAdmin = as({ id: 1, role: 'admin' })

export const becomeFirstAdministrator = async ({ call }: System, email = 'first@example.com') => {
  const { token } = must(await call(identity.issueFirstAdministratorLink, {}, asService))
  assert.ok(token)
  return must(await call(identity.createFirstAdministrator, { token, name: 'First', email, password }, asService))
}

interface PersonEvent {
  readonly type: string
  readonly data: { readonly popugId: number; readonly version: number; readonly name: string; readonly role: string }
}

/** Calls of identity, on the system that there is when they are made. */
export const peopleOf = (system: () => System) => {
  let lastPerson = 0
  const invite = async (role: Role = 'popug') => {
    const email = `person-${++lastPerson}@example.com`
    const input = { name: `Person ${lastPerson}`, email, role }
    return must(await system().call(identity.invitePerson, input, asAdmin))
  }
  return {
    invite,
    /** A person who has accepted and is signed in. */
    join: async (role: Role = 'popug') => {
      const { person, token } = await invite(role)
      const session = must(await system().call(identity.acceptInvitation, { token, password }, asService))
      return { ...person, session: session.token }
    },
    accept: (token: string, chosen = password) =>
      system().call(identity.acceptInvitation, { token, password: chosen }, asService),
    signIn: (email: string, given = password) => system().call(identity.signIn, { email, password: given }, asService),
    sessionOf: (token: string) => system().call(identity.getSession, { token }, asService),
    changePerson: (popugId: number, wanted: { name?: string; role?: Role; active?: boolean }) =>
      system().call(identity.changePerson, { popugId, ...wanted }, asAdmin),
    eventsAbout: async (popugId: number): Promise<PersonEvent[]> => {
      await system().host.settle()
      return system().database.query<PersonEvent>(
        'select type, data from identity.event where about = $1 order by number',
        [String(popugId)],
      )
    },
  }
}
