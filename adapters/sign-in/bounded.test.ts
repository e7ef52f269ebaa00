// A flood of sign-ins waits its turn or is sent away; looking up a session is never kept waiting by it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SignIn } from '../../kernel/ports.ts'
import { Fault } from '../../kernel/result.ts'
import { boundedSignIn } from './bounded.ts'

test('two hash, six wait, the others are told at once to come again, and sessions are found meanwhile', async () => {
  const finish = Promise.withResolvers<null>()
  let hashing = 0
  let most = 0
  const slow: SignIn = {
    setPassword: () => Promise.resolve(),
    signIn: async () => {
      hashing += 1
      most = Math.max(most, hashing)
      await finish.promise
      hashing -= 1
      return null
    },
    subject: () => Promise.resolve(7),
    signOut: () => Promise.resolve(),
    endSessions: () => Promise.resolve(),
  }
  const bounded = boundedSignIn(slow)
  const attempts = Array.from({ length: 20 }, () => bounded.signIn('a@example.com', 'wrong'))
  const settled = Promise.allSettled(attempts)
  assert.equal(await bounded.subject('token'), 7)
  finish.resolve(null)
  const results = await settled
  const refused = results.filter((one) => one.status === 'rejected')
  assert.equal(refused.length, 12)
  assert.ok(refused.every(({ reason }) => reason instanceof Fault && reason.kind === 'unavailable'))
  assert.equal(most, 2)
})
