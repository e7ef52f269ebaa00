// Identity through its contract: people, links, sign-in and sessions, also when a step in between fails.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Clock } from '../../kernel/ports.ts'
import { isRefusal, must, type Outcome } from '../../kernel/result.ts'
import { breaking, wasBroken } from '../../tests/support/breaking.ts'
import { checkLedger } from '../../tests/support/invariants.ts'
import { as, asService, startSystem, type System } from '../../tests/support/system.ts'
import type { Role } from '../vocabulary.ts'
import { identity } from './contract.ts'

const password = 'correct horse'
const asAdmin = as({ id: 1, role: 'admin' })
const weekMs = 7 * 86_400_000

let time = new Date('2026-05-01T12:00:00Z')
const clock: Clock = { now: () => Promise.resolve(time) }
const faults = breaking()
let system: System

before(async () => {
  system = await startSystem({ clock, decorate: faults.database, decorateSignIn: faults.signIn })
  await becomeFirstAdministrator(system)
})
after(async () => {
  await using _ended = system
  await checkLedger(system)
})

const becomeFirstAdministrator = async ({ call }: System, email = 'first@example.com') => {
  const { token } = must(await call(identity.issueFirstAdministratorLink, {}, asService))
  assert.ok(token)
  return must(await call(identity.createFirstAdministrator, { token, name: 'First', email, password }, asService))
}

let lastPerson = 0
const invite = async (role: Role = 'popug') => {
  const email = `person-${++lastPerson}@example.com`
  return must(await system.call(identity.invitePerson, { name: `Person ${lastPerson}`, email, role }, asAdmin))
}

/** A person who has accepted and is signed in. */
const join = async (role: Role = 'popug') => {
  const { person, token } = await invite(role)
  const session = must(await system.call(identity.acceptInvitation, { token, password }, asService))
  return { ...person, session: session.token }
}

const accept = (token: string, chosen = password) =>
  system.call(identity.acceptInvitation, { token, password: chosen }, asService)
const signIn = (email: string, given = password) => system.call(identity.signIn, { email, password: given }, asService)
const sessionOf = (token: string) => system.call(identity.getSession, { token }, asService)
const changePerson = (popugId: number, wanted: { name?: string; role?: Role; active?: boolean }) =>
  system.call(identity.changePerson, { popugId, ...wanted }, asAdmin)

const refusalOf = async (outcome: Promise<Outcome<unknown>>) => {
  const result = await outcome
  return isRefusal(result) ? result.refused : 'ok'
}

interface PersonEvent {
  readonly type: string
  readonly data: { readonly popugId: number; readonly version: number; readonly name: string; readonly role: string }
}

const eventsAbout = async (popugId: number): Promise<PersonEvent[]> => {
  await system.host.settle()
  return system.database.query<PersonEvent>('select type, data from identity.event where about = $1 order by number', [
    String(popugId),
  ])
}

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

test('an open invitation of a disabled person does not work until enabled again', async () => {
  const { person, token } = await invite()
  must(await changePerson(person.popugId, { active: false }))
  assert.equal(await refusalOf(accept(token)), 'link_not_valid')
  must(await changePerson(person.popugId, { active: true }))
  must(await accept(token))
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
  const begun = await Promise.all(Array.from({ length: 22 }, () => signIn(email)))
  assert.equal(new Set(begun.map((outcome) => must(outcome).token)).size, 22)
})

test('a password may take longer to hash than a transaction may do nothing', async () => {
  await using fresh = await startSystem()
  await fresh.database.query(`alter role ates_identity in database ${fresh.database.name}
    set idle_in_transaction_session_timeout = '25ms'`)
  await fresh.database.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where usename = 'ates_identity' and datname = current_database()`)
  const { person, token } = await becomeFirstAdministrator(fresh)
  must(await fresh.call(identity.signIn, { email: person.email, password }, asService))
  must(await fresh.call(identity.getSession, { token }, asService))
  const asFirst = as({ id: person.popugId, role: 'admin' })
  const invited = must(await fresh.call(identity.renewInvitation, { popugId: person.popugId }, asFirst))
  must(await fresh.call(identity.acceptInvitation, { token: invited.token, password }, asService))
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
  const paged: number[] = []
  for (let mark: string | undefined; ;) {
    const { people, next } = must(await system.call(identity.getPeople, { limit: 7, after: mark }, asAdmin))
    paged.push(...people.map(({ popugId }) => popugId))
    if (next === null) break
    mark = next
  }
  assert.deepEqual(paged, all)
})

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
