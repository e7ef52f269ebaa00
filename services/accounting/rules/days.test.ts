// Accounting days: the business time zone decides the date, and days only go forward.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seedOf } from '../../../tests/support/random.ts'
import { businessDay, dayBegins, daysUpTo } from './days.ts'

const dates: readonly (readonly [zone: string, moment: string, day: string, why: string])[] = [
  ['UTC', '2026-05-01T23:59:59.999Z', '2026-05-01', 'the last millisecond'],
  ['UTC', '2026-05-02T00:00:00.000Z', '2026-05-02', 'midnight begins the day'],
  ['UTC', '2025-12-31T23:59:59.999Z', '2025-12-31', 'the end of a year'],
  ['UTC', '2028-02-29T12:00:00Z', '2028-02-29', 'a leap day'],
  ['UTC', '2100-03-01T00:00:00Z', '2100-03-01', 'no leap year'],
  ['UTC', '1969-12-31T23:59:59.999Z', '1969-12-31', 'before the epoch'],
  ['Europe/Berlin', '2026-03-28T22:59:59.999Z', '2026-03-28', 'the day before spring forward'],
  ['Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29', 'the day of 23 hours begins at UTC+1'],
  ['Europe/Berlin', '2026-03-29T00:59:59.999Z', '2026-03-29', 'before two o’clock, which does not exist'],
  ['Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-29', 'three o’clock'],
  ['Europe/Berlin', '2026-03-29T21:59:59.999Z', '2026-03-29', 'the day of 23 hours ends at UTC+2'],
  ['Europe/Berlin', '2026-03-29T22:00:00Z', '2026-03-30', 'the day after'],
  ['Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25', 'the day of 25 hours begins at UTC+2'],
  ['Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25', 'half past two, the first time'],
  ['Europe/Berlin', '2026-10-25T01:30:00Z', '2026-10-25', 'half past two, the second time'],
  ['Europe/Berlin', '2026-10-25T22:59:59.999Z', '2026-10-25', 'the day of 25 hours ends at UTC+1'],
  ['Europe/Berlin', '2026-10-25T23:00:00Z', '2026-10-26', 'the day after'],
  ['Europe/Berlin', '2026-12-31T23:00:00Z', '2027-01-01', 'the year begins an hour early'],
  ['Asia/Kolkata', '2026-05-01T18:29:59.999Z', '2026-05-01', 'half an hour off'],
  ['Asia/Kolkata', '2026-05-01T18:30:00Z', '2026-05-02', 'half an hour off'],
  ['Asia/Kathmandu', '2026-05-01T18:15:00Z', '2026-05-02', 'three quarters off'],
  ['Pacific/Kiritimati', '2025-12-31T09:59:59.999Z', '2025-12-31', 'UTC+14'],
  ['Pacific/Kiritimati', '2025-12-31T10:00:00Z', '2026-01-01', 'the first to have the new year'],
  ['Pacific/Niue', '2026-01-01T10:59:59.999Z', '2025-12-31', 'UTC-11'],
  ['America/New_York', '2026-01-01T04:59:59.999Z', '2025-12-31', 'the year ends five hours late'],
  ['America/New_York', '2026-01-01T05:00:00Z', '2026-01-01', 'the year ends five hours late'],
  ['America/Sao_Paulo', '2018-11-04T02:59:59.999Z', '2018-11-03', 'midnight does not exist'],
  ['America/Sao_Paulo', '2018-11-04T03:00:00Z', '2018-11-04', 'the day begins at one o’clock'],
  ['Pacific/Apia', '2011-12-30T09:59:59.999Z', '2011-12-29', 'before the day that was left out'],
  ['Pacific/Apia', '2011-12-30T10:00:00Z', '2011-12-31', 'after it'],
  ['America/St_Johns', '2010-11-07T02:30:30Z', '2010-11-07', 'a minute of the new day'],
  ['America/St_Johns', '2010-11-07T02:31:00Z', '2010-11-06', 'and the clock goes back to the old one'],
]

test('the business time zone decides the date of a moment', () => {
  for (const [zone, moment, day, why] of dates) {
    assert.equal(businessDay(new Date(moment), zone), day, `${zone}, ${moment}: ${why}`)
  }
})

test('another time zone than the business one has no say', () => {
  const before = process.env['TZ']
  for (const zone of ['Pacific/Kiritimati', 'Pacific/Niue']) {
    process.env['TZ'] = zone
    assert.equal(businessDay(new Date('2026-05-01T12:00:00Z'), 'UTC'), '2026-05-01', zone)
  }
  if (before === undefined) delete process.env['TZ']
  else process.env['TZ'] = before
})

test('an unknown time zone is a fault, not a date', () => {
  assert.throws(() => businessDay(new Date(0), 'Mars/Olympus'), RangeError)
})

test('a day begins when none is open or the clock is past the open one, never otherwise', () => {
  const cases = [
    { open: null, today: '2026-05-01', begins: true },
    { open: '2026-05-01', today: '2026-05-01', begins: false },
    { open: '2026-05-01', today: '2026-05-02', begins: true },
    { open: '2026-05-02', today: '2026-05-01', begins: false },
    { open: '2026-09-30', today: '2026-10-01', begins: true },
    { open: '2026-10-01', today: '2026-09-30', begins: false },
    { open: '2026-12-31', today: '2027-01-01', begins: true },
    { open: '2027-01-01', today: '2026-12-31', begins: false },
    { open: '0999-12-31', today: '1000-01-01', begins: true },
  ]
  for (const { open, today, begins } of cases) assert.equal(dayBegins(open, today), begins, `${open}, ${today}`)
})

const moments = fc.date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
const zones = fc.constantFrom(...new Set(dates.map(([zone]) => zone)))

test('days never go backward, whatever the clock does', () => {
  const property = fc.property(fc.array(moments, { minLength: 1 }), zones, (clock, zone) => {
    const opened: string[] = []
    for (const moment of clock) {
      const today = businessDay(moment, zone)
      const open = opened.at(-1) ?? null
      if (dayBegins(open, today)) opened.push(today)
      assert.ok((opened.at(-1) ?? '') >= today, 'nothing is booked before its own day')
    }
    assert.deepEqual(opened, [...new Set(opened)].toSorted(), 'each day begins once, after the one before')
  })
  fc.assert(property, { seed: seedOf('days'), numRuns: 300 })
})

test('the date is the one that a calendar of the zone shows', () => {
  const property = fc.property(moments, zones, (moment, zone) => {
    const shown = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' }).format(moment)
    assert.equal(businessDay(moment, zone), shown)
  })
  fc.assert(property, { seed: seedOf('days in zones'), numRuns: 300 })
})

test('days before a day are counted by the calendar', () => {
  assert.deepEqual(daysUpTo('2028-03-01', 2), ['2028-02-28', '2028-02-29', '2028-03-01'])
  assert.deepEqual(daysUpTo('2027-01-01', 1), ['2026-12-31', '2027-01-01'])
  assert.equal(daysUpTo('2026-05-01', 30).length, 31)
})
