// What identity offers: people and their roles for the others, sign-in and sessions for web.
import { z } from 'zod'
import { command, contract, event, query, serviceRole } from '../../kernel/contract.ts'
import { admins, everybody, moment, nextPage, pageMark, pageSize, popugId, role, text } from '../vocabulary.ts'

const email = z.email().max(254).toLowerCase()
const password = z.string().min(8).max(128)
const name = text(1, 100)
const token = z.string().min(1).max(200)

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

const personData = z.object({ popugId, name: z.string(), role, active: z.boolean(), version: z.int().min(1) })

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
    summary: 'People by number.',
    allow: admins,
    input: z.object({ text: text(0, 200).optional(), after: pageMark, limit: pageSize }),
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
    input: z.object({ token, name, email, password }),
    output: Session,
    refuses: { link_not_valid: 'absent' },
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
    input: z.object({ token, password }),
    output: Session,
    refuses: { link_not_valid: 'absent' },
  }),
  signIn: command({
    http: 'POST /sessions',
    summary: 'Begins a session.',
    allow: [serviceRole],
    input: z.object({ email, password: z.string().min(1).max(128) }),
    output: Session,
    refuses: { wrong_credentials: 'forbidden' },
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
