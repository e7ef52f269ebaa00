// A consumer that does not get on: what the broker brings meanwhile does not gather in its memory.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { assertCounts, fixtureDatabase, keptBy } from '../support/fixture-system.ts'
import { handMade, readFrom } from '../support/fixture-producer.ts'
import { stepwise } from '../support/stepwise.ts'
import { openBroker } from './broker.ts'
import { busAt } from './listening.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const usedMegabytes = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed / 1024 ** 2
}

const events = 100_000
/** Without a bound it would be more than a hundred. */
const mostMegabytes = 50

test('a hundred thousand events come while a consumer is blocked: memory stays small, and all are applied', async () => {
  await using broker = await openBroker()
  await using database = await fixtureDatabase()
  await using publisher = busAt(broker.url)
  await using bus = busAt(broker.url)
  const fixture = handMade()
  const { producer } = fixture
  const blocked = stepwise(`apply.${fixture.consumer.name}`)
  await using reader = await readFrom(fixture, blocked.database(database.open('archive')), { bus })
  using _freed = blocked
  await reader.drained()
  blocked.stop()
  producer.say(Array.from({ length: events }, () => 'x'.repeat(1_000)))
  // Written once, their texts take the room that they will have.
  for (const event of producer.log) JSON.stringify(event)
  const before = usedMegabytes()
  let heard = 0
  await bus.subscribe(producer.stream, 'a.Witness', (batch) => void (heard = batch.events.at(-1)?.number ?? heard))
  for (let first = 1; first <= events; first += 2_000) await publisher.publish(producer.batch(first, first + 1_999))
  while (heard < events) await publisher.publish(producer.heartbeat())
  const grown = usedMegabytes() - before
  assert.deepEqual(await keptBy(database, fixture.consumer.name), [])
  assert.ok(grown < mostMegabytes, `${Math.round(grown)} MiB more`)
  blocked.free()
  await reader.drained()
  assertCounts(await keptBy(database, fixture.consumer.name), events)
})
