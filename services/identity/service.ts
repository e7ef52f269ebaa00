// Identity, put together on a sign-in adapter.
import type { Migrations } from '../../kernel/migrations.ts'
import type { SignIn } from '../../kernel/ports.ts'
import { defineService } from '../../kernel/service.ts'
import { identity as contract } from './contract.ts'
import { migrations } from './migrations.ts'
import { changePerson, getMe, getPeople, invitePerson, renewInvitation } from './people.ts'
import {
  acceptInvitation,
  createFirstAdministrator,
  getInvitation,
  getSession,
  issueFirstAdministratorLink,
  signInWithPassword,
  signOut,
} from './sessions.ts'

export interface IdentityParts {
  readonly signIn: SignIn
  /** Makes the adapter's tables in identity's schema. */
  readonly signInMigrations: Migrations
}

export const identity = ({ signIn, signInMigrations }: IdentityParts) =>
  defineService({
    name: 'identity',
    contract,
    handlers: {
      invitePerson,
      changePerson: changePerson(signIn),
      renewInvitation,
      getPeople,
      getMe,
      issueFirstAdministratorLink,
      createFirstAdministrator: createFirstAdministrator(signIn),
      getInvitation,
      acceptInvitation: acceptInvitation(signIn),
      signIn: signInWithPassword(signIn),
      getSession: getSession(signIn),
      signOut: signOut(signIn),
    },
    migrations: { ...migrations, ...signInMigrations },
  })
