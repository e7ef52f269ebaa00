// Identity through its contract: people and their invitations, also when a step in between fails.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Clock } from '../../kernel/ports.ts'
import { isRefusal, must, type Outcome } from '../../kernel/result.ts'
import { breaking, wasBroken } from '../../tests/support/breaking.ts'
import { checkLedger } from '../../tests/support/invariants.ts'
import { refusalOf } from '../../tests/support/refusals.ts'
import { as, asService, startSystem, type System } from '../../tests/support/system.ts'
import { identity } from './contract.ts'
import { asAdmin, becomeFirstAdministrator, peopleOf } from './identity.test-support.ts'

const weekMs = 7 * 86_400_000

let time = new Date('2026-05-01T12:00:00Z')
const clock: Clock = { now: () => Promise.resolve(time) }
const faults = breaking()
let system: System
const { invite, join, accept, signIn, sessionOf, changePerson, eventsAbout } = peopleOf(() => system)

before(async () => {
  system = await startSystem({ clock, decorate: faults.database, decorateSignIn: faults.signIn })
  await becomeFirstAdministrator(system)
})
after(async () => {
  await using _ended = system
  await checkLedger(system)
})

test('an invited person accepts, is signed in, and is known to the others without the e-mail address', async () => {
  const { person, token } = await invite('accountant')
  const look = must(await system.call(identity.getInvitation, { token }, asService))
  assert.deepEqual(look, { name: person.name, email: person.email })
  const session = must(await accept(token))
  assert.deepEqual(session.person, person)
  assert.deepEqual(must(await sessionOf(session.token)).person, person)
  assert.deepEqual(must(await system.call(identity.getMe, {}, as({ id: person.popugId, role: 'accountant' }))), person)
  const { popugId, name, role, active } = person
  assert.deepEqual(await eventsAbout(popugId), [
    { type: 'PopugRegistered', data: { popugId, name, role, active, version: 1 } },
  ])
})

test('an invitation works once, and an unknown one never', async () => {
  const { token } = await invite()
  must(await accept(token))
  assert.equal(await refusalOf(accept(token, 'another password')), 'link_not_valid')
  assert.equal(await refusalOf(accept(token.slice(1))), 'link_not_valid')
  const look = await system.call(identity.getInvitation, { token }, asService)
  assert.ok(isRefusal(look) && look.refused === 'link_not_valid')
})

test('of several who use an invitation at once, one gets in', async () => {
  const { person, token } = await invite()
  const passwords = ['password one', 'password two', 'password three', 'password four']
  const outcomes = await Promise.all(passwords.map((chosen) => accept(token, chosen)))
  const winners = passwords.filter((_, index) => !isRefusal(outcomes[index] as (typeof outcomes)[number]))
  assert.equal(winners.length, 1)
  for (const chosen of passwords) {
    assert.equal(await refusalOf(signIn(person.email, chosen)), chosen === winners[0] ? 'ok' : 'wrong_credentials')
  }
})

test('an invitation stays usable until it has worked, wherever it failed before', async () => {
  const { person, token } = await invite()
  const steps = [
    ['setPassword', 'before'],
    ['setPassword', 'after'],
    ['signIn', 'before'],
    ['signIn', 'after'],
    ['identity.AcceptInvitation', 'before'],
  ] as const
  for (const [step, moment] of steps) {
    faults.next(step, moment)
    await assert.rejects(accept(token), wasBroken, `${step}, ${moment}`)
    must(await system.call(identity.getInvitation, { token }, asService))
  }
  const { token: session } = must(await accept(token, 'the password at last'))
  assert.equal(must(await sessionOf(session)).person.popugId, person.popugId)
  assert.equal(await refusalOf(accept(token)), 'link_not_valid')
  assert.equal(await refusalOf(signIn(person.email)), 'wrong_credentials', 'what failed attempts set is replaced')
})

test('an accepted invitation whose answer was lost is used up, and its password holds', async () => {
  const { person, token } = await invite()
  faults.next('identity.AcceptInvitation', 'after')
  await assert.rejects(accept(token), wasBroken)
  assert.equal(await refusalOf(accept(token)), 'link_not_valid')
  must(await signIn(person.email))
})

test('a renewed invitation ends the earlier one and, when used, the old password and its sessions', async () => {
  const first = await invite()
  const { popugId, email } = first.person
  const second = must(await system.call(identity.renewInvitation, { popugId }, asAdmin))
  assert.notEqual(second.token, first.token)
  assert.equal(await refusalOf(accept(first.token)), 'link_not_valid')
  const begun = must(await accept(second.token))
  const third = must(await system.call(identity.renewInvitation, { popugId }, asAdmin))
  must(await sessionOf(begun.token))
  must(await accept(third.token, 'a new password'))
  assert.equal(await refusalOf(sessionOf(begun.token)), 'no_session')
  assert.equal(await refusalOf(signIn(email)), 'wrong_credentials')
  must(await signIn(email, 'a new password'))
})

test('an invitation ends after a week', async () => {
  const [early, late] = [await invite(), await invite()]
  const start = time.getTime()
  time = new Date(start + weekMs - 1)
  must(await accept(early.token))
  time = new Date(start + weekMs)
  assert.equal(await refusalOf(accept(late.token)), 'link_not_valid')
  const renewed = must(await system.call(identity.renewInvitation, { popugId: late.person.popugId }, asAdmin))
  must(await accept(renewed.token))
})

test('nobody is invited twice under one e-mail address, however it is written', async () => {
  const { person } = await invite()
  const [before] = await system.database.query('select count(*) from identity.person')
  for (const email of [person.email, person.email.toUpperCase(), person.email.replace('person', 'Person')]) {
    const again = await system.call(identity.invitePerson, { name: 'Twin', email, role: 'admin' }, asAdmin)
    assert.ok(isRefusal(again) && again.refused === 'email_taken', email)
  }
  assert.deepEqual(await system.database.query('select count(*) from identity.person'), [before])
  const twins = await system.database.query(`select from identity.event where data->>'name' = 'Twin'`)
  assert.equal(twins.length, 0)
})

test('of several who invite the same address at once, one does', async () => {
  const input = { name: 'Contested', email: 'contested@example.com', role: 'popug' as const }
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, () => system.call(identity.invitePerson, input, asAdmin)),
  )
  assert.equal(outcomes.filter((outcome) => !isRefusal(outcome)).length, 1)
})

test('only administrators invite and change people', async () => {
  const { popugId } = await join()
  for (const role of ['popug', 'manager', 'accountant'] as const) {
    const behalf = as({ id: popugId, role })
    const calls: Promise<Outcome<unknown>>[] = [
      system.call(identity.invitePerson, { name: 'X', email: 'x@example.com', role: 'admin' }, behalf),
      system.call(identity.changePerson, { popugId, role: 'admin' }, behalf),
      system.call(identity.renewInvitation, { popugId }, behalf),
      system.call(identity.getPeople, {}, behalf),
    ]
    for (const call of calls) assert.equal(await refusalOf(call), 'forbidden')
  }
  assert.equal((await eventsAbout(popugId)).length, 1)
})

test('each change of a person is published once with the next version, and no change is not', async () => {
  const { person } = await invite()
  const { popugId } = person
  const steps: { wanted: Parameters<typeof changePerson>[1]; version: number }[] = [
    { wanted: { name: person.name, role: 'popug', active: true }, version: 1 },
    { wanted: {}, version: 1 },
    { wanted: { name: 'Ара' }, version: 2 },
    { wanted: { role: 'manager' }, version: 3 },
    { wanted: { role: 'manager', name: 'Ара' }, version: 3 },
    { wanted: { active: false }, version: 4 },
    { wanted: { active: false }, version: 4 },
    { wanted: { active: true, role: 'popug', name: 'Polly' }, version: 5 },
  ]
  let now = { name: person.name, role: 'popug', active: true }
  for (const { wanted, version } of steps) {
    const changed = must(await changePerson(popugId, wanted))
    now = { ...now, ...wanted }
    assert.deepEqual(changed, { ...person, ...now })
    const events = await eventsAbout(popugId)
    assert.equal(events.length, version)
    assert.deepEqual(events.at(-1)?.data, { popugId, ...now, version })
    assert.equal(events.at(-1)?.type, version === 1 ? 'PopugRegistered' : 'PopugChanged')
  }
  assert.equal(await refusalOf(changePerson(2_147_483_647, { name: 'Nobody' })), 'person_not_found')
})

test('changes at once are published one after another', async () => {
  const { person } = await invite()
  const names = Array.from({ length: 10 }, (_, index) => `Name ${index}`)
  await Promise.all(names.map(async (name) => must(await changePerson(person.popugId, { name }))))
  const events = await eventsAbout(person.popugId)
  assert.deepEqual(
    events.map(({ data }) => data.version),
    Array.from({ length: 11 }, (_, index) => index + 1),
  )
  const me = must(await system.call(identity.getMe, {}, as({ id: person.popugId, role: 'popug' })))
  assert.equal(me.name, events.at(-1)?.data.name)
})

test('an open invitation of a disabled person does not work until enabled again', async () => {
  const { person, token } = await invite()
  must(await changePerson(person.popugId, { active: false }))
  assert.equal(await refusalOf(accept(token)), 'link_not_valid')
  must(await changePerson(person.popugId, { active: true }))
  must(await accept(token))
})

test('people are listed page by page and found by parts of name and address', async () => {
  const marks = ['%', '_', '\\']
  for (const mark of marks) {
    const email = `listed-${marks.indexOf(mark)}@example.com`
    must(await system.call(identity.invitePerson, { name: `Listed ${mark} popug`, email, role: 'popug' }, asAdmin))
  }
  const find = async (text: string) =>
    must(await system.call(identity.getPeople, { text, limit: 200 }, asAdmin)).people.map(({ name }) => name)
  assert.equal((await find('LISTED')).length, 3)
  assert.equal((await find('listed-1@')).length, 1)
  for (const mark of marks) assert.deepEqual(await find(`Listed ${mark}`), [`Listed ${mark} popug`])
  const all = must(await system.call(identity.getPeople, { limit: 200 }, asAdmin)).people.map(({ popugId }) => popugId)
  for (const [order, expected] of [
    ['number', all],
    ['newest', all.toReversed()],
  ] as const) {
    const paged: number[] = []
    for (let mark: string | undefined; ;) {
      const { people, next } = must(await system.call(identity.getPeople, { order, limit: 7, after: mark }, asAdmin))
      paged.push(...people.map(({ popugId }) => popugId))
      if (next === null) break
      mark = next
    }
    assert.deepEqual(paged, expected, order)
  }
})
