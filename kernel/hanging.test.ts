// A pass that hangs does not fail, and is trouble all the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localBus } from '../adapters/bus/local.ts'
import { elapsing } from '../tests/support/elapsing.ts'
import { fixtureDatabase, startFixture } from '../tests/support/fixture-system.ts'
import { silent } from '../tests/support/silent.ts'
import { onPublish } from '../tests/support/wrapped.ts'
import { startLoop } from './loop.ts'

const hang = () => {
  const begun = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  return { begun: begun.promise, end: end.resolve, pass: () => (begun.resolve(), end.promise) }
}

test('a loop says so after 15 seconds, and no longer when the pass has ended', async (t) => {
  const elapse = elapsing(t)
  const { pass, end } = hang()
  const loop = startLoop({ name: 'hanging', pollMs: 60_000, log: silent, pass: () => pass().then(() => 'idle') })
  elapse(14_000)
  assert.equal(loop.trouble, null)
  elapse(2_000)
  assert.match(loop.trouble ?? '', /a pass has been running for 1[6-9] s/)
  end()
  await loop.drained()
  assert.equal(loop.trouble, null)
  // Asleep is not hanging.
  elapse(50_000)
  assert.equal(loop.trouble, null)
  await loop.stop()
})

test('a host says in its health which of its parts hangs', async (t) => {
  const elapse = elapsing(t)
  const { begun, pass, end } = hang()
  const bus = onPublish(localBus(), (batch) => (batch.stream === 'author' ? pass() : Promise.resolve()))
  await using database = await fixtureDatabase()
  await using host = await startFixture(database, { bus })
  await using _ = { [Symbol.asyncDispose]: () => Promise.resolve(end()) }
  await begun
  assert.equal((await host.health()).troubles['relay author'], undefined)
  elapse(20_000)
  const { ready, troubles } = await host.health()
  assert.equal(ready, true)
  assert.match(troubles['relay author'] ?? '', /a pass has been running for 2\d s/)
})
