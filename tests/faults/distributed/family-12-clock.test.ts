// Family 12: the clocks of databases are set an hour forward or back; days change, also those of 23 and of 25 hours.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deployment } from './deployment.ts'
import { amidTraffic, healthy, recovers } from './recovery.ts'
import { serversGround } from './servers-ground.ts'

const hourMs = 3_600_000
const timeZone = 'Europe/Berlin'

/** Borders between days in Berlin, where 29 March has 23 hours and 25 October has 25. Each with the day that begins. */
const borders = [
  ['2026-03-28T23:00:00Z', '2026-03-29'],
  ['2026-03-29T22:00:00Z', '2026-03-30'],
  ['2026-10-24T22:00:00Z', '2026-10-25'],
  ['2026-10-25T23:00:00Z', '2026-10-26'],
] as const

/** Clocks go forward and back at these moments, and no day begins. */
const changes = ['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z'] as const

const before = (moment: string, ms: number): string => new Date(Date.parse(moment) - ms).toISOString()

test('whatever the clocks of databases say, events are booked once, and on the day it is where the company is', async (t) => {
  const ground = await serversGround({ task_tracker: { ownClock: true }, accounting: { ownClock: true } })
  const { task_tracker: tracker, accounting } = ground.servers
  const set = async (moment: string) => {
    const shiftMs = Date.parse(moment) - Date.now()
    await Promise.all([tracker.clock.shift(shiftMs), accounting.clock.shift(shiftMs)])
  }
  await set(before(borders[0][0], hourMs))
  await using deployment = await Deployment.on(ground, 'family 12', { settings: { ATES_TIME_ZONE: timeZone } })
  const { stage } = deployment

  await t.test('over midnights, and days of 23 and of 25 hours', async () => {
    const openDay = async () => {
      const [row] = await stage.query<{ day: string }>('select day::text from accounting.ledger')
      return row?.day
    }
    const over = async (moment: string) => {
      for (const ms of [hourMs, stage.draw(300, 1_500)]) {
        await set(before(moment, ms))
        await stage.traffic(deployment, 10)
        await recovers(deployment)
      }
    }
    for (const [border, day] of borders) {
      for (const change of changes.filter((one) => one < border && one > before(border, 24 * hourMs)))
        await over(change)
      await over(border)
      await stage.until(`${day} is open`, async () => {
        await stage.traffic(deployment, 2)
        return (await openDay()) === day
      })
    }
    // Set back to the day before, which is over.
    await set(before(borders[3][0], hourMs))
    await stage.traffic(deployment, 20)
    await recovers(deployment)
    assert.equal(await openDay(), '2026-10-26')
    await stage.audit()

    const begun = await stage.query<{ day: string }>(
      'select day::text from accounting.accounting_day order by from_number, day',
    )
    const days = begun.map(({ day }) => day)
    assert.deepEqual(days, ['2026-03-28', '2026-03-29', '2026-03-30', '2026-10-24', '2026-10-25', '2026-10-26'])
    const booked = await stage.query<{ day: string }>('select distinct day::text from accounting.posting order by 1')
    assert.deepEqual(
      booked.map(({ day }) => day),
      days,
    )
    const early = await stage.query(
      `select p.number, p.day::text, e.at from accounting.posting p join task_tracker.event e on e.number = p.number
       where p.day < (e.at at time zone $1)::date`,
      [timeZone],
    )
    assert.deepEqual(early, [], 'events were booked on a day before they happened')
  })

  await Promise.all([tracker.clock.shift(0), accounting.clock.shift(0)])
  const steps = {
    'both forward': [1, 1],
    'the ledger back': [1, 0],
    'the task tracker back, the ledger forward': [0, 1],
    'the ledger two hours back': [0, -1],
    'both back': [-1, -2],
    'both right again': [0, 0],
  } as const
  for (const [which, [ofTracker, ofLedger]] of Object.entries(steps)) {
    await t.test(which, async () => {
      const order = stage.clients.create()
      await stage.insist(() => deployment, order)
      await amidTraffic(deployment, 40, async () => {
        await Promise.all([tracker.clock.shift(ofTracker * hourMs), accounting.clock.shift(ofLedger * hourMs)])
      })
      await recovers(deployment)
      // Whoever asks again with the same key gets the same answer, whatever the time.
      await stage.insist(() => deployment, order)
      await stage.audit()
    })
  }
  await t.test('back, and those who held leases die, whose end is an hour ahead by then', async () => {
    await accounting.clock.shift(-hourMs)
    for (const part of deployment.of('accounting')) await part.process.kill()
    for (const part of deployment.of('accounting')) await part.start()
    await recovers(deployment)
    await stage.audit()
  })
  await healthy(deployment)
})
