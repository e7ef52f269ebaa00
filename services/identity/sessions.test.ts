// Signing in and sessions, through the contract of identity.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SignIn } from '../../kernel/ports.ts'
import { isRefusal, must } from '../../kernel/result.ts'
import { checkLedger } from '../../tests/support/invariants.ts'
import { refusalOf } from '../../tests/support/refusals.ts'
import { as, asService, startSystem, type System } from '../../tests/support/system.ts'
import { identity } from './contract.ts'
import { asAdmin, becomeFirstAdministrator, password, peopleOf } from './identity.test-support.ts'

let system: System
const { invite, join, signIn, sessionOf, changePerson } = peopleOf(() => system)

before(async () => {
  system = await startSystem()
  await becomeFirstAdministrator(system)
})
after(async () => {
  await using _ended = system
  await checkLedger(system)
})

test('disabling a person ends all sessions at once and closes the door until enabled again', async () => {
  const { popugId, email, session } = await join()
  const another = must(await signIn(email))
  const bystander = await join()
  must(await changePerson(popugId, { active: false }))
  for (const token of [session, another.token]) assert.equal(await refusalOf(sessionOf(token)), 'no_session')
  assert.equal(await refusalOf(signIn(email)), 'wrong_credentials')
  const renewal = await system.call(identity.renewInvitation, { popugId }, asAdmin)
  assert.ok(isRefusal(renewal) && renewal.refused === 'person_disabled')
  must(await changePerson(popugId, { active: true }))
  assert.equal(await refusalOf(sessionOf(session)), 'no_session', 'what has ended does not come back')
  must(await signIn(email))
  must(await sessionOf(bystander.session))
})

test('wrong password, unknown address, disabled and not yet joined are told apart by nobody', async () => {
  const { email } = await join()
  const disabled = await join()
  must(await changePerson(disabled.popugId, { active: false }))
  const { person: invited } = await invite()
  for (const [address, given] of [
    [email, 'wrong horse'],
    [email, `${password} `],
    ['nobody@example.com', password],
    [disabled.email, password],
    [invited.email, password],
  ] as const) {
    const outcome = await signIn(address, given)
    assert.deepEqual(outcome, { refused: 'wrong_credentials' }, address)
  }
  must(await signIn(email.toUpperCase()))
})

test('signing out ends one session and may be repeated', async () => {
  const { email, session } = await join()
  const other = must(await signIn(email))
  for (let times = 0; times < 2; times += 1) {
    must(await system.call(identity.signOut, { token: session }, asService))
    assert.equal(await refusalOf(sessionOf(session)), 'no_session')
  }
  must(await sessionOf(other.token))
  assert.equal(await refusalOf(sessionOf('x'.repeat(32))), 'no_session')
})

test('more requests at once than there are connections are all answered', async () => {
  const { email, session } = await join()
  const looks = await Promise.all(Array.from({ length: 100 }, () => sessionOf(session)))
  assert.equal(looks.filter((outcome) => !isRefusal(outcome)).length, 100)
  const begun = await Promise.all(Array.from({ length: 5 }, () => signIn(email)))
  assert.equal(new Set(begun.map((outcome) => must(outcome).token)).size, 5)
})

/** Hashes again and again for longer than a transaction may idle. */
const slowly = (signIn: SignIn): SignIn => {
  const repeated = async <T>(work: () => Promise<T>): Promise<T> => {
    const until = performance.now() + 600
    let last = await work()
    while (performance.now() < until) last = await work()
    return last
  }
  return {
    ...signIn,
    setPassword: (...given) => repeated(() => signIn.setPassword(...given)),
    signIn: (...given) => repeated(() => signIn.signIn(...given)),
  }
}

test('a password may take longer to hash than a transaction may do nothing', async () => {
  await using fresh = await startSystem({ decorateSignIn: slowly })
  await fresh.database.query(`alter role ates_identity in database ${fresh.database.name}
    set idle_in_transaction_session_timeout = '500ms'`)
  await fresh.database.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where usename = 'ates_identity' and datname = current_database()`)
  const { person, token } = await becomeFirstAdministrator(fresh)
  must(await fresh.call(identity.signIn, { email: person.email, password }, asService))
  must(await fresh.call(identity.getSession, { token }, asService))
  const asFirst = as({ id: person.popugId, role: 'admin' })
  const invited = must(await fresh.call(identity.renewInvitation, { popugId: person.popugId }, asFirst))
  must(await fresh.call(identity.acceptInvitation, { token: invited.token, password }, asService))
})
