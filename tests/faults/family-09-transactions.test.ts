// Family 9: long and idle transactions, ids that a rollback took along, and savepoints.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStage, type Stage } from './stage.ts'
import { plantTasks } from './planting.ts'

const begun = async (stage: Stage) => {
  const process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug', 'popug')
  await stage.traffic(process, 20)
  return process
}

test('transactions that stay open here or in another database keep no event from the ledger', async () => {
  await using stage = await openStage('family 9, long')
  const process = await begun(stage)
  await using here = await stage.ground.connect()
  await using elsewhere = await stage.ground.connect({ ...stage.ground.database.adminConnection, database: 'postgres' })
  await here.query('begin isolation level repeatable read; select count(*) from task_tracker.outbox')
  await elsewhere.query('begin isolation level serializable; select pg_current_xact_id()')
  await stage.traffic(process, 40)
  await stage.audit()
  await stage.traffic(process, 20)
  await Promise.all([here.query('commit'), elsewhere.query('rollback')])
  await stage.recovers(process)
  await stage.audit()
  await process.stop()
})

test('events with lower ids that are committed late come after those that were committed before', async () => {
  await using stage = await openStage('family 9, late')
  const process = await begun(stage)
  for (let round = 0; round < 3; round += 1) {
    await using late = await stage.ground.connect()
    await late.query('begin')
    const committed = await plantTasks(stage, stage.draw(1, 5), late)
    await stage.traffic(process, 15)
    await stage.audit()
    await late.query('commit')
    committed()
    await stage.recovers(process)
    await stage.audit()
  }
  await process.stop()
})

test('what is rolled back, wholly or to a savepoint, leaves holes in the ids and none in the numbers', async () => {
  await using stage = await openStage('family 9, holes')
  const process = await begun(stage)
  await using hand = await stage.ground.connect()
  for (let round = 0; round < 5; round += 1) {
    await hand.query('begin')
    await plantTasks(stage, stage.draw(1, 5), hand)
    await hand.query('rollback')
    await hand.query('begin')
    const first = await plantTasks(stage, stage.draw(1, 3), hand)
    await hand.query('savepoint half')
    await plantTasks(stage, stage.draw(1, 5), hand)
    await stage.traffic(process, 4)
    await hand.query('rollback to savepoint half')
    const last = await plantTasks(stage, stage.draw(1, 3), hand)
    await hand.query('commit')
    first()
    last()
    await stage.recovers(process)
  }
  await stage.audit()
  await process.stop()
})

test('a session of ours that idles in its transaction loses it, and with it the lock that all wait for', async () => {
  await using stage = await openStage('family 9, idle')
  const process = await begun(stage)
  for (const [schema, table] of [
    ['task_tracker', 'stream'],
    ['accounting', 'position'],
  ] as const) {
    await using idle = await stage.ground.connect(stage.ground.database.connection(schema))
    await idle.query('begin')
    await idle.query(`select from ${schema}.${table} for update`)
    await stage.traffic(process, 20)
    await stage.audit()
    await assert.rejects(idle.query('commit'))
    await stage.recovers(process)
    await stage.audit()
  }
  await process.stop()
})
