// Family 19: one account in every entry, accounts that two use first at once, a business key with other content.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { numbersOf, plantTasks, sayForged } from './planting.ts'
import { openStage, type Stage } from './stage.ts'

test('one popug may be in every entry', async () => {
  await using stage = await openStage('family 19, one account')
  const process = await stage.start()
  await stage.invite(process, 'manager', 'popug')
  const planted = await plantTasks(stage, 300)
  planted()
  await Promise.all([
    stage.traffic(process, 60, 6),
    stage.insist(() => process, stage.clients.order('AssignTasks', stage.clients.manager())),
  ])
  await stage.audit()
  const accounts = await stage.query('select id from accounting.account order by id')
  assert.deepEqual(accounts, [{ id: 'company:tasks' }, { id: 'popug:2' }])
  await process.stop()
})

test('accounts may be used for the first time by two at once', async () => {
  await using stage = await openStage('family 19, first use')
  const [one, other] = [await stage.start(), await stage.start()]
  await stage.invite(one, 'manager', ...Array.from({ length: 12 }, () => 'popug'))
  const [manager, popugs] = [stage.clients.manager(), stage.people.filter(({ role }) => role === 'popug')]
  await Promise.all(
    popugs.flatMap(({ id: popugId }) =>
      [one, other].map((process) => {
        const order = stage.clients.order('CreateTask', manager)
        return stage.send(process, { ...order, input: { description: order.request, popugId } })
      }),
    ),
  )
  await stage.recovers(one)
  await stage.audit()
  const [accounts] = await stage.query('select count(*)::int as count from accounting.account')
  assert.equal(accounts?.['count'], 13)
  await Promise.all([one.stop(), other.stop()])
})

/** Somebody says again what the ledger has booked, as it was and with another popug. */
const sayAgain = async (stage: Stage, kind: 'fee' | 'reward', type: string): Promise<string[]> => {
  const [booked] = await stage.query<{ taskId: number; popugId: number; assignment: number | null }>(
    `select task_id as "taskId", popug_id as "popugId", assignment from accounting.posting where kind = '${kind}' limit 1`,
  )
  assert.ok(booked)
  return sayForged(stage, [
    { type, data: booked },
    { type, data: { ...booked, popugId: booked.popugId + 1 } },
  ])
}

test('a business key that comes again with other content is parked, and with the same content is nothing new', async () => {
  await using stage = await openStage('family 19, same key')
  const process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  await stage.traffic(process, 40)
  await stage.settled()
  const ids = [...(await sayAgain(stage, 'fee', 'TaskAssigned')), ...(await sayAgain(stage, 'reward', 'TaskCompleted'))]
  await stage.traffic(process, 20)
  await stage.settled()
  const [sameFee = 0, otherFee = 0, sameReward = 0, otherReward = 0] = await numbersOf(stage, ids)
  const expected = { parked: [otherFee, otherReward], ignored: [sameFee, sameReward] }
  await stage.audit(expected)
  assert.match(await stage.retryParked(process, otherFee), /the ledger says otherwise/)
  await stage.discardParked(process, otherReward)
  await stage.recovers(process)
  await stage.audit(expected)
  await process.stop()
})
