// What identity offers: people and their roles for the others, sign-in and sessions for web.
import { z } from 'zod'
import { command, contract, event, query, serviceRole } from '../../kernel/contract.ts'
import { admins, everybody, moment, nextPage, pageMark, pageSize, popugId, role, text } from '../vocabulary.ts'

const email = z.email().max(254).toLowerCase()
const password = z.string().min(8).max(128)
const name = text(1, 100)
const token = z.string().min(1).max(200)
const client = z
  .object({ address: z.string().max(100), userAgent: z.string().max(1_000) })
  .describe('where the request came from, as far as web can know')

export const Person = z.object({
  popugId,
  name: z.string(),
  email: z.string(),
  role,
  active: z.boolean(),
  createdAt: moment,
})
const Invitation = z.object({ person: Person, token: z.string().describe('shown once; put into the invitation link') })
const Session = z.object({ token: z.string(), expiresAt: moment, person: Person })
const sessionId = z.string().regex(/^[\w-]{1,64}$/)

export const HeldSession = z.object({
  id: sessionId,
  createdAt: moment,
  usedAt: moment.describe('to the day'),
  expiresAt: moment,
  address: z.string().describe('empty when it is not known'),
  userAgent: z.string(),
  current: z.boolean().describe('true for the session that asks'),
})

export const SecurityEvent = z.object({
  id: z.int(),
  kind: z.enum([
    'first_administrator',
    'invited',
    'invitation_renewed',
    'invitation_accepted',
    'signed_in',
    'sign_in_failed',
    'sign_in_throttled',
    'signed_out',
    'session_ended',
    'password_changed',
    'role_changed',
    'disabled',
    'enabled',
  ]),
  at: moment,
  popugId: popugId.nullable().describe('whom it is about; null when nobody has that e-mail address'),
  email: z.string(),
  actor: popugId.nullable().describe('who did it, when it was not the person'),
  actorName: z.string().nullable().describe('null when it was the person, or an actor who is not known'),
  address: z.string().describe('where the request came from; empty when it is not known'),
  userAgent: z.string(),
})

const personData = z.object({ popugId, name: z.string(), role, active: z.boolean(), version: z.int().min(1) })

export const peopleOrder = z.enum(['number', 'newest'])

export const identity = contract('identity', {
  invitePerson: command({
    http: 'POST /people',
    summary: 'Adds a person and makes an invitation link.',
    allow: admins,
    input: z.object({ name, email, role }),
    output: Invitation,
    refuses: { email_taken: 'conflict' },
  }),
  changePerson: command({
    http: 'PATCH /people/{popugId}',
    summary: 'Changes name, role or whether the person is active. Disabling ends all sessions of the person.',
    allow: admins,
    idempotent: true,
    input: z.object({ popugId, name: name.optional(), role: role.optional(), active: z.boolean().optional() }),
    output: Person,
    refuses: { person_not_found: 'absent', last_administrator: 'conflict' },
  }),
  renewInvitation: command({
    http: 'POST /people/{popugId}/invitation',
    summary: 'Makes a new invitation link, which also resets the password; earlier links end.',
    allow: admins,
    input: z.object({ popugId }),
    output: Invitation,
    refuses: { person_not_found: 'absent', person_disabled: 'conflict' },
  }),
  getPeople: query({
    http: 'GET /people',
    summary: 'People by number, or the newest first; those with a text in their name or e-mail address.',
    allow: admins,
    input: z.object({
      text: text(0, 200).optional(),
      order: peopleOrder.default('number'),
      after: pageMark,
      limit: pageSize,
    }),
    output: z.object({ people: z.array(Person), next: nextPage }),
  }),
  getMe: query({
    http: 'GET /me',
    summary: 'The person who asks.',
    allow: everybody,
    input: z.object({}),
    output: Person,
    refuses: { person_not_found: 'absent' },
  }),
  changeMe: command({
    http: 'PATCH /me',
    summary: 'Changes the own name.',
    allow: everybody,
    idempotent: true,
    input: z.object({ name }),
    output: Person,
    refuses: { person_not_found: 'absent' },
  }),
  issueFirstAdministratorLink: command({
    http: 'POST /first-administrator/link',
    summary: 'While there is no administrator: a fresh one-time token, which ends earlier ones; null afterwards.',
    allow: [serviceRole],
    idempotent: true,
    input: z.object({}),
    output: z.object({ token: z.string().nullable() }),
  }),
  createFirstAdministrator: command({
    http: 'POST /first-administrator',
    summary: 'Uses the one-time link: makes the first administrator and signs in.',
    allow: [serviceRole],
    input: z.object({ token, name, email, password, client: client.optional() }),
    output: Session,
    refuses: { link_not_valid: 'absent', password_too_common: 'invalid' },
  }),
  getInvitation: query({
    http: 'POST /invitation/look',
    summary: 'Whom an invitation is for.',
    allow: [serviceRole],
    input: z.object({ token }),
    output: z.object({ name: z.string(), email: z.string() }),
    refuses: { link_not_valid: 'absent' },
  }),
  acceptInvitation: command({
    http: 'POST /invitation',
    summary: 'Uses an invitation: sets the password and signs in. Repeatable until it has worked.',
    allow: [serviceRole],
    idempotent: true,
    input: z.object({ token, password, client: client.optional() }),
    output: Session,
    refuses: { link_not_valid: 'absent', password_too_common: 'invalid' },
  }),
  signIn: command({
    http: 'POST /sessions',
    summary: 'Begins a session.',
    allow: [serviceRole],
    input: z.object({ email, password: z.string().min(1).max(128), client: client.optional() }),
    output: Session,
    refuses: { wrong_credentials: 'forbidden', too_many_attempts: 'throttled' },
  }),
  getSession: query({
    http: 'POST /sessions/look',
    summary: 'Whose session this is.',
    allow: [serviceRole],
    input: z.object({ token }),
    output: z.object({ person: Person }),
    refuses: { no_session: 'absent' },
  }),
  signOut: command({
    http: 'POST /sessions/end',
    summary: 'Ends a session.',
    allow: [serviceRole],
    idempotent: true,
    input: z.object({ token }),
    output: z.object({}),
  }),
  changePassword: command({
    http: 'POST /sessions/password',
    summary: 'Sets a new password for who holds a session, ends all their sessions and begins a new one.',
    allow: [serviceRole],
    input: z.object({ token, current: z.string().min(1).max(128), password, client: client.optional() }),
    output: Session,
    refuses: {
      no_session: 'absent',
      wrong_credentials: 'forbidden',
      password_too_common: 'invalid',
      too_many_attempts: 'throttled',
    },
  }),
  listSessions: query({
    http: 'POST /sessions/list',
    summary: 'The sessions of who holds one, newest first, at most 100.',
    allow: [serviceRole],
    input: z.object({ token }),
    output: z.object({ sessions: z.array(HeldSession) }),
    refuses: { no_session: 'absent' },
  }),
  endSession: command({
    http: 'POST /sessions/end-one',
    summary: 'Ends one session of who holds another, or the same.',
    allow: [serviceRole],
    idempotent: true,
    input: z.object({ token, id: sessionId }),
    output: z.object({}),
    refuses: { no_session: 'absent', session_not_found: 'absent' },
  }),
  getSecurityEvents: query({
    http: 'GET /security-events',
    summary: 'What happened to accounts and sessions, newest first.',
    allow: admins,
    input: z.object({ popugId: popugId.optional().describe('of one person'), after: pageMark, limit: pageSize }),
    output: z.object({ events: z.array(SecurityEvent), next: nextPage }),
  }),
  popugRegistered: event({
    version: 1,
    summary: 'A person was added.',
    about: 'popugId',
    data: personData,
  }),
  popugChanged: event({
    version: 1,
    summary: 'Name, role or activity of a person changed; carries the whole new state.',
    about: 'popugId',
    data: personData,
  }),
})
