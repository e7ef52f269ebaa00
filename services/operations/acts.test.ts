// What people decide about events and consumers is written down, carried out once, and seen while it goes on.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Caller } from '../../kernel/caller.ts'
import { Fault, must } from '../../kernel/result.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { addPeople, as, startSystem, type System } from '../../tests/support/system.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { identity } from '../identity/contract.ts'
import { planRedelivery } from './asks/plan-redelivery.ts'
import { operations } from './contract.ts'
import { admin, ended, overviewOf, refusePrices, seen } from './operations.test-support.ts'

const ledger = { service: 'accounting', consumer: 'ledger' }

describe('an act', () => {
  let system: System
  let popugIds: number[]
  before(async () => {
    system = await startSystem()
    popugIds = (await addPeople(system, ['popug', 'popug'])).map(({ id }) => id ?? 0)
    await seen('the ledger', system, ({ consumers }) => consumers.some(({ consumer }) => consumer === 'ledger'))
  })
  after(() => system[Symbol.asyncDispose]())

  /** Parks the events of some new tasks among others; gives how to take away what stood in their way. */
  const park = async (count: number) => {
    const [last] = await system.database.query<{ id: number }>(
      'select coalesce(max(id), 0) as id from task_tracker.task',
    )
    const first = (last?.id ?? 0) + 2
    const mend = await refusePrices(
      system,
      Array.from({ length: count }, (_, index) => first + index * 2),
    )
    await addTasks(system, inTurn(count * 2 + 1, popugIds))
    await system.host.settle()
    const { parkedGroups } = await seen('the parked events', system, ({ parkedGroups: groups }) =>
      groups.some((group) => group.count === count),
    )
    const group = parkedGroups.find((one) => one.count === count)
    assert.ok(group)
    return { mend, group }
  }
  const parkedOf = async (fingerprint: string, state: 'parked' | 'discarded' | 'applied' = 'parked') =>
    must(await system.call(operations.listParked, { ...ledger, fingerprint, state }, admin)).parked
  const done = async (act: Parameters<typeof ended>[1]) => {
    const { state, total, done: count, failed, results, note } = await ended(system, act)
    return { state, total, count, failed, results, note }
  }

  test('retries a whole group, and says of each how it ended', async () => {
    const { mend, group } = await park(3)
    const { fingerprint } = group
    const before = must(await system.call(operations.retryEvents, { ...ledger, fingerprint }, admin))
    assert.deepEqual(await done(before), {
      state: 'done',
      total: 3,
      count: 3,
      failed: 3,
      results: [{ what: 'still_parked', count: 3, example: 'error 23514: no price for task 2' }],
      note: null,
    })
    await mend()
    const after = must(await system.call(operations.retryEvents, { ...ledger, fingerprint }, admin))
    assert.deepEqual(await done(after), {
      state: 'done',
      total: 3,
      count: 3,
      failed: 0,
      results: [{ what: 'applied', count: 3, example: null }],
      note: null,
    })
    assert.deepEqual(await parkedOf(fingerprint), [])
    assert.deepEqual(
      (await parkedOf(fingerprint, 'applied')).map(({ decidedBy, attempts }) => [decidedBy, attempts]),
      Array.from({ length: 3 }, () => [1, 2]),
    )
    await checkInvariants(system)
  })

  test('retries those that were chosen, once however often it is asked for', async () => {
    const { mend, group } = await park(4)
    await mend()
    const numbers = (await parkedOf(group.fingerprint)).map(({ number }) => number).slice(1, 3)
    const twice = await Promise.all(
      [1, 2].map(() => system.call(operations.retryEvents, { ...ledger, numbers }, admin)),
    )
    const results = await Promise.all(twice.map((act) => done(must(act))))
    const came = results.flatMap((one) => one.results).map(({ what, count }) => `${what} ${count}`)
    assert.deepEqual(came.toSorted(), ['absent 2', 'applied 2'])
    const left = must(await system.call(operations.retryEvents, { ...ledger, fingerprint: group.fingerprint }, admin))
    assert.equal((await done(left)).count, 2)
    await checkInvariants(system)
  })

  test('discards with a reason that is kept, and takes it back', async () => {
    const { mend, group } = await park(2)
    const [first] = await parkedOf(group.fingerprint)
    assert.ok(first)
    const which = { ...ledger, numbers: [first.number] }
    const reason = 'a task that never was'
    assert.deepEqual(
      (await done(must(await system.call(operations.discardEvents, { ...which, reason }, admin)))).results,
      [{ what: 'discarded', count: 1, example: null }],
    )
    const one = { ...ledger, number: first.number }
    const discarded = must(await system.call(operations.getParkedEvent, one, admin))
    assert.deepEqual([discarded.state, discarded.reason, discarded.decidedBy], ['discarded', reason, 1])
    assert.deepEqual(discarded.data, first.data)
    const { fingerprint } = group
    assert.deepEqual(
      (await done(must(await system.call(operations.restoreEvents, { ...ledger, fingerprint }, admin)))).results,
      [{ what: 'restored', count: 1, example: null }],
    )
    await mend()
    assert.equal(
      (await done(must(await system.call(operations.retryEvents, { ...ledger, fingerprint }, admin)))).count,
      2,
    )
    await checkInvariants(system)
  })

  test('pauses a consumer and lets it go on', async () => {
    const reason = 'the auditor is here'
    assert.equal(
      (await done(must(await system.call(operations.pauseConsumer, { ...ledger, reason }, admin)))).state,
      'done',
    )
    await addTasks(system, inTurn(2, popugIds))
    const stopped = await seen('the pause and what is behind it', system, ({ consumers }) =>
      consumers.some(({ consumer, state, behind }) => consumer === 'ledger' && state === 'paused' && behind === 2),
    )
    assert.equal(stopped.consumers.find(({ consumer }) => consumer === 'ledger')?.reason, reason)
    assert.equal((await done(must(await system.call(operations.resumeConsumer, ledger, admin)))).state, 'done')
    await checkInvariants(system)
  })

  test('says a range on the bus once more, which changes nothing', async () => {
    const { consumers } = await overviewOf(system)
    const head = consumers.find(({ consumer }) => consumer === 'ledger')?.head ?? 0
    const act = await system.call(
      operations.redeliverEvents,
      { stream: 'task-tracker', after: 0, upTo: Number.MAX_SAFE_INTEGER },
      admin,
    )
    assert.deepEqual(await done(must(act)), {
      state: 'done',
      total: head,
      count: head,
      failed: 0,
      results: [{ what: 'said', count: head, example: null }],
      note: null,
    })
    await checkInvariants(system)
  })

  test('is planned for all consumers of a stream, without those of a service that does not answer', async () => {
    const call: Caller = (method, input, behalf) =>
      method.service === 'accounting'
        ? Promise.reject(new Fault('unavailable', 'away'))
        : system.call(method, input, behalf)
    const context = { call, actor: { id: 1, role: 'admin' }, requestId: 'plan' }
    const ask = planRedelivery([...system.host.local.keys()])
    const range = { after: 0, upTo: 2 }
    const plan = must(await ask({ stream: 'identity', ...range }, context))
    const outcomes = [{ outcome: 'already', count: 2, numbers: [1, 2] }]
    assert.deepEqual(
      new Map(plan.consumers.map((one) => [`${one.consumer} of ${one.service}`, one.outcomes])),
      new Map([
        ['roster of task-tracker', outcomes],
        ['names of operations', outcomes],
      ]),
    )
    assert.deepEqual(plan.unasked, [{ service: 'accounting', reason: 'Fault: away' }])
    assert.deepEqual(await ask({ stream: 'payroll', ...range }, context), { refused: 'service_not_found' })
  })

  test('about what is not there is refused, and so is a reason that says nothing', async () => {
    const call = async (outcome: Promise<object>) => {
      const refused = await outcome
      return 'refused' in refused ? refused.refused : 'ok'
    }
    const { call: calling } = system
    assert.equal(
      await call(calling(operations.resumeConsumer, { ...ledger, service: 'payroll' }, admin)),
      'service_not_found',
    )
    assert.equal(
      await call(calling(operations.resumeConsumer, { ...ledger, consumer: 'lodger' }, admin)),
      'consumer_not_found',
    )
    assert.equal(await call(calling(operations.pauseConsumer, { ...ledger, reason: ' x ' }, admin)), 'invalid_input')
    assert.equal(await call(calling(operations.retryEvents, ledger, admin)), 'invalid_input')
    assert.equal(await call(calling(operations.getParkedEvent, { ...ledger, number: 1 }, admin)), 'parked_not_found')
  })

  test('is in the operator log with who asked for it', async () => {
    const { acts } = must(await system.call(operations.listActs, { limit: 200 }, as({ id: 2, role: 'accountant' })))
    assert.ok(acts.length >= 10)
    for (const { requestedBy, state, startedAt } of acts)
      assert.deepEqual([requestedBy, state, startedAt === null], [1, 'done', false])
    assert.equal(acts.find(({ kind }) => kind === 'discard')?.reason, 'a task that never was')
  })

  test('is told with the present name of who asked for it', async () => {
    const [who] = await addPeople(system, ['admin'])
    const { id } = must(await system.call(operations.reconcile, {}, as({ id: who?.id ?? 0, role: 'admin' })))
    const nameNow = async () => must(await system.call(operations.getAct, { id }, admin)).requestedByName
    assert.equal(await nameNow(), 'admin 1')
    must(await system.call(identity.changePerson, { popugId: who?.id ?? 0, name: 'Ada' }, admin))
    await system.host.settle()
    assert.equal(await nameNow(), 'Ada')
    const [listed] = must(await system.call(operations.listActs, {}, admin)).acts
    assert.deepEqual([listed?.id, listed?.requestedByName], [id, 'Ada'])
    await ended(system, { id })
  })

  test('is told with what somebody at the command line calls themselves, and only there', async () => {
    const ask = (id: number | null) =>
      system.call(operations.reconcile, {}, { ...admin, actor: { id, role: 'admin', name: 'Eve' } })
    const acts = [must(await ask(null)), must(await ask(1))]
    assert.deepEqual(
      acts.map(({ requestedBy, requestedByName }) => [requestedBy, requestedByName === 'Eve']),
      [
        [null, true],
        [1, false],
      ],
    )
    for (const act of acts) await ended(system, act)
  })
})
