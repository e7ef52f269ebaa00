// Family 11: what comes over the broker is forged or too large. The bus is a hint: what does not follow from what was
// applied, or has no mark of ours, is looked up in the log; what follows and has one is found out at once; and what no
// message holds is read from the log.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Marks, marksBy } from '../../../adapters/bus/marking.ts'
import { newTokenKey } from '../../../adapters/transport/token.ts'
import type { EventBatch } from '../../../kernel/stream.ts'
import { ates } from '../operators-tool.ts'
import { plantTasks } from '../planting.ts'
import { messagesOf } from './at-broker.ts'
import { Deployment } from './deployment.ts'
import { batchOf, type Forged, forgedEvent, ledgerPlace, type Place, publishForged } from './forging.ts'
import { sumOf } from '../metrics.ts'
import { recoveryMs } from '../recovery.ts'
import { amidTraffic, broughtByBroker, fetched, healthy, recovers } from './recovery.ts'

type Task = Parameters<typeof forgedEvent>[1]

const someTask = async ({ stage }: Deployment): Promise<Task> => {
  const [task] = await stage.query<Task>('select id as "taskId", assignee as "popugId" from task_tracker.task limit 1')
  return task ?? assert.fail('there is no task')
}

const random = () => crypto.randomUUID()

/** What a reader cannot believe, from where the ledger stands. */
const lies: Readonly<Record<string, (place: Place, task: Task) => EventBatch>> = {
  'another predecessor': ({ number }, task) => batchOf(random(), number + 1, forgedEvent(number + 1, task)),
  'another event where the ledger stands': ({ number }, task) =>
    batchOf(random(), number, forgedEvent(number, task), forgedEvent(number + 1, task)),
  'events far ahead': ({ number }, task) => batchOf(random(), number + 40, forgedEvent(number + 40, task)),
  'a later epoch': ({ number, eventId }, task) => ({
    ...batchOf(eventId, number + 1, forgedEvent(number + 1, task)),
    epoch: 7,
  }),
  'a head far ahead': ({ number }) => batchOf(random(), number + 1_000),
  'a head with another id': ({ number }) => batchOf(random(), number),
  'a head that went back': ({ number }) => batchOf(random(), number - 3),
}

const next = ({ number, eventId }: Place, task: Task) => batchOf(eventId, number + 1, forgedEvent(number + 1, task))

/** What no reader takes for a batch of this stream. */
const noise = (place: Place, task: Task): Forged[] => {
  const batch = next(place, task)
  return [
    '',
    'words',
    JSON.stringify({ ...batch, epoch: 0 }),
    JSON.stringify({ ...batch, predecessor: 'nobody' }),
    JSON.stringify({ ...batch, events: [{ ...batch.events[0], number: 'next' }] }),
    { ...batch, stream: 'identity' },
  ]
}

/** How often the task tracker's log was read. */
const readings = async (deployment: Deployment): Promise<number> => {
  const samples = await Promise.all(deployment.of('task-tracker').map((part) => part.metrics()))
  return sumOf(samples.flat(), 'ates_call_seconds_count', { method: 'ReadLog' })
}

const nothingForged = async ({ stage }: Deployment) => {
  const booked = await stage.query(`select from accounting.posting where assignment >= 9000`)
  assert.deepEqual([booked.length, (await ledgerPlace(stage)).state], [0, 'running'])
}

/** Each lie is told in silence, and then many of them amid traffic. */
const liesAreLookedUp = async (deployment: Deployment, marks: Marks) => {
  const { stage, broker } = deployment
  const task = await someTask(deployment)
  const tell = async (name: string, lie: (typeof lies)[string], by: Marks | null) => {
    await stage.settled()
    const before = await readings(deployment)
    await publishForged(broker, by, lie(await ledgerPlace(stage), task))
    await stage.until(`the log is asked about ${name}`, async () => (await readings(deployment)) > before)
    await nothingForged(deployment)
  }
  for (const [name, lie] of Object.entries(lies)) await tell(name, lie, marks)
  await tell('what follows, said by a stranger', next, null)
  await amidTraffic(deployment, 80, async () => {
    for (let round = 0; round < 12; round += 1) {
      const place = await ledgerPlace(stage)
      const lie = stage.clients.pick(Object.values(lies))(place, task)
      await publishForged(broker, stage.clients.pick([marks, null]), lie, ...noise(place, task))
      await publishForged(broker, null, next(place, task))
    }
  })
  await nothingForged(deployment)
}

/** The one forgery that is applied: it names the right predecessor, by somebody who has the key. */
const forgeNext = async (deployment: Deployment, marks: Marks) => {
  const { stage, broker } = deployment
  await stage.settled()
  const batch = next(await ledgerPlace(stage), await someTask(deployment))
  await publishForged(broker, marks, batch)
  return batch.events[0] ?? assert.fail('nothing was forged')
}

const bookings = ({ stage }: Deployment) =>
  stage.query('select event_id, amount_cents from accounting.posting order by event_id')

const foundOut = async (deployment: Deployment, eventId: string) => {
  const { stage } = deployment
  const begun = performance.now()
  await stage.until('the ledger stops', async () => (await ledgerPlace(stage)).state === 'forked')
  assert.ok(performance.now() - begun < recoveryMs)
  const booked = await bookings(deployment)
  assert.ok(booked.some((posting) => Object.values(posting).includes(eventId)))
  await stage.traffic(deployment, 20)
  assert.deepEqual(await bookings(deployment), booked, 'something was booked without a decision')
}

/** A person says that the log is right, and reconciliation names what was booked without it. */
const accepted = async (deployment: Deployment, number: number) => {
  const { stage } = deployment
  const after = String(number - 1)
  const said = await ates(stage, 'events', 'accept', 'accounting', 'ledger', '--after', after, 'forged at the broker')
  assert.equal(said.code, 0, said.out)
  await stage.until('reconciliation names it', async () => {
    const named = await stage.query<{ number: number }>(
      `select number::int from operations.difference where gone_at is null and what = 'extra'`,
    )
    return named.map((one) => one.number).join() === String(number)
  })
}

test('what is forged or too large at the broker costs nobody a cent, or is found out and mended', async (t) => {
  const replicas = { identity: 1, 'task-tracker': 1, accounting: 2, operations: 1 }
  const key = await newTokenKey()
  const marks = marksBy(key)
  const settings = { ATES_TOKEN_KEY: JSON.stringify(key) }
  await using deployment = await Deployment.open('family 11', { replicas, settings })
  const { stage, broker } = deployment
  const [operations] = deployment.of('operations')
  assert.ok(operations)
  await stage.traffic(deployment, 15)
  await broughtByBroker(deployment)

  await t.test('what does not follow from what was applied is looked up, and nothing else happens', async () => {
    // It reads the log too.
    await operations.process.stop()
    await liesAreLookedUp(deployment, marks)
    await operations.start()
    await recovers(deployment)
    await broughtByBroker(deployment)
    await healthy(deployment)
    await stage.audit()
  })

  await t.test('large events go in messages of their own, and what no message holds is read from the log', async () => {
    const before = await fetched(deployment)
    const most = 1024 ** 2
    for (const bytes of [stage.draw(60_000, 64_000), stage.draw(300_000, 900_000), most + stage.draw(1, 100_000)]) {
      const committed = await plantTasks(stage, 12, stage.hand, { more: { history: 'x'.repeat(bytes) } })
      committed()
      await amidTraffic(deployment, 10, () => stage.settled())
    }
    assert.ok((await fetched(deployment)) >= before + 12, 'the largest came over the broker')
    const sizes = (await messagesOf(broker)).map((text) => Buffer.byteLength(text))
    assert.ok(Math.max(...sizes) > 300_000)
    await broughtByBroker(deployment)
    await healthy(deployment)
    await stage.audit()
  })

  await t.test(
    'what follows and has our mark is booked, found out at once, and named until a person mends it',
    async () => {
      const { number, eventId } = await forgeNext(deployment, marks)
      await foundOut(deployment, eventId)
      await accepted(deployment, number)
      await recovers(deployment)
      await stage.audit({ lost: { eventIds: [eventId], contradicting: [] } })
    },
  )
})
