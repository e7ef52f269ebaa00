// The tables of the sign-in library inside our schema, and the statements that we run on them ourselves.
import { type Kysely, sql } from 'kysely'
import type { Client } from '../../kernel/ports.ts'

/** Names that cannot be taken for identity's own tables. */
export const tables = {
  user: 'sign_in_user',
  session: 'sign_in_session',
  account: 'sign_in_account',
  verification: 'sign_in_verification',
} as const

/** The library's name for credentials that are an e-mail address and a password. */
const provider = 'credential'

/**
 * Statements that create the library's tables in `schema`, for a migration. Columns are as the library wants them; the
 * check and the unique index on accounts are ours. The last table stays empty: the library expects it to be there.
 */
export const signInTables = (schema: string): string[] => {
  const name = (table: string) => `"${schema.replaceAll('"', '""')}"."${table}"`
  const user = `"userId" text not null references ${name(tables.user)} ("id") on delete cascade`
  const times = `"createdAt" timestamptz not null default now(), "updatedAt" timestamptz not null default now()`
  return [
    `create table ${name(tables.user)} ("id" text primary key, "subject" integer not null unique,
      "email" text not null unique check ("email" = lower("email")), "name" text not null,
      "emailVerified" boolean not null default false, "image" text, ${times})`,
    `create table ${name(tables.session)} ("id" text primary key, "token" text not null unique, ${user},
      "expiresAt" timestamptz not null, "ipAddress" text, "userAgent" text, ${times})`,
    `create table ${name(tables.account)} ("id" text primary key, "providerId" text not null, "accountId" text not null,
      ${user}, "password" text, "accessToken" text, "refreshToken" text, "idToken" text,
      "accessTokenExpiresAt" timestamptz, "refreshTokenExpiresAt" timestamptz, "scope" text, ${times},
      unique ("providerId", "accountId"))`,
    `create table ${name(tables.verification)} ("id" text primary key, "identifier" text not null,
      "value" text not null, "expiresAt" timestamptz not null, ${times})`,
    `create index "sign_in_session_userId_idx" on ${name(tables.session)} ("userId")`,
    `create index "sign_in_account_userId_idx" on ${name(tables.account)} ("userId")`,
    `create index "sign_in_verification_identifier_idx" on ${name(tables.verification)} ("identifier")`,
  ]
}

type Db = Kysely<unknown>

export interface SessionRow {
  readonly subject: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

interface HeldRow extends Client {
  readonly id: string
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly expiresAt: Date
  readonly current: boolean
}

const mostListed = 100

export type Statements = ReturnType<typeof signInStatements>

export const signInStatements = (schema: string) => {
  const user = sql.id(schema, tables.user)
  const session = sql.id(schema, tables.session)
  const account = sql.id(schema, tables.account)

  const lockName = `${schema}.${tables.user}`

  const deleteSessions = async (db: Db, subject: number): Promise<void> => {
    await sql`delete from ${session} s using ${user} u
      where u."id" = s."userId" and u."subject" = ${subject}`.execute(db)
  }

  return {
    deleteSessions,

    /**
     * Creates or replaces the credentials of a person and ends the sessions begun with the old ones, in one transaction.
     * The address goes to this person: who makes people keeps their addresses apart, so that another one who has it is
     * left over from a transaction that was rolled back. Credentials and sessions of that one end.
     */
    async saveCredentials(db: Db, subject: number, email: string, hash: string, at: Date): Promise<void> {
      await db.transaction().execute(async (tx) => {
        // Of two that save the same person or the same address at once, the second could meet the address of the first
        // before its number, and be told that it is taken: measured, about one time in a hundred.
        await sql`select pg_advisory_xact_lock(hashtext(${lockName}))`.execute(tx)
        await sql`delete from ${user} where "email" = ${email} and "subject" <> ${subject}`.execute(tx)
        await sql`insert into ${user} ("id", "subject", "email", "name", "createdAt", "updatedAt")
          values (gen_random_uuid()::text, ${subject}, ${email}, '', ${at}, ${at})
          on conflict ("subject")
            do update set "email" = excluded."email", "updatedAt" = excluded."updatedAt"`.execute(tx)
        await sql`insert into ${account}
            ("id", "providerId", "accountId", "userId", "password", "createdAt", "updatedAt")
          select gen_random_uuid()::text, ${provider}, "id", "id", ${hash}, ${at}::timestamptz, ${at}::timestamptz
          from ${user} where "subject" = ${subject}
          on conflict ("providerId", "accountId")
            do update set "password" = excluded."password", "updatedAt" = excluded."updatedAt"`.execute(tx)
        // Last, and on its own: it must see every session that was confirmed before the hash changed.
        await deleteSessions(tx, subject)
      })
    },

    async passwordHash(db: Db, email: string): Promise<string | null> {
      const { rows } = await sql<{ password: string | null }>`select a."password" from ${user} u
        join ${account} a on a."userId" = u."id" and a."providerId" = ${provider}
        where u."email" = ${email}`.execute(db)
      return rows[0]?.password ?? null
    },

    /** When the session ends, or null if the password is no longer `hash`. Waits for whoever is changing it. */
    async confirmSession(db: Db, token: string, hash: string): Promise<Date | null> {
      const { rows } = await sql<{ expiresAt: Date }>`select s."expiresAt" from ${session} s
        join ${account} a on a."userId" = s."userId" and a."providerId" = ${provider}
        where s."token" = ${token} and a."password" = ${hash}
        for share of a`.execute(db)
      return rows[0]?.expiresAt ?? null
    },

    async liveSession(db: Db, token: string, at: Date, createdAfter: Date): Promise<SessionRow | null> {
      const { rows } = await sql<SessionRow>`select u."subject", s."createdAt", s."updatedAt" from ${session} s
        join ${user} u on u."id" = s."userId"
        where s."token" = ${token} and s."expiresAt" > ${at} and s."createdAt" > ${createdAfter}`.execute(db)
      return rows[0] ?? null
    },

    async extendSession(db: Db, token: string, at: Date, expiresAt: Date): Promise<void> {
      await sql`update ${session} set "expiresAt" = ${expiresAt}, "updatedAt" = ${at}
        where "token" = ${token} and "updatedAt" < ${at}`.execute(db)
    },

    async deleteSession(db: Db, token: string): Promise<void> {
      await sql`delete from ${session} where "token" = ${token}`.execute(db)
    },

    async describeSession(db: Db, token: string, { address, userAgent }: Client): Promise<void> {
      await sql`update ${session} set "ipAddress" = ${address}, "userAgent" = ${userAgent.slice(0, 300)}
        where "token" = ${token}`.execute(db)
    },

    async sessionsOf(db: Db, subject: number, token: string, at: Date, createdAfter: Date): Promise<HeldRow[]> {
      const { rows } = await sql<HeldRow>`select s."id", s."createdAt", s."updatedAt", s."expiresAt",
          coalesce(s."ipAddress", '') as "address", coalesce(s."userAgent", '') as "userAgent", s."token" = ${token} as "current"
        from ${session} s join ${user} u on u."id" = s."userId"
        where u."subject" = ${subject} and s."expiresAt" > ${at} and s."createdAt" > ${createdAfter}
        order by s."createdAt" desc, s."id" limit ${mostListed}`.execute(db)
      return rows
    },

    async deleteSessionOf(db: Db, subject: number, id: string): Promise<boolean> {
      const { rows } = await sql`delete from ${session} s using ${user} u
        where u."id" = s."userId" and u."subject" = ${subject} and s."id" = ${id} returning s."id"`.execute(db)
      return rows.length > 0
    },

    /** Sessions that ran out, of whom this session belongs to: nothing else removes them. */
    async deleteEndedSessions(db: Db, token: string, at: Date): Promise<void> {
      await sql`delete from ${session} where "expiresAt" <= ${at}
        and "userId" = (select "userId" from ${session} where "token" = ${token})`.execute(db)
    },
  }
}
