// What a process of web says to operations of itself: within what operations takes, and only logged when it is not taken.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import type { Caller } from '../../kernel/caller.ts'
import type { Health } from '../../kernel/host.ts'
import { Fault, ok } from '../../kernel/result.ts'
import { startReporting } from '../../reporting.ts'
import { operations } from '../../services/operations/contract.ts'
import { silent } from '../support/silent.ts'

type Report = z.output<typeof operations.reportProcess.input>

const opened = (health: Health) => {
  const taken: Report[] = []
  const way = { fails: false, tries: 0 }
  const call = (async (_method, input) => {
    way.tries += 1
    if (way.fails) throw new Fault('unavailable', 'the circuit breaker is open')
    taken.push(z.parse(operations.reportProcess.input, input))
    return ok({})
  }) as Caller
  const breakers = () => ({ accounting: 'open', identity: 'closed' }) as const
  const parts = { host: { call }, health: async () => health, breakers, log: silent }
  return { taken, way, loop: startReporting(parts) }
}

test('a process says its breakers and troubles, as one process, and goes on when a report is not taken', async () => {
  const { taken, way, loop } = opened({ ready: true, troubles: { 'the watcher': 'no round for 40 s' } })
  await loop.drained()
  way.fails = true
  await loop.drained()
  assert.equal(loop.trouble, null)
  way.fails = false
  await loop.drained()
  await loop.stop()
  assert.equal(taken.length, way.tries - 1)
  assert.equal(new Set(taken.map(({ instance }) => instance)).size, 1)
  const { process, troubles, breakers } = taken.at(-1) ?? assert.fail()
  assert.equal(process, 'web')
  assert.deepEqual(troubles, [{ part: 'the watcher', what: 'no round for 40 s' }])
  assert.deepEqual(breakers, [
    { service: 'accounting', state: 'open' },
    { service: 'identity', state: 'closed' },
  ])
})

test('more and longer troubles than operations takes are cut', async () => {
  const many = Array.from({ length: 99 }, (_, index) => [`part ${index}`, `\0${'🦜'.repeat(900)}`] as const)
  const { taken, loop } = opened({ ready: false, troubles: Object.fromEntries(many) })
  await loop.drained()
  await loop.stop()
  assert.equal(taken[0]?.troubles.length, 50)
})
