// The queue of reassignments: how many may wait, also when many press at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRefusal, must } from '../../kernel/result.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { stepwise } from '../../tests/support/stepwise.ts'
import { as, startSystem } from '../../tests/support/system.ts'
import { taskTracker } from './contract.ts'
import { assign, boss, cancel, step } from './reassign.test-support.ts'

test('at most a hundred wait, whoever presses at once; there is room again when one is cancelled or begins', async () => {
  const steps = stepwise(step)
  await using system = await startSystem({ decorate: steps.database })
  using _free = steps
  steps.stop()
  const press = (idempotencyKey?: string) =>
    system.call(taskTracker.assignTasks, {}, as(boss, idempotencyKey === undefined ? {} : { idempotencyKey }))
  const tooMany = { refused: 'too_many_reassignments', detail: { most: 100 } }
  const first = await assign(system, 'first')
  for (let queued = 1; queued < 95; queued += 1) await assign(system)
  const pressed = await Promise.all(Array.from({ length: 12 }, () => press()))
  assert.deepEqual(
    pressed.filter(isRefusal),
    Array.from({ length: 7 }, () => tooMany),
  )
  assert.deepEqual(await press('late'), tooMany)
  assert.deepEqual(await assign(system, 'first'), first, 'what was answered before is answered again')

  must(await cancel(system, first.id))
  await assign(system, 'late')
  assert.deepEqual(await press(), tooMany)
  steps.free()
  await system.host.settle()
  await assign(system)
  await checkInvariants(system)
})
