// Makes, as the server's administrator, what a service's database needs: role, schema, rights, limits. Repeatable.
import pg from 'pg'
import { roleSettings } from './postgres.ts'

export interface Prepared {
  readonly role: string
  readonly schema: string
}

export const roleOf = (schema: string): string => `ates_${schema}`

const quote = (name: string): string => pg.escapeIdentifier(name)

/** Two who prepare the same database take turns. */
const turn = `select pg_advisory_lock(hashtext('ates roles'))`

/** "Already exists" and "tuple concurrently updated". */
const lostRace = new Set<unknown>(['23505', '42710', 'XX000'])
const attempts = 10

/**
 * Advisory locks end at the border of a database and roles do not: who prepares another database of the same server
 * may come first, and then there is less left to do.
 */
const racing = async (work: () => Promise<void>, attempt = 1): Promise<void> => {
  try {
    await work()
  } catch (error) {
    const lost = error instanceof pg.DatabaseError && lostRace.has(error.code)
    if (!lost || attempt >= attempts) throw error
    await racing(work, attempt + 1)
  }
}

const ensureRole = async (client: pg.Client, role: string): Promise<void> => {
  const { rows } = await client.query('select 1 from pg_roles where rolname = $1', [role])
  if (rows.length === 0) await client.query(`create role ${quote(role)} login`)
}

/** Limits belong to the role, because a pooler loses those of a session. */
const ensureSettings = async (client: pg.Client, role: string): Promise<void> => {
  const { rows } = await client.query<{ setting: string }>(
    `select unnest(s.setconfig) as setting from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
     where r.rolname = $1 and s.setdatabase = 0`,
    [role],
  )
  const has = new Set(rows.map(({ setting }) => setting))
  for (const [name, value] of Object.entries(roleSettings)) {
    if (!has.has(`${name}=${value}`))
      await client.query(`alter role ${quote(role)} set ${name} = ${pg.escapeLiteral(value)}`)
  }
}

const ensureSchema = async (client: pg.Client, { role, schema }: Prepared): Promise<void> => {
  await client.query(`create schema if not exists ${quote(schema)} authorization ${quote(role)}`)
  await client.query(`alter schema ${quote(schema)} owner to ${quote(role)}`)
  await client.query(`revoke all on schema ${quote(schema)} from public`)
}

/** Connects as an administrator of the server and prepares each schema with a role of its own. */
export const prepareDatabase = async (connection: pg.ClientConfig, schemas: readonly string[]): Promise<Prepared[]> => {
  const client = new pg.Client(connection)
  await client.connect()
  try {
    await client.query(turn)
    const prepared = schemas.map((schema) => ({ role: roleOf(schema), schema }))
    await client.query('create extension if not exists pg_trgm')
    for (const one of prepared) {
      await racing(() => ensureRole(client, one.role))
      await racing(() => ensureSettings(client, one.role))
      await ensureSchema(client, one)
    }
    return prepared
  } finally {
    await client.end()
  }
}

/** Names each limit that the connected role lacks, with the statement that sets it. */
export const missingSettings = async (connection: pg.ClientConfig): Promise<string[]> => {
  const client = new pg.Client(connection)
  await client.connect()
  try {
    const { rows } = await client.query<{ role: string }>('select current_user as role')
    const role = rows[0]?.role ?? ''
    const wrong: string[] = []
    for (const [name, value] of Object.entries(roleSettings)) {
      const { rows: shown } = await client.query<{ limited: boolean }>(
        `select reset_val <> '0' as limited from pg_settings where name = $1`,
        [name],
      )
      if (shown[0]?.limited === false) wrong.push(`alter role ${quote(role)} set ${name} = '${value}'`)
    }
    return wrong
  } finally {
    await client.end()
  }
}
