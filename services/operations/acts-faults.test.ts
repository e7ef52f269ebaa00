// An act is carried out once although its steps are lost, repeated, or done by two replicas at the same time.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault, must } from '../../kernel/result.ts'
import { breaking } from '../../tests/support/breaking.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { freshDatabase } from '../../tests/support/server.ts'
import { addPeople, schemas, startSystem, type System, type SystemOptions } from '../../tests/support/system.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { operations } from './contract.ts'
import { admin, ended, refusePrices, seen } from './operations.test-support.ts'

const ledger = { service: 'accounting', consumer: 'ledger' }
const parkedCount = 5

/** A system in which the events of five tasks were parked, with nothing in their way any more. */
const withParked = async (options: SystemOptions = {}): Promise<{ system: System; fingerprint: string }> => {
  const system = await startSystem(options)
  const popugIds = (await addPeople(system, ['popug', 'popug'])).map(({ id }) => id ?? 0)
  const mend = await refusePrices(system, [2, 4, 6, 8, 10])
  await addTasks(system, inTurn(11, popugIds))
  await system.host.settle()
  const { parkedGroups } = await seen('the parked events', system, ({ parkedGroups: groups }) =>
    groups.some(({ count }) => count === parkedCount),
  )
  await mend()
  return { system, fingerprint: parkedGroups[0]?.fingerprint ?? '' }
}

const retryAll = async (system: System, fingerprint: string) =>
  ended(system, must(await system.call(operations.retryEvents, { ...ledger, fingerprint }, admin)))

const whole = {
  state: 'done',
  done: parkedCount,
  failed: 0,
  results: [{ what: 'applied', count: parkedCount, example: null }],
}

describe('a step is lost', () => {
  for (const moment of ['before', 'after'] as const) {
    test(`${moment} it is saved`, async () => {
      const broken = breaking()
      const { system, fingerprint } = await withParked({ decorate: broken.database })
      await using _system = system
      broken.next('acts.save', moment)
      const { state, done, failed, results } = await retryAll(system, fingerprint)
      assert.deepEqual({ state, done, failed, results }, whole)
      await checkInvariants(system)
    })

    test(`${moment} the events are applied, and nobody knows which`, async () => {
      let cuts = 4
      const { system, fingerprint } = await withParked({
        decorate: (database) => ({
          ...database,
          transaction: async (name, work, options) => {
            const cut = name === 'accounting.RetryParkedEvents' && (cuts -= 1) >= 0
            if (cut && moment === 'before') throw new Fault('unavailable', 'cut off')
            const result = await database.transaction(name, work, options)
            if (cut) throw new Fault('outcome_unknown', 'cut off')
            return result
          },
        }),
      })
      await using _system = system
      const { state, done, failed, results } = await retryAll(system, fingerprint)
      assert.deepEqual({ state, done, failed, results }, whole)
      assert.ok(cuts <= 0, 'nothing was cut off')
      await checkInvariants(system)
    })
  }
})

test('two replicas that both take every step have the effect of one, and say what one would', async () => {
  await using database = await freshDatabase(schemas)
  const { system, fingerprint } = await withParked({ database })
  await using _system = system
  await using _other = await startSystem({ database })
  const { state, done, failed, results } = await retryAll(system, fingerprint)
  assert.deepEqual({ state, done, failed, results }, whole)
  await checkInvariants(system)
})

test('a service that is away is waited for, visibly, and the act can be cancelled', async () => {
  let away = false
  const { system, fingerprint } = await withParked({
    decorate: (database) => ({
      ...database,
      transaction: (name, work, options) =>
        away && database.schema === 'accounting'
          ? Promise.reject(Object.assign(new Error('the server closed the connection'), { code: '57P01' }))
          : database.transaction(name, work, options),
    }),
  })
  await using _system = system
  away = true
  const asked = must(await system.call(operations.retryEvents, { ...ledger, fingerprint }, admin))
  await seen('that accounting is silent', system, ({ services }) =>
    services.some(({ name, silentSince, stream }) => name === 'accounting' && silentSince !== null && stream !== null),
  )
  const { services } = await seen('the act', system, ({ openActs }) => openActs === 1)
  assert.deepEqual(
    services.filter(({ silentSince }) => silentSince !== null).map(({ name }) => name),
    ['accounting'],
  )
  const cancelled = must(await system.call(operations.cancelAct, { id: asked.id }, admin))
  assert.deepEqual([cancelled.state, cancelled.done], ['cancelled', 0])
  assert.ok('refused' in (await system.call(operations.cancelAct, { id: 999 }, admin)))
  away = false
  await seen('that accounting answers', system, ({ services: all }) =>
    all.every(({ silentSince }) => silentSince === null),
  )
  const { state, done } = await retryAll(system, fingerprint)
  assert.deepEqual([state, done], ['done', parkedCount])
  await checkInvariants(system)
})
