// The balance at any line of an account, from the sums of days, is that of its lines one by one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { migrate } from '../../kernel/migrations.ts'
import { seededRandom, seedOf } from '../../tests/support/random.ts'
import { freshDatabase } from '../../tests/support/server.ts'
import { migrations } from './migrations.ts'
import { sumFrom } from './store/lines.ts'

const popugId = 7
const dayOf = (index: number): string => `2026-05-${String(index + 1).padStart(2, '0')}`

interface Line {
  readonly epoch: number
  readonly number: number
  readonly cents: number
  readonly day: number
  readonly late: boolean
}

test('what comes from an event on is summed over borders of days and epochs, with what was booked late', async () => {
  await using server = await freshDatabase(['accounting'])
  const database = server.open('accounting', { connections: 1 })
  await migrate(database, migrations)
  const random = seededRandom(seedOf('sums of accounts'))
  const lines: Line[] = []
  const begins: { epoch: number; number: number; day: number }[] = []
  let day = -1
  for (const { epoch, from, to } of [
    { epoch: 1, from: 1, to: 60 },
    { epoch: 2, from: 41, to: 90 },
  ]) {
    for (let number = from; number <= to; number += 1) {
      // Two may begin at the same event, when nothing but late ones came on the first.
      const more = day < 0 ? 1 : random.integer(1, 6) === 1 ? random.integer(1, 2) : 0
      for (let begun = 0; begun < more; begun += 1) begins.push({ epoch, number, day: (day += 1) })
      if (random.integer(1, 4) > 1)
        lines.push({ epoch, number, cents: random.integer(-2_000, 4_000) || 1, day, late: false })
    }
  }
  const booked = lines.map((line) =>
    random.integer(1, 6) === 1 ? { ...line, late: true, day: random.integer(line.day, day) } : line,
  )
  const json = (rows: readonly object[]) => [JSON.stringify(rows)]
  await server.query(
    `insert into accounting.accounting_day (stream, epoch, from_number, day, opened_at)
     select 'task-tracker', epoch, number, date '2026-05-01' + day, now()
     from jsonb_to_recordset($1) as b(epoch int, number bigint, day int)`,
    json(begins),
  )
  await server.query(
    `with given as (
       select epoch, number, cents, date '2026-05-01' + day as day, late
       from jsonb_to_recordset($1) as l(epoch int, number bigint, cents bigint, day int, late boolean)
     ), posted as (
       insert into accounting.posting (stream, epoch, number, line, event_id, kind, task_id, assignment, popug_id,
         from_account, to_account, amount_cents, day, at)
       select 'task-tracker', epoch, number, 1, gen_random_uuid(), case when cents < 0 then 'fee' else 'reward' end,
         epoch * 1000 + number, case when cents < 0 then 1 end, ${popugId},
         case when cents < 0 then 'popug:${popugId}' else 'company:tasks' end,
         case when cents < 0 then 'company:tasks' else 'popug:${popugId}' end, abs(cents), day, now() from given
     ), late as (
       insert into accounting.late_booking (stream, epoch, number, day)
       select 'task-tracker', epoch, number, day from given where late
     )
     insert into accounting.account_day (account, day, in_cents, out_cents)
     select 'popug:${popugId}', day, sum(greatest(cents, 0)), sum(greatest(-cents, 0)) from given group by day`,
    json(booked),
  )
  for (const from of [...booked, { epoch: 1, number: 0 }, { epoch: 2, number: 200 }]) {
    const expected = booked
      .filter(({ epoch, number }) => epoch > from.epoch || (epoch === from.epoch && number >= from.number))
      .reduce((sum, { cents }) => sum + cents, 0)
    const sum = await database.transaction('sum', (tx) => sumFrom(tx, popugId, from))
    assert.equal(sum, expected, `from event ${from.epoch}.${from.number}, ${dayOf(day)} being the last day`)
  }
})
