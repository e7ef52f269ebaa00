// The first administrator and the last one: made once by a link, and never removed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRefusal, must } from '../../kernel/result.ts'
import { breaking, wasBroken } from '../../tests/support/breaking.ts'
import { checkLedger } from '../../tests/support/invariants.ts'
import { as, asService, startSystem, type System } from '../../tests/support/system.ts'
import type { Role } from '../vocabulary.ts'
import { identity } from './contract.ts'
import { becomeFirstAdministrator, password } from './identity.test-support.ts'

const admins = ({ database }: System) =>
  database.query(`select id from identity.person where role = 'admin' and active`)

test('the first administrator is made once by the newest link, and there is no link afterwards', async () => {
  await using fresh = await startSystem()
  const link = async () => must(await fresh.call(identity.issueFirstAdministratorLink, {}, asService)).token
  const use = (token: string, email: string) =>
    fresh.call(identity.createFirstAdministrator, { token, name: 'First', email, password }, asService)
  const [older, newer] = [await link(), await link()]
  assert.ok(older && newer && older !== newer)
  const refused = await use(older, 'older@example.com')
  assert.ok(isRefusal(refused) && refused.refused === 'link_not_valid')
  const outcomes = await Promise.all(Array.from({ length: 10 }, (_, index) => use(newer, `first-${index}@example.com`)))
  const [winner, ...others] = outcomes.filter((outcome) => !isRefusal(outcome)).map((outcome) => must(outcome))
  assert.ok(winner)
  assert.deepEqual(others, [])
  assert.deepEqual(await admins(fresh), [{ id: winner.person.popugId }])
  assert.deepEqual(
    must(await fresh.call(identity.getSession, { token: winner.token }, asService)).person,
    winner.person,
  )
  assert.equal(await link(), null)
  assert.ok(isRefusal(await use(newer, 'later@example.com')))
  await fresh.host.settle()
  const events = await fresh.database.query(`select data->>'popugId' as id from identity.event`)
  assert.deepEqual(events, [{ id: String(winner.person.popugId) }], 'only the winner is announced')
  await checkLedger(fresh)
})

test('a crash while the first administrator is made leaves the link and the e-mail address usable', async () => {
  const cuts = breaking()
  await using fresh = await startSystem({ decorate: cuts.database, decorateSignIn: cuts.signIn })
  const { token } = must(await fresh.call(identity.issueFirstAdministratorLink, {}, asService))
  assert.ok(token)
  const input = { token, name: 'First', email: 'first@example.com', password }
  const steps = [
    ['setPassword', 'before'],
    ['setPassword', 'after'],
    ['signIn', 'after'],
    ['identity.CreateFirstAdministrator', 'before'],
  ] as const
  for (const [step, moment] of steps) {
    cuts.next(step, moment)
    await assert.rejects(fresh.call(identity.createFirstAdministrator, input, asService), wasBroken)
    assert.deepEqual(await admins(fresh), [], `${step}, ${moment}`)
  }
  const credentials = { email: input.email, password }
  const orphan = await fresh.call(identity.signIn, credentials, asService)
  assert.deepEqual(orphan, { refused: 'wrong_credentials' }, 'credentials without a person open nothing')
  const { person } = must(await fresh.call(identity.createFirstAdministrator, input, asService))
  assert.deepEqual(await admins(fresh), [{ id: person.popugId }])
  assert.deepEqual(must(await fresh.call(identity.signIn, credentials, asService)).person, person)
  const [users] = await fresh.database.query('select count(*)::int as count from identity.sign_in_user')
  assert.deepEqual(users, { count: 1 }, 'nothing is left of the attempts')
  await checkLedger(fresh)
})

test('the last administrator stays, also when two remove each other at once', async () => {
  await using fresh = await startSystem()
  const first = (await becomeFirstAdministrator(fresh)).person.popugId
  const asFirst = as({ id: first, role: 'admin' })
  const change = (popugId: number, wanted: { role?: Role; active?: boolean }, by = asFirst) =>
    fresh.call(identity.changePerson, { popugId, ...wanted }, by)
  for (const wanted of [{ role: 'popug' as const }, { active: false }]) {
    const outcome = await change(first, wanted)
    assert.ok(isRefusal(outcome) && outcome.refused === 'last_administrator')
  }
  const invited = { name: 'Second', email: 'second@example.com', role: 'admin' as const }
  const second = must(await fresh.call(identity.invitePerson, invited, asFirst)).person.popugId
  const asSecond = as({ id: second, role: 'admin' })
  for (let rounds = 0; rounds < 15; rounds += 1) {
    const outcomes = await Promise.all([
      change(second, rounds % 2 === 0 ? { role: 'popug' } : { active: false }),
      change(first, rounds % 3 === 0 ? { role: 'manager' } : { active: false }, asSecond),
    ])
    assert.deepEqual(
      outcomes.filter(isRefusal).map(({ refused }) => refused),
      ['last_administrator'],
    )
    assert.equal((await admins(fresh)).length, 1)
    for (const popugId of [first, second]) must(await change(popugId, { role: 'admin', active: true }))
  }
  await checkLedger(fresh)
})
