// Family 7: connections are cut in the middle of transactions; the embedded database is killed with -9, with aTES or without.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplicationProcess } from './application-process.ts'
import { killDatabase, postmasterOf } from './embedded-database.ts'
import type { Ground } from './grounds.ts'
import { openEmbeddedStage, openStage, type Stage } from './stage.ts'

/** Commands are sent while `harm` is done somewhere among them. */
const harmAmid = async (stage: Stage<Ground>, process: ApplicationProcess, harm: () => Promise<void>) => {
  const traffic = stage.traffic(process, 60, 8)
  const moment = stage.journal.attempts.length + stage.draw(1, 40)
  await stage.until('some answers', async () => stage.journal.attempts.length >= moment)
  await harm()
  return traffic
}

const answers = ({ query }: Stage<Ground>): Promise<boolean> =>
  query('select').then(
    () => true,
    () => false,
  )

test('whatever is killed of aTES and its embedded database, the next start goes on with all that was committed', async (t) => {
  await using stage = await openEmbeddedStage('family 7, embedded')
  const { dataDir } = stage.ground
  let process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  await stage.traffic(process, 20)

  await t.test('aTES is killed over a step, and the next one takes over its database', async () => {
    const server = await postmasterOf(dataDir)
    process.arm({ step: 'apply.ledger', of: 'accounting', when: 'before', nth: stage.draw(1, 5), act: 'kill' })
    const open = await stage.traffic(process, 60, 8)
    await process.killed()
    process = await stage.start()
    await stage.recovers(process)
    assert.equal(await postmasterOf(dataDir), server, 'the database was not taken over')
    for (const order of open) await stage.insist(() => process, order)
    await stage.audit()
  })

  await t.test('the database is killed with all its sessions, and aTES starts it again', async () => {
    const server = await postmasterOf(dataDir)
    const open = await harmAmid(stage, process, () => killDatabase(dataDir))
    await stage.until('there is another server', async () => ![0, server].includes(await postmasterOf(dataDir)))
    await stage.until('it answers', () => answers(stage))
    await stage.recovers(process)
    for (const order of open) await stage.insist(() => process, order)
    await stage.audit()
    assert.ok(process.isAlive)
  })

  await t.test('both are killed at once', async () => {
    const open = await harmAmid(stage, process, async () => {
      process.signal('SIGKILL')
      await killDatabase(dataDir)
    })
    process = await stage.start()
    await stage.recovers(process)
    for (const order of open) await stage.insist(() => process, order)
    await stage.audit()
  })
  await process.stop()
  assert.equal(await postmasterOf(dataDir), 0, 'the database was left behind')
})

const cutAll = `
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and usename like 'ates%'`

test('connections that are cut at any moment take nothing with them that was committed', async () => {
  await using stage = await openStage('family 7, cut')
  const process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  for (let round = 0; round < 6; round += 1) {
    const open = await harmAmid(stage, process, async () => void (await stage.query(cutAll)))
    await stage.recovers(process)
    for (const order of open) await stage.insist(() => process, order)
  }
  await stage.audit()
  await process.stop()
})
