// Guessing passwords is slowed down for all replicas together, and locks nobody else out.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isRefusal, must } from '../../kernel/result.ts'
import { refusalOf } from '../../tests/support/refusals.ts'
import { asService, startSystem, type System } from '../../tests/support/system.ts'
import { identity } from './contract.ts'
import { asAdmin, becomeFirstAdministrator, password, peopleOf } from './identity.test-support.ts'

let system: System
let replica: System
const { join, accept, invite } = peopleOf(() => system)

before(async () => {
  system = await startSystem()
  replica = await startSystem({ database: system.database, loops: false })
  await becomeFirstAdministrator(system)
})
after(async () => {
  await replica[Symbol.asyncDispose]()
  await system[Symbol.asyncDispose]()
})

let lastAddress = 0
const freshAddress = () => `203.0.113.${++lastAddress}`

const attempt = async (email: string, given: string, address: string, at = system) => {
  const client = { address, userAgent: 'Parrot/1' }
  const outcome = await at.call(identity.signIn, { email, password: given, client }, asService)
  return isRefusal(outcome) ? outcome.refused : 'ok'
}

const guesses = async (email: string, address: string, count: number) => {
  const ends: string[] = []
  for (let number = 0; number < count; number += 1) ends.push(await attempt(email, `guess ${number}`, address))
  return ends
}

test('the sixth guess at an account waits, whatever it is, at every replica, and says how long', async () => {
  const { email } = await join()
  const address = freshAddress()
  assert.deepEqual(await guesses(email, address, 6), [
    ...Array<string>(5).fill('wrong_credentials'),
    'too_many_attempts',
  ])
  assert.equal(await attempt(email.toUpperCase(), password, address), 'too_many_attempts')
  assert.equal(await attempt(email, password, address, replica), 'too_many_attempts')
  const client = { address, userAgent: '' }
  const told = await system.call(identity.signIn, { email, password, client }, asService)
  assert.ok(isRefusal(told))
  const seconds = Number(told.detail?.['retryAfterSeconds'])
  assert.ok(seconds > 0 && seconds <= 15 * 60, String(seconds))
})

test('guesses at once do not slip through together', async () => {
  const { email } = await join()
  const address = freshAddress()
  const ends = await Promise.all(
    Array.from({ length: 12 }, (_, number) =>
      attempt(email, `guess ${number}`, address, number % 2 ? system : replica),
    ),
  )
  assert.equal(ends.filter((end) => end === 'wrong_credentials').length, 5)
  assert.equal(ends.filter((end) => end === 'too_many_attempts').length, 7)
})

test('the owner gets in from elsewhere while somebody guesses, and after the wait from there, too', async () => {
  const { email } = await join()
  const address = freshAddress()
  await guesses(email, address, 30)
  assert.equal(await attempt(email, password, freshAddress()), 'ok')
  await system.database.query(`update identity.sign_in_throttle set expire = extract(epoch from now()) * 1000 - 1`)
  assert.equal(await attempt(email, password, address), 'ok')
})

test('who signs in gets the guesses back', async () => {
  const { email } = await join()
  const address = freshAddress()
  for (let round = 0; round < 3; round += 1) {
    assert.deepEqual(await guesses(email, address, 3), Array<string>(3).fill('wrong_credentials'))
    assert.equal(await attempt(email, password, address), 'ok')
  }
})

test('one address that tries many accounts is stopped at fifty; its neighbour in the same /64 is the same address', async () => {
  const ends: string[] = []
  for (let number = 0; number < 52; number += 1)
    ends.push(await attempt(`nobody-${number}@example.com`, 'guess', `2001:db8::${(number % 9) + 1}`))
  assert.deepEqual(ends.slice(50), ['too_many_attempts', 'too_many_attempts'])
  assert.ok(ends.slice(0, 50).every((end) => end === 'wrong_credentials'))
  assert.equal(await attempt('nobody-99@example.com', 'guess', '2001:db8:0:1::1'), 'wrong_credentials')
})

test('a password has 8 to 128 characters wherever one is set', async () => {
  const { token } = await invite()
  for (const length of [7, 129]) assert.equal(await refusalOf(accept(token, 'pß'.padEnd(length, 'ž'))), 'invalid_input')
  const session = must(await accept(token, 'ž'.repeat(8))).token
  const change = (current: string, next: string) =>
    refusalOf(system.call(identity.changePassword, { token: session, current, password: next }, asService))
  for (const length of [7, 129]) assert.equal(await change('ž'.repeat(8), 'y'.repeat(length)), 'invalid_input')
  assert.equal(await change('ž'.repeat(8), 'y'.repeat(128)), 'ok')
  const first = { token: 'x', name: 'First', email: 'first@example.com' }
  for (const length of [7, 129]) {
    const input = { ...first, password: 'y'.repeat(length) }
    assert.equal(await refusalOf(system.call(identity.createFirstAdministrator, input, asService)), 'invalid_input')
  }
})

test('common passwords, and the own name and address, are refused wherever one is set', async () => {
  const { token, person } = await invite()
  for (const common of ['password', 'PassWord', '123456789', person.email, person.name.toUpperCase()]) {
    const outcome = await accept(token, common)
    assert.deepEqual(outcome, { refused: 'password_too_common' }, common)
  }
  const session = must(await accept(token, 'correct horse'))
  const change = await system.call(
    identity.changePassword,
    { token: session.token, current: 'correct horse', password: 'password1' },
    asService,
  )
  assert.deepEqual(change, { refused: 'password_too_common' })
  await using fresh = await startSystem({ loops: false })
  const link = must(await fresh.call(identity.issueFirstAdministratorLink, {}, asService)).token ?? ''
  const first = { token: link, name: 'First', email: 'first@example.com', password: 'iloveyou' }
  assert.deepEqual(await fresh.call(identity.createFirstAdministrator, first, asService), {
    refused: 'password_too_common',
  })
  must(await fresh.call(identity.createFirstAdministrator, { ...first, password }, asService))
})

test('guesses, waits and entries are written down with the address, although a refusal undoes what it changed', async () => {
  const { email, popugId } = await join()
  const address = freshAddress()
  await guesses(email, address, 6)
  await attempt(email, password, freshAddress())
  const { events } = must(await system.call(identity.getSecurityEvents, { popugId, limit: 20 }, asAdmin))
  const kinds = events.map(({ kind }) => kind)
  assert.deepEqual(kinds.slice(0, 2), ['signed_in', 'sign_in_throttled'])
  assert.equal(kinds.filter((kind) => kind === 'sign_in_failed').length, 5)
  assert.deepEqual(kinds.slice(-2), ['invitation_accepted', 'invited'])
  assert.equal(events[1]?.address, address)
  assert.equal(JSON.stringify(events).includes('guess 0'), false, 'no password is written down')
})
