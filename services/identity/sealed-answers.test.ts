// What identity keeps of a keyed call opens no door: links, sessions and passwords cannot be read from it.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { as, asService, startSystem, type System } from '../../tests/support/system.ts'
import { identity } from './contract.ts'

const password = 'correct horse'
const email = 'person@example.com'
const keys = { invite: 'key-of-invitation', accept: 'key-of-acceptance', signIn: 'key-of-sign-in' }

let system: System
before(async () => {
  system = await startSystem()
})
after(() => system[Symbol.asyncDispose]())

const invite = () => {
  const admin = as({ id: 1, role: 'admin' }, { idempotencyKey: keys.invite })
  return system.call(identity.invitePerson, { name: 'Person', email, role: 'popug' }, admin)
}
const accept = (token: string) =>
  system.call(identity.acceptInvitation, { token, password }, { ...asService, idempotencyKey: keys.accept })
const signIn = () => system.call(identity.signIn, { email, password }, { ...asService, idempotencyKey: keys.signIn })

/** A text as it stands, in the encodings of bytes, and as digests of it. */
const formsOf = (text: string): string[] => {
  const encodings = ['base64', 'base64url', 'hex'] as const
  const digests = ['sha256', 'sha512', 'sha1', 'md5'].map((name) => createHash(name).update(text).digest())
  // The last characters of base64 depend on what follows.
  const bytes = [0, 1, 2].map((from) => Buffer.from(text).subarray(from).toString('base64').slice(0, -4))
  return [text, ...bytes, ...digests.flatMap((digest) => encodings.map((encoding) => digest.toString(encoding)))]
}

test('no kept answer holds a link, a session, a password, a digest of one or the key; the same key gives the same answer', async () => {
  const invited = await invite()
  const { token } = must(invited)
  const accepted = await accept(token)
  const signedIn = await signIn()

  const rows = await system.database.query<{ row: string; parts: Record<string, unknown> }>(
    'select kept::text as row, to_jsonb(kept) as parts from identity.idempotency kept',
  )
  assert.equal(rows.length, 3)
  const kept = rows.map(({ row }) => row).join('\n')
  // What stands there in base64 is looked into as well.
  const opened = rows.flatMap(({ parts }) =>
    Object.values(parts).map((part) => Buffer.from(String(part), 'base64').toString('latin1')),
  )
  const tokens = [token, must(accepted).token, must(signedIn).token]
  const inputs = [
    { token, password },
    { email, password },
  ].map((input) => JSON.stringify(input))
  const secrets = [...tokens, ...tokens.map((one) => decodeURIComponent(one)), password, ...inputs]
  for (const form of [...secrets.flatMap(formsOf), ...Object.values(keys)]) {
    assert.ok(!kept.includes(form), `${form} is kept`)
    assert.ok(!opened.some((part) => part.includes(form)), `${form} is kept in base64`)
  }

  assert.deepEqual(await invite(), invited)
  assert.deepEqual(await accept(token), accepted)
  assert.deepEqual(await signIn(), signedIn)
})
