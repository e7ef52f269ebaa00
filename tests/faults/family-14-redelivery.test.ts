// Family 14: people deliver again what was applied, what was parked and what is missing, several times and at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery } from '../../kernel/standard.ts'
import type { EventBatch } from '../../kernel/stream.ts'
import type { ApplicationProcess } from './application-process.ts'
import { numbersOf, sayForged } from './planting.ts'
import { openStage, type Stage } from './stage.ts'

const begun = async (stage: Stage): Promise<ApplicationProcess> => {
  const process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  await stage.traffic(process, 20)
  return process
}

/** What the task tracker's log answers. */
const fetchLog = async (stage: Stage, process: ApplicationProcess, from: number, limit: number): Promise<EventBatch> =>
  (await stage.operate(process, 'task-tracker', 'ReadLog', { from, limit })) as EventBatch

/** The whole log in ranges of any length. */
const fetchRanges = async (stage: Stage, process: ApplicationProcess): Promise<EventBatch[]> => {
  const ranges: EventBatch[] = []
  for (let from = 0; ;) {
    const batch = await fetchLog(stage, process, from, stage.draw(1, 12))
    if (batch.events.length === 0) return ranges
    ranges.push(batch)
    from = batch.events.at(-1)?.number ?? from
  }
}

interface Delivered {
  readonly outcomes: readonly Delivery[]
  readonly position: number
}

const deliver = async (
  stage: Stage,
  process: ApplicationProcess,
  batch: EventBatch,
  dryRun = false,
): Promise<Delivered> =>
  (await stage.operate(process, 'accounting', 'Deliver', { consumer: 'ledger', batch, dryRun })) as Delivered

const setState = (stage: Stage, process: ApplicationProcess, state: 'running' | 'paused') =>
  stage.operate(process, 'accounting', 'SetConsumerState', { consumer: 'ledger', state, reason: 'family 14' })

/** What the ledger holds, and where it stands. */
const ledgerOf = async (stage: Stage) => ({
  postings: await stage.query('select number, line, amount_cents from accounting.posting order by number, line'),
  position: await stage.query(`select number, state from accounting.position where consumer = 'ledger'`),
  parked: await stage.query('select number, state, attempts from accounting.parked order by number'),
})

/** The same in an order that the seed decides. */
const shuffled = <T>(stage: Stage, all: readonly T[]): T[] =>
  all
    .map((one) => ({ one, place: stage.draw(0, 1_000_000) }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ one }) => one)

const countOf = (all: readonly Delivered[]): Record<string, number> =>
  Object.fromEntries(
    [
      ...Map.groupBy(
        all.flatMap(({ outcomes }) => outcomes),
        ({ outcome }) => outcome,
      ),
    ].map(([what, which]) => [what, which.length]),
  )

test('ranges that are applied, parked, discarded and missing are delivered twice, by several at once', async () => {
  await using stage = await openStage('family 14, ranges')
  const [one, other] = [await begun(stage), await stage.start()]
  const ids: string[] = []
  for (let poison = 0; poison < 4; poison += 1) {
    ids.push(...(await sayForged(stage, [{ data: { taskId: 'one' } }])))
    await stage.traffic(one, stage.draw(1, 6))
  }
  await stage.settled()
  const parked = await numbersOf(stage, ids)
  await stage.discardParked(one, parked[1] ?? 0)
  await setState(stage, one, 'paused')
  await stage.traffic(one, 25)
  await stage.until('all of it has its number', async () => {
    const [row] = await stage.query('select count(*)::int as count from task_tracker.outbox')
    return row?.['count'] === 0
  })
  const ranges = await fetchRanges(stage, one)
  const before = await ledgerOf(stage)
  for (const batch of ranges) await deliver(stage, one, batch, true)
  assert.deepEqual(await ledgerOf(stage), before, 'a dry run has changed something')

  await setState(stage, one, 'running')
  const [first, second] = await Promise.all([
    Promise.all(shuffled(stage, ranges).map((batch) => deliver(stage, one, batch))),
    Promise.all(shuffled(stage, ranges).map((batch) => deliver(stage, other, batch))),
    stage.traffic(other, 20),
  ])
  assert.equal(countOf([...first, ...second])['contradicts'], undefined)
  await stage.recovers(other)
  await stage.audit({ parked })

  const again: Delivered[] = []
  for (const batch of ranges) again.push(await deliver(stage, other, batch))
  const events = ranges.reduce((sum, batch) => sum + batch.events.length, 0)
  assert.deepEqual(countOf(again), { already: events - 4, still_parked: 3, discarded: 1 })
  await stage.audit({ parked })
  await Promise.all([one.stop(), other.stop()])
})

test('what was parked because the ledger was out of order is applied once when it is mended, however often it is delivered', async () => {
  await using stage = await openStage('family 14, mended')
  const process = await begun(stage)
  await stage.settled()
  const [{ head } = { head: 0 }] = await stage.query<{ head: number }>('select head::int from task_tracker.stream')
  // As a mistake of an operator would: rewards are refused, fees are not.
  await stage.query(`alter table accounting.posting add constraint no_rewards check (kind <> 'reward') not valid`)
  await stage.traffic(process, 15)
  await stage.settled()
  const parked = await stage.query<{ number: number }>(
    `select number::int from accounting.parked where state = 'parked' order by number`,
  )
  assert.ok(parked.length > 0)
  const batch = await fetchLog(stage, process, head, 2_000)
  const stillRefused = await deliver(stage, process, batch)
  assert.equal(countOf([stillRefused])['still_parked'], parked.length)
  await stage.query('alter table accounting.posting drop constraint no_rewards')
  const rehearsed = await deliver(stage, process, batch, true)
  const both = await Promise.all([deliver(stage, process, batch), deliver(stage, process, batch)])
  const applied = both.map((one) => countOf([one])['was_parked_now_applied'] ?? 0)
  assert.deepEqual(
    applied.toSorted((a, b) => a - b),
    [0, parked.length],
  )
  assert.deepEqual(
    both.find((one) => countOf([one])['was_parked_now_applied']),
    rehearsed,
  )
  await stage.recovers(process)
  await stage.audit()
  await process.stop()
})

for (const when of ['before', 'after'] as const) {
  test(`a delivery that is killed ${when} its commit is delivered again`, async () => {
    await using stage = await openStage(`family 14, killed ${when}`)
    const first = await begun(stage)
    await stage.settled()
    await setState(stage, first, 'paused')
    await stage.traffic(first, 15)
    const ranges = await fetchRanges(stage, first)
    first.arm({ step: 'accounting.Deliver', of: 'accounting', when, nth: stage.draw(1, ranges.length), act: 'kill' })
    await setState(stage, first, 'running')
    const open: EventBatch[] = []
    for (const batch of ranges) await deliver(stage, first, batch).catch(() => open.push(batch))
    await first.killed()
    assert.ok(open.length > 0)
    const next = await stage.start()
    await stage.recovers(next)
    for (const batch of [...open, ...ranges]) await deliver(stage, next, batch)
    await stage.traffic(next, 5)
    await stage.audit()
    await next.stop()
  })
}

test('what is said on the bus again, in any order and while new events are said, is dropped by whoever has it', async () => {
  await using stage = await openStage('family 14, republished')
  const process = await begun(stage)
  await stage.settled()
  const [{ head } = { head: 0 }] = await stage.query<{ head: number }>('select head::int from task_tracker.stream')
  const saying = Array.from({ length: 12 }, () => {
    const from = stage.draw(1, head)
    return stage.operate(process, 'task-tracker', 'Republish', { from, to: stage.draw(from, head + 5) })
  })
  const all = [1, 2].map(() => stage.operate(process, 'task-tracker', 'Republish', { from: 1, to: head }))
  await Promise.all([...saying, ...all, stage.traffic(process, 20)])
  await stage.recovers(process)
  await stage.audit()
  if (stage.ground.broker) {
    const copies = (await stage.copies(1)).slice(0, head)
    assert.equal(copies.filter((times) => times > all.length).length, head, copies.join())
  }
  await process.stop()
})
