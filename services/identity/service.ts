// Identity, put together on a sign-in adapter.
import type { Migrations } from '../../kernel/migrations.ts'
import type { Database } from '../../kernel/ports.ts'
import { defineService } from '../../kernel/service.ts'
import { identity as contract } from './contract.ts'
import { acceptInvitation, createFirstAdministrator, getInvitation, issueFirstAdministratorLink } from './links.ts'
import { migrations } from './migrations.ts'
import { changeMe, changePerson, getMe, getPeople, invitePerson, renewInvitation } from './people.ts'
import type { SignInParts } from './parts.ts'
import { getSecurityEvents } from './security-events.ts'
import { changePassword, endSession, getSession, listSessions, signInWithPassword, signOut } from './sessions.ts'
import { insertSecurityEvents } from './store.ts'

export interface IdentityParts extends SignInParts {
  /** Makes the adapter's tables in identity's schema. */
  readonly signInMigrations: Migrations
}

/** `IdentityParts.record` on identity's own database. */
export const recordSecurityEvents =
  (database: Database): IdentityParts['record'] =>
  (event) =>
    database.transaction('security event', (tx) => insertSecurityEvents(tx, [event]))

export const identity = (parts: IdentityParts) =>
  defineService({
    name: 'identity',
    contract,
    handlers: {
      invitePerson,
      changePerson: changePerson(parts.signIn),
      renewInvitation,
      getPeople,
      getMe,
      changeMe,
      issueFirstAdministratorLink,
      createFirstAdministrator: createFirstAdministrator(parts),
      getInvitation,
      acceptInvitation: acceptInvitation(parts),
      signIn: signInWithPassword(parts),
      getSession: getSession(parts),
      signOut: signOut(parts),
      changePassword: changePassword(parts),
      listSessions: listSessions(parts),
      endSession: endSession(parts),
      getSecurityEvents,
    },
    migrations: { ...migrations, ...parts.signInMigrations },
  })
