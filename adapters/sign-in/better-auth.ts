// Credentials and sessions by better-auth. It hashes, compares and makes sessions; nobody else sees its users.
import type { BetterAuthOptions as LibraryOptions } from 'better-auth'
import type { Kysely } from 'kysely'
import type { Client, Sessions, SignedIn, SignIn } from '../../kernel/ports.ts'
import { type Statements, signInStatements, tables } from './schema.ts'

export { signInTables } from './schema.ts'

export interface SignInOptions {
  readonly kysely: Kysely<unknown>
  /** Where `signInTables` were created; it need not be on the connection's search path. */
  readonly schema: string
  /** At least 32 characters. Signs only cookies of the library, which we do not use: changing it ends no session. */
  readonly secret: string
  readonly now?: () => Date
  /** By default the library's: scrypt, which takes 32 MiB and a core for 60 ms. */
  readonly hashing?: Hashing
}

/** How passwords are kept. */
export interface Hashing {
  hash(password: string): Promise<string>
  verify(given: { readonly hash: string; readonly password: string }): Promise<boolean>
}

const dayMs = 24 * 3_600_000
/** A session ends after this time without use, ... */
const idleMs = 7 * dayMs
/** ... its end is moved at most this often, ... */
const extendEveryMs = dayMs
/** ... and never beyond this age. The library knows no such limit. */
const longestMs = 30 * dayMs

const maxPasswordLength = 128
/** How often a sign-in starts anew because the password was changed meanwhile. */
const maxAttempts = 3

export const betterAuthSignIn = ({
  kysely,
  schema,
  secret,
  now = () => new Date(),
  hashing,
}: SignInOptions): SignIn & Sessions => {
  let loading: Promise<Library> | undefined
  const library = () => (loading ??= loadLibrary({ kysely, schema, secret, now, hashing }))
  const statements = signInStatements(schema)

  const signIn = async (
    email: string,
    password: string,
    client: Client | undefined,
    attempts: number,
  ): Promise<SignedIn | null> => {
    const hash = await statements.passwordHash(kysely, email)
    const token = await beginSession(await library(), email, password)
    if (token === null) return null
    const expiresAt = hash === null ? null : await statements.confirmSession(kysely, token, hash)
    if (expiresAt !== null) {
      if (client) await statements.describeSession(kysely, token, client)
      await statements.deleteEndedSessions(kysely, token, now())
      return { token, expiresAt }
    }
    // The password was replaced between the check and the new session, which the replacement could not end yet.
    await statements.deleteSession(kysely, token)
    return attempts > 1 ? signIn(email, password, client, attempts - 1) : null
  }

  return {
    async setPassword(subject, email, password) {
      if (password.length > maxPasswordLength) throw new RangeError(`password over ${maxPasswordLength} characters`)
      const { auth } = await library()
      const hash = await (await auth.$context).password.hash(password)
      await statements.saveCredentials(kysely, subject, email.toLowerCase(), hash, now())
    },

    async signIn(email, password, client) {
      if (email.includes('\0')) return null
      return signIn(email.toLowerCase(), password, client, maxAttempts)
    },

    async subject(token) {
      return isToken(token) ? subjectOf(token, kysely, statements, now()) : null
    },

    async signOut(token) {
      if (isToken(token)) await statements.deleteSession(kysely, token)
    },

    async endSessions(subject) {
      await statements.deleteSessions(kysely, subject)
    },

    ...sessionsIn(kysely, statements, now),
  }
}

const sessionsIn = (kysely: Kysely<unknown>, statements: Statements, now: () => Date): Sessions => ({
  list: async (subject, token) => {
    const at = now()
    const rows = await statements.sessionsOf(kysely, subject, token, at, new Date(at.getTime() - longestMs))
    return rows.map(({ address, userAgent, updatedAt: usedAt, ...row }) => ({
      ...row,
      usedAt,
      client: { address, userAgent },
    }))
  },
  end: (subject, id) => statements.deleteSessionOf(kysely, subject, id),
})

const subjectOf = async (token: string, kysely: Kysely<unknown>, statements: Statements, at: Date) => {
  const session = await statements.liveSession(kysely, token, at, new Date(at.getTime() - longestMs))
  if (session === null) return null
  if (at.getTime() - session.updatedAt.getTime() >= extendEveryMs) {
    const expiresAtMs = Math.min(at.getTime() + idleMs, session.createdAt.getTime() + longestMs)
    await statements.extendSession(kysely, token, at, new Date(expiresAtMs))
  }
  return session.subject
}

/** What the library makes; anything else is not asked of the database, which would choke on some of it. */
const isToken = (text: string) => /^[A-Za-z0-9]{32}$/.test(text)

/** The library's own sign-in, which hashes in vain for an unknown address, so that both noes take the same time. */
const beginSession = async ({ auth, isAPIError }: Library, email: string, password: string): Promise<string | null> => {
  try {
    const { token } = await auth.api.signInEmail({ body: { email, password } })
    return token
  } catch (error) {
    if (isAPIError(error) && refusals.has(error.body?.code)) return null
    throw error
  }
}

const refusals = new Set<unknown>(['INVALID_EMAIL_OR_PASSWORD', 'INVALID_EMAIL', 'PASSWORD_TOO_LONG'])

type Library = Awaited<ReturnType<typeof loadLibrary>>

interface LibraryParts extends Required<Omit<SignInOptions, 'hashing'>> {
  readonly hashing?: Hashing | undefined
}

/** Not before somebody sets a password or signs in: it is a fifth of all that a start would load. */
const loadLibrary = async (options: LibraryParts) => {
  const [{ betterAuth }, { isAPIError }] = await Promise.all([import('better-auth'), import('better-auth/api')])
  return { auth: betterAuth(libraryOptions(options)), isAPIError }
}

/** Exported for the test that compares our tables with what the library wants. */
export const libraryOptions = ({ kysely, schema, secret, now, hashing }: LibraryParts) =>
  ({
    database: { db: kysely, type: 'postgres', schemaName: schema, transaction: true },
    telemetry: { enabled: false },
    // Both are said so that the library does not take them from its environment variables; nothing depends on them.
    secrets: [{ version: 1, value: secret }],
    baseURL: 'http://localhost',
    logger: { disabled: true },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      maxPasswordLength,
      ...(hashing ? { password: hashing } : {}),
    },
    user: {
      modelName: tables.user,
      additionalFields: { subject: { type: 'number', required: true, unique: true, input: false } },
    },
    account: { modelName: tables.account },
    verification: { modelName: tables.verification },
    session: { modelName: tables.session, expiresIn: idleMs / 1000, updateAge: extendEveryMs / 1000 },
    // Migrations are ours and may run after this starts, or may have been made for a newer release.
    advanced: { database: { validateSchema: false } },
    databaseHooks: {
      session: {
        create: {
          before: async () => {
            const at = now()
            return { data: { createdAt: at, updatedAt: at, expiresAt: new Date(at.getTime() + idleMs) } }
          },
        },
      },
    },
  }) satisfies LibraryOptions
