// The watcher sees every service, its stream and its consumers, what does not arrive, and that it arrived after all.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addPeople, startSystem } from '../../tests/support/system.ts'
import { addTasks, inTurn } from '../../tests/support/tasks.ts'
import { seen } from './operations.test-support.ts'

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
