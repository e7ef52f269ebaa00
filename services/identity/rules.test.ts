// Rules about people and links, as tables of cases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { change, invitationMs, isUsable, type Person, type PersonChange, tokenHash } from './rules.ts'

const polly: Person = {
  popugId: 7,
  name: 'Polly',
  email: 'polly@example.com',
  role: 'popug',
  active: true,
  version: 3,
  createdAt: new Date('2026-01-01T00:00:00Z'),
}
const boss: Person = { ...polly, popugId: 1, name: 'Boss', role: 'admin' }

interface ChangeCase {
  readonly what: string
  readonly person: Person
  readonly wanted: PersonChange
  readonly admins: readonly number[]
  readonly becomes: Partial<Person> | 'last_administrator'
}

const changes: readonly ChangeCase[] = [
  { what: 'nothing wanted', person: polly, wanted: {}, admins: [1], becomes: {} },
  {
    what: 'what it is already',
    person: polly,
    wanted: { name: 'Polly', role: 'popug', active: true },
    admins: [1],
    becomes: {},
  },
  { what: 'a name', person: polly, wanted: { name: 'Ara' }, admins: [1], becomes: { name: 'Ara', version: 4 } },
  {
    what: 'a role',
    person: polly,
    wanted: { role: 'manager' },
    admins: [1],
    becomes: { role: 'manager', version: 4 },
  },
  { what: 'disabling', person: polly, wanted: { active: false }, admins: [1], becomes: { active: false, version: 4 } },
  {
    what: 'enabling',
    person: { ...polly, active: false },
    wanted: { active: true },
    admins: [1],
    becomes: { active: true, version: 4 },
  },
  {
    what: 'all at once is one version',
    person: polly,
    wanted: { name: 'Ara', role: 'accountant', active: false },
    admins: [1],
    becomes: { name: 'Ara', role: 'accountant', active: false, version: 4 },
  },
  {
    what: 'the last administrator becomes a popug',
    person: boss,
    wanted: { role: 'popug' },
    admins: [1],
    becomes: 'last_administrator',
  },
  {
    what: 'the last administrator is disabled',
    person: boss,
    wanted: { active: false },
    admins: [1],
    becomes: 'last_administrator',
  },
  {
    what: 'the last administrator is renamed',
    person: boss,
    wanted: { name: 'Chief' },
    admins: [1],
    becomes: { name: 'Chief', version: 4 },
  },
  {
    what: 'the last administrator stays',
    person: boss,
    wanted: { role: 'admin', active: true },
    admins: [1],
    becomes: {},
  },
  {
    what: 'one of two administrators goes',
    person: boss,
    wanted: { role: 'popug' },
    admins: [1, 2],
    becomes: { role: 'popug', version: 4 },
  },
  {
    what: 'an administrator who is disabled already becomes a popug',
    person: { ...boss, active: false },
    wanted: { role: 'popug' },
    admins: [2],
    becomes: { role: 'popug', version: 4 },
  },
  {
    what: 'another one than the last administrator',
    person: polly,
    wanted: { active: false },
    admins: [1],
    becomes: { active: false, version: 4 },
  },
]

test('a change makes one new version exactly when something changes, and somebody can always administer', () => {
  for (const { what, person, wanted, admins, becomes } of changes) {
    const outcome = change(person, wanted, admins)
    const expected = becomes === 'last_administrator' ? { refused: becomes } : { ok: { ...person, ...becomes } }
    assert.deepEqual(outcome, expected, what)
  }
})

test('a change that changes nothing gives the same person, so that nothing need be saved', () => {
  const outcome = change(polly, { name: 'Polly' }, [1])
  assert.ok('ok' in outcome)
  assert.equal(outcome.ok, polly)
})

test('a link works once, before its end, for somebody active', () => {
  const now = new Date('2026-05-01T12:00:00Z')
  const link = { popugId: 7, expiresAt: new Date(now.getTime() + 1), usedAt: null }
  const cases = [
    { what: 'fresh', usable: true },
    { what: 'at its end', invitation: { ...link, expiresAt: now }, usable: false },
    { what: 'after its end', invitation: { ...link, expiresAt: new Date(now.getTime() - 1) }, usable: false },
    { what: 'used', invitation: { ...link, usedAt: now }, usable: false },
    { what: 'of a disabled person', person: { ...polly, active: false }, usable: false },
  ]
  for (const { what, invitation = link, person = polly, usable } of cases) {
    assert.equal(isUsable(invitation, person, now), usable, what)
  }
})

test('invitations last a week', () => {
  assert.equal(invitationMs, 7 * 86_400_000)
})

test('what is kept of a token says nothing of the token, and differs for each', () => {
  const hashes = ['token', 'tokem', 'Token', 'token '].map(tokenHash)
  assert.equal(new Set(hashes).size, hashes.length)
  // SHA-256 of `token`, from another implementation.
  assert.equal(
    hashes[0],
    Buffer.from('3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0', 'hex').toString('base64url'),
  )
})
