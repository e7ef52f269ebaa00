// aTES as it is started, on a fresh database, with a person of each role who has signed in.
import { type Application, type Decorations, startApplication } from '../../application.ts'
import { newTokenKey } from '../../adapters/transport/token.ts'
import { type ProcessName, processes, readConfig } from '../../config.ts'
import { serviceRole } from '../../kernel/contract.ts'
import type { Log } from '../../kernel/ports.ts'
import { must } from '../../kernel/result.ts'
import { identity } from '../../services/identity/contract.ts'
import { type Role, roles } from '../../services/vocabulary.ts'
import { namedStatements, type TestDatabase } from './server.ts'
import { silent } from './silent.ts'
import { schemas } from './system.ts'

/** A person with a session, as a browser or a script holds it. */
export interface Member {
  readonly id: number
  readonly role: Role
  readonly cookie: string
}

export type Members = Readonly<Record<Role, Member>>

export const password = 'a parrot is not a password'

/** The settings with which services find their schemas of a test's database. */
export const databaseSettings = (database: TestDatabase): Record<string, string> => ({
  ATES_NAMED_STATEMENTS: String(namedStatements),
  ...Object.fromEntries(
    schemas.map((schema) => {
      const { host = '', port = 5432, user = '' } = database.connection(schema)
      const url = `postgres://${user}@localhost:${port}/${database.name}?host=${encodeURIComponent(host)}`
      return [`ATES_${schema.toUpperCase()}_DATABASE_URL`, url]
    }),
  ),
})

export const sharedSettings = async (): Promise<Record<string, string>> => ({
  ATES_TOKEN_KEY: JSON.stringify(await newTokenKey()),
  ATES_SIGN_IN_SECRET: 'a secret for tests of more than 32 characters',
})

export interface RunningOptions {
  readonly database: TestDatabase
  /** What runs in this process, when one of them runs in a process of the test; otherwise all. */
  readonly run?: readonly ProcessName[]
  readonly settings?: Readonly<Record<string, string>>
  readonly decorations?: Decorations
  readonly log?: Log
}

export interface Running extends AsyncDisposable {
  readonly application: Application
  readonly url: string
  readonly members: Members
}

/** Ends with the application; the database is the test's. */
export const startRunning = async ({
  database,
  run = processes,
  settings = {},
  decorations,
  log = silent,
}: RunningOptions): Promise<Running> => {
  const all = { ATES_PORT: '0', ...databaseSettings(database), ...(await sharedSettings()), ...settings }
  const application = await startApplication({
    config: { ...readConfig([], all), run },
    log,
    ...(decorations ? { decorations } : {}),
  })
  const members = await signInAll(application)
  return {
    application,
    url: application.url ?? '',
    members,
    [Symbol.asyncDispose]: () => application.stop(),
  }
}

const asService = { actor: { id: null, role: serviceRole }, requestId: 'members', timeoutMs: 20_000 }

const signInAll = async ({ host, firstAdministratorLink }: Application): Promise<Members> => {
  const link = await firstAdministratorLink()
  if (!link) throw new Error('there is an administrator already')
  const token = new URL(link).searchParams.get('token') ?? ''
  const first = { token, name: 'Ada', email: 'admin@example.com', password }
  const { person, ...session } = must(await host.call(identity.createFirstAdministrator, first, asService))
  const admin = memberOf(person.popugId, 'admin', session.token)
  const others = await Promise.all(
    roles.filter((role) => role !== 'admin').map(async (role) => [role, await join(host, role, role, admin)] as const),
  )
  await host.settle()
  return { ...(Object.fromEntries(others) as Omit<Members, 'admin'>), admin }
}

/** A person who was invited by an administrator, and has accepted. `name` is one word that nobody else has. */
export const join = async (host: Application['host'], name: string, role: Role, { id }: Member): Promise<Member> => {
  const invited = await host.call(
    identity.invitePerson,
    { name: `The ${name}`, email: `${name}@example.com`, role },
    { ...asService, actor: { id, role: 'admin' } },
  )
  const { token } = must(invited)
  const session = must(await host.call(identity.acceptInvitation, { token, password }, asService))
  return memberOf(session.person.popugId, role, session.token)
}

const memberOf = (id: number, role: Role, token: string): Member => ({
  id,
  role,
  cookie: `ates_session=${encodeURIComponent(token)}`,
})
