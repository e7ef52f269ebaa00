// Sign-in on a real database: credentials by number, sessions by token, and what must not slip through between them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { betterAuth } from 'better-auth'
import { isAPIError } from 'better-auth/api'
import { getMigrations } from 'better-auth/db/migration'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'
import type { SignIn } from '../../kernel/ports.ts'
import { quickHashing } from '../../tests/support/quick-hashing.ts'
import { freshDatabase, type TestDatabase } from '../../tests/support/server.ts'
import { signInStatements } from './schema.ts'
import { betterAuthSignIn, libraryOptions, signInTables } from './better-auth.ts'

// Quotes and capitals, so that a name that goes unquoted anywhere shows; never on the search path.
const schema = `Sign in "here"`
const secret = 'a secret of at least 32 characters, for tests'
const day = 24 * 3_600_000

let server: TestDatabase
let database: { readonly kysely: Kysely<unknown> }
let signIn: SignIn
/** With the hashing of the product, which takes its time. */
let thorough: SignIn
let clock = new Date()
let lastSubject = 0

before(async () => {
  server = await freshDatabase([])
  const pool = new Pool(server.adminConnection)
  // Dropping the database may end connections that are closing already, which nobody listens to any more.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  database = { kysely: new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }) }
  await database.kysely.schema.createSchema(schema).execute()
  for (const statement of signInTables(schema)) await sql.raw(statement).execute(database.kysely)
  const options = { kysely: database.kysely, schema, secret, now: () => clock }
  thorough = betterAuthSignIn(options)
  signIn = betterAuthSignIn({ ...options, hashing: quickHashing })
})

after(async () => {
  await database.kysely.destroy()
  await server[Symbol.asyncDispose]()
})

const table = (name: string) => sql.id(schema, name)

const person = async (password = 'correct horse', by = signIn) => {
  const subject = ++lastSubject
  const email = `person-${subject}@example.com`
  await by.setPassword(subject, email, password)
  return { subject, email, password }
}

const begin = async (email: string, password: string, by = signIn) => {
  const session = await by.signIn(email, password)
  assert.ok(session, 'signs in')
  return session
}

const count = async (name: string, subject: number) => {
  const of = name === 'sign_in_user' ? sql`t."id"` : sql`t."userId"`
  const { rows } = await sql<{ count: number }>`select count(*)::integer as count from ${table(name)} t
    join ${table('sign_in_user')} u on u."id" = ${of} where u."subject" = ${subject}`.execute(database.kysely)
  return rows[0]?.count
}

test('the tables are what the library expects', async () => {
  const options = libraryOptions({ kysely: database.kysely, schema, secret, now: () => clock })
  const plan = await getMigrations(options)
  assert.deepEqual([plan.toBeCreated, plan.toBeAdded, plan.toBeAddedIndexes, plan.schemaProblems], [[], [], [], []])

  const checked = betterAuth({ ...options, advanced: { database: { validateSchema: true } } })
  await checked.api.ok()
  await sql`alter table ${table('sign_in_account')} rename column "scope" to "scopes"`.execute(database.kysely)
  assert.notDeepEqual((await getMigrations(options)).toBeAdded, [], 'a difference is seen')
  await sql`alter table ${table('sign_in_account')} rename column "scopes" to "scope"`.execute(database.kysely)
})

test('nobody signs up by the library', async () => {
  const library = betterAuth(libraryOptions({ kysely: database.kysely, schema, secret, now: () => clock }))
  const body = { name: 'Somebody', email: 'somebody@example.com', password: 'correct horse', subject: 77 }
  const closed = (error: unknown) => isAPIError(error) && error.body?.code === 'EMAIL_PASSWORD_SIGN_UP_DISABLED'
  await assert.rejects(library.api.signUpEmail({ body }), closed)
  assert.equal(await signIn.signIn(body.email, body.password), null)
  const { rows } = await sql`select from ${table('sign_in_user')} where "email" = ${body.email}`.execute(
    database.kysely,
  )
  assert.equal(rows.length, 0)
})

test('who has set a password signs in, and the token says who it is', async () => {
  const { subject, email, password } = await person('correct horse', thorough)
  const session = await begin(email, password, thorough)
  assert.equal(await signIn.subject(session.token), subject)
  assert.equal(session.expiresAt.getTime(), clock.getTime() + 7 * day)
  const another = await begin(email, password, thorough)
  assert.notEqual(another.token, session.token)
  assert.equal(await signIn.subject(session.token), subject, 'several sessions at once')
})

test('a wrong password, an unknown address and what is no address are all null', async () => {
  const { email, password } = await person()
  assert.equal(await signIn.signIn(email, `${password}!`), null)
  assert.equal(await signIn.signIn(email, ''), null)
  assert.equal(await signIn.signIn(email, 'x'.repeat(100_000)), null)
  assert.equal(await signIn.signIn('nobody@example.com', password), null)
  for (const address of [
    '',
    'nobody',
    `${email}\0`,
    "' or 1=1 --",
    `${'a'.repeat(100_000)}@example.com`,
    '%',
    '\ud800',
  ]) {
    assert.equal(await signIn.signIn(address, password), null, address.slice(0, 20))
  }
})

test('addresses are compared in lower case', async () => {
  const subject = ++lastSubject
  await signIn.setPassword(subject, `Mixed-${subject}@Example.COM`, 'correct horse')
  for (const address of [`mixed-${subject}@example.com`, `MIXED-${subject}@EXAMPLE.COM`]) {
    assert.equal(await signIn.subject((await begin(address, 'correct horse')).token), subject)
  }
})

test('passwords are kept exactly, whatever is in them', async () => {
  const passwords = [
    'пароль попуга',
    '🦜'.repeat(20),
    'é'.repeat(20),
    'x'.repeat(128),
    ' edges ',
    'a\0b\u{1d15e}',
    `'";--`,
  ]
  for (const password of passwords) {
    const { subject, email } = await person(password, thorough)
    assert.equal(await signIn.subject((await begin(email, password, thorough)).token), subject)
    assert.equal(await thorough.signIn(email, password.slice(1)), null)
  }
  const { email } = await person('e\u0301 as two characters', thorough)
  await begin(email, '\u00e9 as two characters', thorough)
})

test('a password that could never be used is not accepted', async () => {
  await assert.rejects(signIn.setPassword(++lastSubject, 'long@example.com', 'x'.repeat(129)), RangeError)
  assert.equal(await signIn.signIn('long@example.com', 'x'.repeat(129)), null)
})

test('setting a password again replaces it, and the same one may be set', async () => {
  const { subject, email } = await person('the first one')
  await signIn.setPassword(subject, email, 'the second one')
  await signIn.setPassword(subject, email, 'the second one')
  assert.equal(await signIn.signIn(email, 'the first one'), null)
  await begin(email, 'the second one')
  assert.equal(await count('sign_in_user', subject), 1)
  assert.equal(await count('sign_in_account', subject), 1)
})

test('a changed address replaces the earlier one, which somebody else may then have', async () => {
  const { subject, email, password } = await person()
  await signIn.setPassword(subject, `new-${email}`, password)
  assert.equal(await signIn.signIn(email, password), null)
  assert.equal(await signIn.subject((await begin(`NEW-${email}`, password)).token), subject)
  const other = ++lastSubject
  await signIn.setPassword(other, email, password)
  assert.equal(await signIn.subject((await begin(email, password)).token), other)
})

test('an address goes to who is given it last, and ends the credentials and sessions of who had it', async () => {
  const first = await person('the first one')
  const second = await person('the second one')
  const bystander = await person()
  const begun = await begin(first.email, 'the first one')
  const untouched = await begin(bystander.email, bystander.password)
  await signIn.setPassword(second.subject, first.email.toUpperCase(), 'the third one')
  assert.equal(await signIn.subject(begun.token), null)
  assert.equal(await signIn.signIn(first.email, 'the first one'), null)
  assert.equal(await signIn.subject((await begin(first.email, 'the third one')).token), second.subject)
  assert.equal(await signIn.signIn(second.email, 'the second one'), null, 'one person has one address')
  assert.equal(await count('sign_in_user', first.subject), 0)
  assert.equal(await signIn.subject(untouched.token), bystander.subject)
})

test('an address given to several at once ends with one of them', async () => {
  const statements = signInStatements(schema)
  for (let rounds = 0; rounds < 50; rounds += 1) {
    const subjects = Array.from({ length: 6 }, () => ++lastSubject)
    const email = `contested-${rounds}@example.com`
    await Promise.all(
      subjects.map((subject) => statements.saveCredentials(database.kysely, subject, email, '00:00', clock)),
    )
    const counts = await Promise.all(subjects.map((subject) => count('sign_in_user', subject)))
    assert.equal(counts.filter((one) => one === 1).length, 1)
  }
})

test('passwords set at the same time all succeed, and one of them holds', async () => {
  const subject = ++lastSubject
  const email = `person-${subject}@example.com`
  const passwords = Array.from({ length: 4 }, (_, index) => `password ${index}`)
  for (const round of ['created', 'replaced']) {
    await Promise.all(passwords.map((password) => signIn.setPassword(subject, email, password)))
    const sessions = await Promise.all(passwords.map((password) => signIn.signIn(email, password)))
    assert.equal(sessions.filter((session) => session !== null).length, 1, round)
  }
  assert.equal(await count('sign_in_user', subject), 1)
  assert.equal(await count('sign_in_account', subject), 1)
})

test('credentials created by many at once never find their own address taken', async () => {
  const statements = signInStatements(schema)
  for (let rounds = 0; rounds < 100; rounds += 1) {
    const subject = ++lastSubject
    const saves = Array.from({ length: 8 }, (_, index) =>
      statements.saveCredentials(database.kysely, subject, `person-${subject}@example.com`, `00:0${index}`, clock),
    )
    await Promise.all(saves)
  }
})

test('signing out ends that session only, and may be repeated', async () => {
  const { subject, email, password } = await person()
  const [one, two] = [await begin(email, password), await begin(email, password)]
  await signIn.signOut(one.token)
  await signIn.signOut(one.token)
  assert.equal(await signIn.subject(one.token), null)
  assert.equal(await signIn.subject(two.token), subject)
})

test('a new password and the end of all sessions reach every session of that person and no other', async () => {
  const [ann, bob] = [await person(), await person()]
  const other = await begin(bob.email, bob.password)
  const sessions = [await begin(ann.email, ann.password), await begin(ann.email, ann.password)]
  await signIn.endSessions(ann.subject)
  for (const { token } of sessions) assert.equal(await signIn.subject(token), null)
  const third = await begin(ann.email, ann.password)
  await signIn.setPassword(ann.subject, ann.email, ann.password)
  assert.equal(await signIn.subject(third.token), null)
  assert.equal(await signIn.subject(other.token), bob.subject)
  await signIn.endSessions(ann.subject)
  await signIn.endSessions(2_147_483_647)
})

test('a sign-in with the old password that overlaps a new one leaves no session', async () => {
  const { subject, email, password } = await person()
  const changing = Promise.withResolvers<undefined>()
  const locked = Promise.withResolvers<number>()
  const change = database.kysely.transaction().execute(async (tx) => {
    await sql`update ${table('sign_in_account')} set "password" = '00:00' where "userId" =
      (select "id" from ${table('sign_in_user')} where "subject" = ${subject})`.execute(tx)
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
    locked.resolve(rows[0]?.pid ?? 0)
    await changing.promise
  })
  const holder = await locked.promise
  const overlapping = signIn.signIn(email, password)
  try {
    await blockedBy(holder)
    assert.equal(await count('sign_in_session', subject), 1, 'its session exists by now')
  } finally {
    changing.resolve(undefined)
    await change
  }
  assert.equal(await overlapping, null)
  assert.equal(await count('sign_in_session', subject), 0)
})

const blockedBy = async (pid: number) => {
  for (let tries = 0; tries < 1000; tries += 1) {
    const { rows } = await sql`select 1 from pg_stat_activity
      where ${pid}::integer = any(pg_blocking_pids(pid))`.execute(database.kysely)
    if (rows.length > 0) return
  }
  assert.fail('nobody waits')
}

test('a sign-in that overlaps the same password set again succeeds', async () => {
  const { subject, email, password } = await person()
  const results = await Promise.all([
    ...Array.from({ length: 6 }, () => signIn.signIn(email, password)),
    signIn.setPassword(subject, email, password),
  ])
  assert.deepEqual(
    results.filter((result) => result === null),
    [],
  )
})

test('a session ends after 7 days without use, and each use may extend it, once a day', async () => {
  const { subject, email, password } = await person()
  const { token } = await begin(email, password)
  const idle = await begin(email, password)
  const start = clock.getTime()
  const at = async (ms: number, which = token) => {
    clock = new Date(start + ms)
    return signIn.subject(which)
  }
  const versions = async () => {
    const { rows } = await sql<{ xmin: string }>`select xmin::text from ${table('sign_in_session')}
      where "token" = ${token}`.execute(database.kysely)
    return rows[0]?.xmin
  }
  const before = await versions()
  assert.equal(await at(day - 1), subject)
  assert.equal(await versions(), before, 'nothing is written within a day')
  assert.equal(await at(6 * day), subject)
  assert.notEqual(await versions(), before)
  assert.equal(await at(7 * day - 1, idle.token), subject)
  assert.equal(await at(12 * day), subject)
  assert.equal(await at(14 * day, idle.token), null)
  assert.equal(await at(19 * day), null)
})

test('no use extends a session beyond 30 days', async () => {
  const { subject, email, password } = await person()
  const { token } = await begin(email, password)
  const start = clock.getTime()
  for (let days = 5; days < 30; days += 5) {
    clock = new Date(start + days * day)
    assert.equal(await signIn.subject(token), subject, `${days} days`)
  }
  clock = new Date(start + 30 * day - 1)
  assert.equal(await signIn.subject(token), subject)
  const { rows } = await sql<{ expiresAt: Date }>`select "expiresAt" from ${table('sign_in_session')}
    where "token" = ${token}`.execute(database.kysely)
  assert.equal(rows[0]?.expiresAt.getTime(), start + 30 * day)
  clock = new Date(start + 30 * day)
  assert.equal(await signIn.subject(token), null)
  await sql`update ${table('sign_in_session')} set "expiresAt" = 'infinity' where "token" = ${token}`.execute(
    database.kysely,
  )
  assert.equal(await signIn.subject(token), null, 'whatever the row says')
})

test('signing in removes sessions of that person that ran out', async () => {
  const { subject, email, password } = await person()
  await begin(email, password)
  clock = new Date(clock.getTime() + 8 * day)
  await begin(email, password)
  assert.equal(await count('sign_in_session', subject), 1)
})

test('what is no token is nobody, without a fault', async () => {
  const { email, password } = await person()
  const { token } = await begin(email, password)
  const garbage = ['', ' ', token.slice(1), `${token}a`, `${token}\n`, `${token.slice(1)}\0`, 'x'.repeat(10_000_000)]
  for (const text of [
    ...garbage,
    "' or 1=1 --",
    '%',
    '\ud800',
    'null',
    '🦜'.repeat(8),
    'a'.repeat(32),
    `${token}.signature`,
  ]) {
    assert.equal(await signIn.subject(text), null, JSON.stringify(text.slice(0, 40)))
    await signIn.signOut(text)
  }
  assert.notEqual(await signIn.subject(token), null)
})

test('a database that does not answer is a fault, not a wrong password', async () => {
  const unreachable = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: new Pool({ host: '127.0.0.1', port: 1 }) }),
  })
  const other = betterAuthSignIn({ kysely: unreachable, schema, secret })
  await assert.rejects(other.signIn('somebody@example.com', 'correct horse'), { code: 'ECONNREFUSED' })
  await assert.rejects(other.subject('a'.repeat(32)), { code: 'ECONNREFUSED' })
  await assert.rejects(other.setPassword(1, 'somebody@example.com', 'correct horse'), { code: 'ECONNREFUSED' })
  await unreachable.destroy()
})
