// All services in this process on a fresh database, for tests that go through the contracts.
import { localBus } from '../../adapters/bus/local.ts'
import { databaseClock, type Postgres } from '../../adapters/database/postgres.ts'
import { systemRandom } from '../../adapters/random.ts'
import { betterAuthSignIn } from '../../adapters/sign-in/better-auth.ts'
import { passwordBlocklist } from '../../adapters/sign-in/password-blocklist.ts'
import { signInMigrations } from '../../adapters/sign-in/migrations.ts'
import { signInThrottle } from '../../adapters/sign-in/throttle.ts'
import { localTransport } from '../../adapters/transport/local.ts'
import type { Behalf, Caller } from '../../kernel/caller.ts'
import type { Fetched } from '../../kernel/consume.ts'
import { type Actor, serviceRole } from '../../kernel/contract.ts'
import { type Called, type Host, startHost } from '../../kernel/host.ts'
import type { Bus, Clock, Database, Log, Random, SignIn } from '../../kernel/ports.ts'
import { must } from '../../kernel/result.ts'
import type { Service } from '../../kernel/service.ts'
import { identity } from '../../services/identity/contract.ts'
import { recordSecurityEvents } from '../../services/identity/service.ts'
import { type AlertParts, toldToNobody } from '../../services/operations/alerts/loops.ts'
import type { Role } from '../../services/vocabulary.ts'
import { services } from '../../services.ts'
import { quickHashing } from './quick-hashing.ts'
import { freshDatabase, schemas, type TestDatabase } from './server.ts'
import { silent } from './silent.ts'

export interface SystemOptions {
  readonly clock?: Clock
  readonly random?: Random
  readonly bus?: Bus
  readonly log?: Log
  readonly called?: (call: Called) => void
  readonly alerts?: Partial<AlertParts>
  readonly fetched?: (fetched: Fetched) => void
  readonly timeZone?: string
  readonly decorate?: (database: Database) => Database
  readonly decorateSignIn?: (signIn: SignIn) => SignIn
  /** Services beside our own. */
  readonly extra?: readonly Service[]
  /** False leaves relays, consumers and jobs out. */
  readonly loops?: boolean
  /** A database that the test made; otherwise a fresh one that ends with the system. */
  readonly database?: TestDatabase
}

export interface System extends AsyncDisposable {
  readonly host: Host
  readonly call: Caller
  readonly database: TestDatabase
  readonly databases: Readonly<Record<string, Postgres>>
}

export { schemas }

/** Acts for somebody without a request id of interest. */
export const as = (actor: Actor, more: Partial<Behalf> = {}): Behalf => ({
  actor,
  requestId: crypto.randomUUID(),
  timeoutMs: 20_000,
  ...more,
})
export const asService = as({ id: null, role: serviceRole })

const signInSecret = 'a secret for tests of more than 32 characters'

export const startSystem = async (options: SystemOptions = {}): Promise<System> => {
  const { timeZone = 'UTC', decorate = (one) => one, decorateSignIn = (one) => one, extra = [] } = options
  const database = options.database ?? (await freshDatabase([...schemas, ...extra.map(({ schema }) => schema)]))
  const databases = Object.fromEntries(
    [...schemas, ...extra.map(({ schema }) => schema)].map((schema) => [schema, database.open(schema)]),
  )
  const people = databases['identity'] as Postgres
  const library = betterAuthSignIn({
    kysely: people.kysely,
    schema: 'identity',
    secret: signInSecret,
    hashing: quickHashing,
  })
  const parts = {
    timeZone,
    identity: () => ({
      signIn: decorateSignIn(library),
      sessions: library,
      throttle: signInThrottle(people.kysely, 'identity'),
      passwordBlocklist,
      record: recordSecurityEvents(people),
      signInMigrations: signInMigrations('identity'),
    }),
    alerts: () => ({ ...toldToNobody, ...options.alerts }),
  }
  const host = await startHost({
    services: [...Object.values(services).map((make) => make(parts)), ...extra],
    database: ({ schema }) => decorate(databases[schema] as Postgres),
    bus: options.bus ?? localBus(),
    connect: (local) => localTransport(local),
    clock: options.clock ?? databaseClock,
    random: options.random ?? systemRandom,
    log: options.log ?? silent,
    migrate: true,
    loops: options.loops ?? true,
    ...(options.called ? { called: options.called } : {}),
    ...(options.fetched ? { fetched: options.fetched } : {}),
  })
  return {
    host,
    call: host.call,
    database,
    databases,
    [Symbol.asyncDispose]: async () => {
      await host.stop()
      if (options.database) for (const one of Object.values(databases)) await one.close()
      else await database[Symbol.asyncDispose]()
    },
  }
}

/** Adds people straight through identity's contract, as an administrator who need not exist. */
export const addPeople = async (system: System, people: readonly Role[]): Promise<Actor[]> => {
  const admin = as({ id: 1, role: 'admin' })
  const actors: Actor[] = []
  for (const [index, role] of people.entries()) {
    const name = `${role} ${index + 1}`
    const email = `${role}-${index + 1}-${crypto.randomUUID().slice(0, 8)}@example.com`
    const { person } = must(await system.call(identity.invitePerson, { name, email, role }, admin))
    actors.push({ id: person.popugId, role })
  }
  await system.host.settle()
  return actors
}
