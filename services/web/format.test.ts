// How amounts, moments and durations read, in each language and time zone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatsOf } from './format.ts'

const now = new Date('2026-03-14T23:30:00Z')
const plainSpaces = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ')

test('money is exact, and its sign is a true minus', () => {
  const [en, ru] = [formatsOf('en', 'UTC', now), formatsOf('ru', 'UTC', now)]
  assert.equal(en.money(123_456), '$1,234.56')
  assert.equal(en.money(-5), '−$0.05')
  assert.equal(en.signedMoney(2_000), '+$20.00')
  assert.equal(en.signedMoney(0), '$0.00')
  assert.equal(en.money(9_007_199_254_740_991), '$90,071,992,547,409.91')
  assert.equal(plainSpaces(ru.money(-123_456)), '−1 234,56 $')
  assert.equal(plainSpaces(ru.signedMoney(1_050)), '+10,50 $')
})

test('moments are shown in the business time zone', () => {
  const [utc, riga] = [formatsOf('en', 'UTC', now), formatsOf('en', 'Europe/Riga', now)]
  assert.equal(utc.time('2026-03-14T22:15:00Z'), '22:15')
  assert.equal(riga.time('2026-03-14T22:15:00Z'), '00:15')
  assert.equal(utc.moment('2026-03-14T22:15:00Z'), '14 Mar, 22:15')
  assert.equal(riga.moment('2026-03-14T22:15:00Z'), '15 Mar, 00:15')
  assert.equal(utc.moment('2025-12-31T12:00:00Z'), '31 Dec 2025')
})

test('an accounting day is that day in any zone', () => {
  for (const zone of ['UTC', 'Pacific/Kiritimati', 'America/Los_Angeles']) {
    assert.equal(formatsOf('en', zone, now).day('2026-03-14'), 'Saturday 14 March')
    assert.equal(formatsOf('ru', zone, now).day('2026-03-14'), 'суббота, 14 марта')
  }
})

test('how long it took is said in the unit that fits', () => {
  const { span } = formatsOf('en', 'UTC', now)
  assert.equal(span('2026-03-14T10:00:00Z', '2026-03-14T10:00:00.020Z'), '0.1 secs')
  assert.equal(span('2026-03-14T10:00:00Z', '2026-03-14T10:00:14.600Z'), '14.6 secs')
  assert.equal(span('2026-03-14T10:00:00Z', '2026-03-14T10:05:00Z'), '5 mins')
})
