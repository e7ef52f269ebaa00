// The watcher sees every service, its stream and its consumers, what does not arrive, and that it arrived after all.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../tests/support/eventually.ts'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { addPeople, startSystem } from '../../tests/support/system.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { overviewOf, seen } from './operations.test-support.ts'

test('every service is seen, with its stream and how far each consumer is', async () => {
  await using system = await startSystem()
  const popugIds = (await addPeople(system, ['popug', 'popug'])).map(({ id }) => id ?? 0)
  await addTasks(system, inTurn(4, popugIds))
  await system.host.settle()
  const { services, consumers } = await seen('the events', system, (overview) =>
    overview.consumers.some(({ consumer, number }) => consumer === 'ledger' && number === 4),
  )
  assert.deepEqual(
    services.map(({ name, silentSince, stream, instances }) => [name, silentSince, stream?.head, instances.length]),
    [
      ['identity', null, 2, 1],
      ['task-tracker', null, 4, 1],
      ['accounting', null, 0, 1],
      ['operations', null, 0, 1],
    ],
  )
  assert.deepEqual(
    consumers.map(({ service, consumer, number, head, behind }) => [service, consumer, number, head, behind]),
    [
      ['task-tracker', 'roster', 2, 2, 0],
      ['accounting', 'holders', 2, 2, 0],
      ['accounting', 'ledger', 4, 4, 0],
      ['operations', 'names', 2, 2, 0],
    ],
  )
})

test('a gap that nobody can close is noticed with its reason, closed when it can be, and shown as healed', async () => {
  let cut = false
  await using system = await startSystem({
    // What the bus says is lost, and the log cannot be read.
    bus: {
      publish: () => Promise.resolve(),
      subscribe: () => Promise.resolve(() => Promise.resolve()),
      close: () => Promise.resolve(),
    },
    decorate: (database) => ({
      ...database,
      transaction: (name, work, options) =>
        cut && name === 'task-tracker.ReadLog'
          ? Promise.reject(Object.assign(new Error('no way'), { code: '57P01' }))
          : database.transaction(name, work, options),
    }),
  })
  const popugIds = (await addPeople(system, ['popug'])).map(({ id }) => id ?? 0)
  const look = async () => (await overviewOf(system)).undelivered
  cut = true
  await addTasks(system, inTurn(3, popugIds))
  const open = await eventually('the gap', async () => (await look()).find(({ healedAt }) => healedAt === null))
  assert.deepEqual([open.service, open.consumer, open.after, open.head], ['accounting', 'ledger', 0, 3])
  assert.match(open.reason, /^producer unreachable/)
  cut = false
  const healed = await eventually(
    'its end',
    async () => (await look()).find(({ id, healedAt }) => id === open.id && healedAt !== null),
    30_000,
  )
  assert.equal(healed.since, open.since)
  await checkInvariants(system)
})
