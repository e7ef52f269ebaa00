// Rules about people and links, without IO.
import { createHash } from 'node:crypto'
import { ok, type Outcome, refuse } from '../../kernel/result.ts'

export type Role = 'popug' | 'manager' | 'accountant' | 'admin'

export interface Person {
  readonly popugId: number
  readonly name: string
  readonly email: string
  readonly role: Role
  readonly active: boolean
  readonly version: number
  readonly createdAt: Date
}

export interface PersonChange {
  readonly name?: string | undefined
  readonly role?: Role | undefined
  readonly active?: boolean | undefined
}

/** How long an invitation link works. */
export const invitationMs = 7 * 24 * 60 * 60 * 1_000

/** What of a link's token is stored. The token is random and long, so that a plain hash is enough. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('base64url')

/** The changed person, or the same one when nothing changes. Somebody must always be left who can administer. */
export const change = (
  person: Person,
  { name = person.name, role = person.role, active = person.active }: PersonChange,
  activeAdmins: readonly number[],
): Outcome<Person, 'last_administrator'> => {
  const same = name === person.name && role === person.role && active === person.active
  if (same) return ok(person)
  const staysAdmin = role === 'admin' && active
  const lastOne = activeAdmins.length === 1 && activeAdmins[0] === person.popugId
  if (lastOne && !staysAdmin) return refuse('last_administrator')
  return ok({ ...person, name, role, active, version: person.version + 1 })
}

export interface Invitation {
  readonly popugId: number
  readonly expiresAt: Date
  readonly usedAt: Date | null
}

export const isUsable = ({ expiresAt, usedAt }: Invitation, person: Person, now: Date): boolean =>
  usedAt === null && expiresAt > now && person.active

/** A list of common passwords, or what an attacker tries first about this person. */
export const isCommonPassword = (
  password: string,
  common: ReadonlySet<string>,
  { name, email }: Pick<Person, 'name' | 'email'>,
): boolean => {
  const lower = password.toLowerCase()
  return common.has(lower) || [name, email, email.split('@')[0]].some((own) => own?.toLowerCase() === lower)
}

export type SecurityEventKind =
  | 'first_administrator'
  | 'invited'
  | 'invitation_renewed'
  | 'invitation_accepted'
  | 'signed_in'
  | 'sign_in_failed'
  | 'sign_in_throttled'
  | 'signed_out'
  | 'session_ended'
  | 'password_changed'
  | 'role_changed'
  | 'disabled'
  | 'enabled'

/** Something that an administrator may want to know of later. */
export interface SecurityEvent {
  readonly kind: SecurityEventKind
  readonly at: Date
  /** Whom it is about; null when nobody has that address. */
  readonly popugId: number | null
  readonly email: string
  /** Who did it, when it was not the person. */
  readonly actor: number | null
  readonly address: string
  readonly userAgent: string
}

/** What of a change is a matter of security. */
export const eventsOfChange = (before: Person, after: Person): SecurityEventKind[] => [
  ...(before.role === after.role ? [] : (['role_changed'] as const)),
  ...(before.active === after.active ? [] : ([after.active ? 'enabled' : 'disabled'] as const)),
]
