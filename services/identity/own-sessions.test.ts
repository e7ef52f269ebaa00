// A person's own sessions, password and name: seen, ended and changed by who holds a session, and by nobody else.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isRefusal, must } from '../../kernel/result.ts'
import { refusalOf } from '../../tests/support/refusals.ts'
import { as, asService, startSystem, type System } from '../../tests/support/system.ts'
import { identity } from './contract.ts'
import { asAdmin, becomeFirstAdministrator, password, peopleOf } from './identity.test-support.ts'

let system: System
const { join, signIn, sessionOf, changePerson, eventsAbout } = peopleOf(() => system)

before(async () => {
  system = await startSystem()
  await becomeFirstAdministrator(system)
})
after(() => system[Symbol.asyncDispose]())

const signInFrom = async (email: string, address: string) => {
  const client = { address, userAgent: 'Parrot/1' }
  return must(await system.call(identity.signIn, { email, password, client }, asService)).token
}
const listOf = async (token: string) => must(await system.call(identity.listSessions, { token }, asService)).sessions
const end = (token: string, id: string) => system.call(identity.endSession, { token, id }, asService)

test('sessions are listed with where they began, and one is ended without the others', async () => {
  const { email, session } = await join()
  const phone = await signInFrom(email, '203.0.113.9')
  const listed = await listOf(session)
  assert.deepEqual(
    listed.map(({ address, userAgent, current }) => ({ address, userAgent, current })),
    [
      { address: '203.0.113.9', userAgent: 'Parrot/1', current: false },
      { address: '', userAgent: '', current: true },
    ],
  )
  assert.ok(!JSON.stringify(listed).includes(phone), 'a list of sessions opens none of them')
  must(await end(session, listed[0]?.id ?? ''))
  assert.equal(await refusalOf(sessionOf(phone)), 'no_session')
  must(await sessionOf(session))
  assert.equal(await refusalOf(end(session, listed[0]?.id ?? '')), 'session_not_found')
})

test('nobody lists or ends the sessions of others', async () => {
  const [ann, bob] = [await join(), await join()]
  const [bobs] = await listOf(bob.session)
  assert.equal(await refusalOf(end(ann.session, bobs?.id ?? '')), 'session_not_found')
  must(await sessionOf(bob.session))
  assert.equal(await refusalOf(end('x'.repeat(32), bobs?.id ?? '')), 'no_session')
  assert.equal(await refusalOf(system.call(identity.listSessions, { token: 'x' }, asService)), 'no_session')
  const asPopug = as({ id: ann.popugId, role: 'popug' })
  for (const method of [identity.listSessions, identity.endSession, identity.changePassword])
    assert.ok(!method.allow.some((role) => role !== 'service'), method.name)
  assert.ok(isRefusal(await system.call(identity.getSecurityEvents, {}, asPopug)))
})

const changePassword = (token: string, current: string, next: string, keyed: { idempotencyKey?: string } = {}) =>
  system.call(identity.changePassword, { token, current, password: next }, { ...asService, ...keyed })

test('a new password needs the present one, ends every other session and begins a new one', async () => {
  const { email, session } = await join()
  const other = must(await signIn(email)).token
  assert.equal(await refusalOf(changePassword(session, 'wrong horse', 'battery staple')), 'wrong_credentials')
  must(await sessionOf(other))
  const changed = must(await changePassword(session, password, 'battery staple'))
  for (const token of [session, other]) assert.equal(await refusalOf(sessionOf(token)), 'no_session')
  must(await sessionOf(changed.token))
  assert.equal(await refusalOf(signIn(email)), 'wrong_credentials')
  must(await signIn(email, 'battery staple'))
})

test('a new password that is sent twice with one key is set once, and both get the same session', async () => {
  const { popugId, session } = await join()
  const send = () => changePassword(session, password, 'battery staple', { idempotencyKey: 'key-of-a-change' })
  const first = must(await send())
  assert.deepEqual(must(await send()), first)
  must(await sessionOf(first.token))
  const { events } = must(await system.call(identity.getSecurityEvents, { popugId }, asAdmin))
  assert.equal(events.filter(({ kind }) => kind === 'password_changed').length, 1)
})

test('who found an open browser guesses the present password as slowly as anybody', async () => {
  const { popugId, session } = await join()
  const ends: (string | null)[] = []
  for (let number = 0; number < 6; number += 1)
    ends.push(await refusalOf(changePassword(session, `guess ${number}`, 'battery staple')))
  assert.deepEqual(ends, [...Array<string>(5).fill('wrong_credentials'), 'too_many_attempts'])
  const { events } = must(await system.call(identity.getSecurityEvents, { popugId, limit: 6 }, asAdmin))
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['sign_in_throttled', ...Array<string>(5).fill('sign_in_failed')],
  )
})

test('the own name is changed and published once', async () => {
  const { popugId } = await join()
  const me = as({ id: popugId, role: 'popug' })
  for (let times = 0; times < 2; times += 1)
    assert.equal(must(await system.call(identity.changeMe, { name: 'Captain' }, me)).name, 'Captain')
  const events = await eventsAbout(popugId)
  assert.deepEqual(
    events.map(({ type, data }) => [type, data.name]),
    [
      ['PopugRegistered', events[0]?.data.name],
      ['PopugChanged', 'Captain'],
    ],
  )
})

test('what administrators do to people is written down under their number, and told with their name', async () => {
  const { popugId } = await join()
  must(await changePerson(popugId, { role: 'manager' }))
  must(await changePerson(popugId, { active: false }))
  must(await changePerson(popugId, { active: true, name: 'Ara' }))
  must(await system.call(identity.renewInvitation, { popugId }, asAdmin))
  const { events, next } = must(await system.call(identity.getSecurityEvents, { popugId, limit: 4 }, asAdmin))
  assert.deepEqual(
    events.map(({ kind, actor, actorName }) => [kind, actor, actorName]),
    ['invitation_renewed', 'enabled', 'disabled', 'role_changed'].map((kind) => [kind, 1, 'First']),
  )
  const rest = must(await system.call(identity.getSecurityEvents, { popugId, limit: 4, after: next ?? '' }, asAdmin))
  assert.deepEqual(
    rest.events.map(({ kind }) => kind),
    ['invitation_accepted', 'invited'],
  )
})
