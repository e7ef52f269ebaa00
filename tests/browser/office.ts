// The application under test as people meet it: on a fresh database, listening, with what it logs as an error kept.
import { type Decorations, startApplication } from '../../application.ts'
import { readConfig } from '../../config.ts'
import type { Host } from '../../kernel/host.ts'
import type { Log } from '../../kernel/ports.ts'
import { must } from '../../kernel/result.ts'
import { identity } from '../../services/identity/contract.ts'
import type { Role } from '../../services/vocabulary.ts'
import { databaseSettings, password, sharedSettings } from '../support/application.ts'
import { freshDatabase, type TestDatabase } from '../support/server.ts'
import { as, asService, schemas } from '../support/system.ts'

/** Somebody with a session. */
export interface Person {
  readonly popugId: number
  readonly name: string
  readonly email: string
  readonly role: Role
  readonly token: string
}

export interface Office extends AsyncDisposable {
  readonly url: string
  /** The one-time link of a first start. */
  readonly link: string
  readonly host: Host
  readonly database: TestDatabase
  /** What was logged as an error. */
  readonly errors: readonly string[]
  /** Somebody who was invited and has accepted. */
  hire(name: string, role: Role): Promise<Person>
}

const keepErrors = (errors: string[]): Log => {
  const nothing = () => undefined
  const error = ({ err, ...fields }: { err?: unknown }, message: string) =>
    void errors.push(`${message} ${JSON.stringify(fields)} ${err instanceof Error ? err.stack : String(err)}`)
  const log: Log = { debug: nothing, info: nothing, warn: nothing, error, child: () => log }
  return log
}

const hire = async ({ call }: Host, name: string, role: Role): Promise<Person> => {
  const email = `${name.toLowerCase().replaceAll(/\W+/g, '-')}@example.com`
  const { person, token } = must(await call(identity.invitePerson, { name, email, role }, as({ id: 1, role: 'admin' })))
  const session = must(await call(identity.acceptInvitation, { token, password }, asService))
  return { popugId: person.popugId, name, email, role, token: session.token }
}

export const openOffice = async (decorations: Decorations = {}): Promise<Office> => {
  const database = await freshDatabase(schemas)
  const errors: string[] = []
  const settings = { ATES_PORT: '0', ATES_DATABASE_CONNECTIONS: '8', ...databaseSettings(database) }
  const config = readConfig([], { ...settings, ...(await sharedSettings()) })
  const application = await startApplication({ config, log: keepErrors(errors), decorations })
  return {
    url: application.url ?? '',
    link: (await application.firstAdministratorLink()) ?? '',
    host: application.host,
    database,
    errors,
    hire: (name, role) => hire(application.host, name, role),
    [Symbol.asyncDispose]: async () => {
      await application.stop()
      await database[Symbol.asyncDispose]()
    },
  }
}
