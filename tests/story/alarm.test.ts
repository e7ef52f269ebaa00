// Every process keeps an eye on the watcher, which cannot say that it died.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardWatcher } from '../../alarm.ts'
import type { Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/result.ts'
import { eventually } from '../support/eventually.ts'
import { silent } from '../support/silent.ts'
import { startSystem } from '../support/system.ts'

/** A clock that the test moves; milliseconds. */
const clockAt = (ms: number) => ({ ms })

test('a watcher of which nothing is heard for 30 s is said to be dead, with why, and not before', async () => {
  const clock = clockAt(1_000)
  const asked = Promise.withResolvers<void>()
  const call: Caller = () => {
    asked.resolve()
    return Promise.reject(new Fault('unavailable', 'nobody listens'))
  }
  const guard = guardWatcher({ call }, silent, () => clock.ms)
  try {
    await asked.promise
    clock.ms += 30_000
    assert.equal(guard.trouble(), null)
    clock.ms += 1_000
    await eventually('the reason is known', () => guard.trouble()?.includes('nobody listens'))
    assert.equal(guard.trouble(), 'no round for 31 s: nobody listens')
  } finally {
    await guard.stop()
  }
})

test('a watcher that has stopped making rounds is said to be dead, though operations answers', async () => {
  await using system = await startSystem({ loops: false })
  await system.database.query(`update operations.alert_round set at = now()`)
  const clock = clockAt(0)
  const asked = Promise.withResolvers<void>()
  const call: Caller = async (method, input, behalf) => {
    const outcome = await system.call(method, input, behalf)
    asked.resolve()
    return outcome
  }
  const guard = guardWatcher({ call }, silent, () => clock.ms)
  try {
    await asked.promise
    clock.ms += 30_000
    assert.equal(guard.trouble(), null)
    clock.ms += 60_000
    await eventually(
      'it is said',
      () => guard.trouble() === 'no round for 60 s' || guard.trouble() === 'no round for 90 s',
    )
  } finally {
    await guard.stop()
  }
})
