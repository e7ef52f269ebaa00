// Every statement of identity.
import { sql } from 'kysely'
import type { Tx } from '../../kernel/ports.ts'
import { containing, forItsValues } from '../../kernel/search.ts'
import type { Invitation, Person, Role, SecurityEvent } from './rules.ts'

const personColumns = sql`p.id as "popugId", p.name, p.email, p.role, p.active, p.version, p.created_at as "createdAt"`

export interface NewPerson {
  readonly name: string
  readonly email: string
  readonly role: Role
}

/** Undefined when the e-mail address is taken. */
export const insertPerson = async (
  tx: Tx,
  { name, email, role }: NewPerson,
  now: Date,
): Promise<Person | undefined> => {
  const { rows } = await sql<Person>`
    insert into identity.person as p (name, email, role, created_at) values (${name}, ${email}, ${role}, ${now})
    on conflict (email) do nothing returning ${personColumns}`.execute(tx)
  return rows[0]
}

export const findPerson = async (tx: Tx, popugId: number): Promise<Person | undefined> => {
  const { rows } = await sql<Person>`select ${personColumns} from identity.person p where id = ${popugId}`.execute(tx)
  return rows[0]
}

export const lockPerson = async (tx: Tx, popugId: number): Promise<Person | undefined> => {
  const { rows } = await sql<Person>`
    select ${personColumns} from identity.person p where id = ${popugId} for update`.execute(tx)
  return rows[0]
}

/** Locked, so that two cannot remove each other. */
export const lockActiveAdmins = async (tx: Tx): Promise<number[]> => {
  const { rows } = await sql<{ id: number }>`
    select id from identity.person where role = 'admin' and active order by id for update`.execute(tx)
  return rows.map(({ id }) => id)
}

export const savePeople = async (tx: Tx, people: readonly Person[]): Promise<void> => {
  await sql`
    update identity.person p set name = c.name, role = c.role, active = c.active, version = c.version
    from unnest(${people.map((p) => p.popugId)}::int[], ${people.map((p) => p.name)}::text[], ${people.map((p) => p.role)}::text[],
      ${people.map((p) => p.active)}::boolean[], ${people.map((p) => p.version)}::int[]) as c(id, name, role, active, version)
    where p.id = c.id`.execute(tx)
}

export interface PeopleFilter {
  readonly text: string
  readonly order: 'number' | 'newest'
}

/** Those behind a number, in either order; with a text, those with it in their name or e-mail address. */
export const listPeople = async (
  tx: Tx,
  { text, order }: PeopleFilter,
  behind: number,
  limit: number,
): Promise<Person[]> => {
  const [after, direction] = order === 'number' ? [sql`>`, sql`asc`] : [sql`<`, sql`desc`]
  const like = containing(text)
  const fitting = text === '' ? sql`` : sql`and (name ilike ${like} or email ilike ${like}) ${forItsValues}`
  const { rows } = await sql<Person>`
    select ${personColumns} from identity.person p
    where id ${after} ${behind}::bigint ${fitting} order by id ${direction} limit ${limit}`.execute(tx)
  return rows
}

export const findPersonByEmail = async (tx: Tx, email: string): Promise<Person | undefined> => {
  const { rows } = await sql<Person>`select ${personColumns} from identity.person p where email = ${email}`.execute(tx)
  return rows[0]
}

export const insertSecurityEvents = async (tx: Tx, events: readonly SecurityEvent[]): Promise<void> => {
  await sql`
    insert into identity.security_event (kind, at, person_id, email, actor, address, user_agent)
    select * from unnest(${events.map((e) => e.kind)}::text[], ${events.map((e) => e.at)}::timestamptz[],
      ${events.map((e) => e.popugId)}::int[], ${events.map((e) => e.email)}::text[], ${events.map((e) => e.actor)}::int[],
      ${events.map((e) => e.address)}::text[], ${events.map((e) => e.userAgent)}::text[])`.execute(tx)
}

export interface ToldSecurityEvent extends SecurityEvent {
  readonly id: number
  /** As the actor is called now. */
  readonly actorName: string | null
}

/** Newest first, those with an id below `before`; of one person, or of all. */
export const listSecurityEvents = async (
  tx: Tx,
  popugId: number | null,
  before: number,
  limit: number,
): Promise<ToldSecurityEvent[]> => {
  const ofPerson = popugId === null ? sql`` : sql`and e.person_id = ${popugId}`
  const { rows } = await sql<ToldSecurityEvent>`
    select e.id, e.kind, e.at, e.person_id as "popugId", e.email, e.actor, p.name as "actorName", e.address,
      e.user_agent as "userAgent"
    from identity.security_event e left join identity.person p on p.id = e.actor
    where e.id < ${before}::bigint ${ofPerson}
    order by e.id desc limit ${limit}`.execute(tx)
  return rows
}

/** Ends what was made before for the same person. */
export const saveInvitation = async (tx: Tx, popugId: number, tokenHash: string, expiresAt: Date): Promise<void> => {
  await sql`
    insert into identity.invitation (person_id, token_hash, expires_at) values (${popugId}, ${tokenHash}, ${expiresAt})
    on conflict (person_id) do update
      set token_hash = excluded.token_hash, expires_at = excluded.expires_at, used_at = null`.execute(tx)
}

const invitationColumns = sql`person_id as "popugId", expires_at as "expiresAt", used_at as "usedAt"`

export const findInvitation = async (tx: Tx, tokenHash: string): Promise<Invitation | undefined> => {
  const { rows } = await sql<Invitation>`
    select ${invitationColumns} from identity.invitation where token_hash = ${tokenHash}`.execute(tx)
  return rows[0]
}

export const lockInvitation = async (tx: Tx, tokenHash: string): Promise<Invitation | undefined> => {
  const { rows } = await sql<Invitation>`
    select ${invitationColumns} from identity.invitation where token_hash = ${tokenHash} for update`.execute(tx)
  return rows[0]
}

export const useInvitation = async (tx: Tx, popugId: number, now: Date): Promise<void> => {
  await sql`update identity.invitation set used_at = ${now} where person_id = ${popugId}`.execute(tx)
}

interface FirstAdministrator {
  readonly tokenHash: string | null
  readonly usedAt: Date | null
}

/** The lock makes sure that there is one first administrator. */
export const lockFirstAdministrator = async (tx: Tx): Promise<FirstAdministrator> => {
  const { rows } = await sql<FirstAdministrator>`
    select token_hash as "tokenHash", used_at as "usedAt" from identity.first_administrator for update`.execute(tx)
  return rows[0] ?? { tokenHash: null, usedAt: null }
}

export const saveFirstAdministratorLink = async (tx: Tx, tokenHash: string): Promise<void> => {
  await sql`update identity.first_administrator set token_hash = ${tokenHash}`.execute(tx)
}

export const useFirstAdministratorLink = async (tx: Tx, now: Date): Promise<void> => {
  await sql`update identity.first_administrator set token_hash = null, used_at = ${now}`.execute(tx)
}

/** Hashing a password may take longer, when many do it at once, than a transaction may do nothing otherwise. */
export const allowHashing = async (tx: Tx): Promise<void> => {
  await sql`set local idle_in_transaction_session_timeout = '10s'`.execute(tx)
}
