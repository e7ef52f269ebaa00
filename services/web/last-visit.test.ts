// When somebody was here before: visits are told apart by absence and by sign-in, for each person of a browser.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { beginVisit, lookAgain, visitsCookieName } from './last-visit.ts'

const minute = (number: number) => new Date(Date.UTC(2026, 2, 14, 12, number))

/** A browser that keeps the one cookie. */
const browser = (kept = '') => {
  const lookOf = (popugId: number, now: Date) => ({
    request: new Request('http://ates.test/', { headers: { cookie: `${visitsCookieName}=${kept}` } }),
    popugId,
    now,
    secure: true,
  })
  const keep = (cookie: string) => {
    assert.match(cookie, /; HttpOnly; SameSite=Lax; Secure$/)
    kept = /=([^;]*)/.exec(cookie)?.[1] ?? ''
  }
  return {
    looks: (popugId: number, at: number) => {
      const { since, cookie } = lookAgain(lookOf(popugId, minute(at)))
      keep(cookie)
      return since
    },
    signsIn: (popugId: number, at: number) => keep(beginVisit(lookOf(popugId, minute(at)))),
    kept: () => kept,
  }
}

describe('the last visit', () => {
  test('of somebody who comes for the first time was never', () => {
    const { looks, signsIn } = browser()
    signsIn(7, 0)
    assert.equal(looks(7, 1), null)
    assert.equal(looks(7, 10), null)
  })

  test('ended with its last look, and stays what it was for the whole of this one', () => {
    const { looks } = browser()
    looks(7, 0)
    looks(7, 12)
    for (const at of [40, 54, 60]) assert.deepEqual(looks(7, at), minute(12), String(at))
    assert.deepEqual(looks(7, 76), minute(60))
  })

  test('has ended when one signs in again, however soon', () => {
    const { looks, signsIn } = browser()
    signsIn(7, 0)
    looks(7, 1)
    signsIn(7, 2)
    assert.deepEqual(looks(7, 3), minute(1))
  })

  test('is that of the person and not of the browser, which remembers eight', () => {
    const { looks, signsIn, kept } = browser()
    looks(1, 0)
    signsIn(2, 5)
    assert.equal(looks(2, 6), null)
    assert.deepEqual(looks(1, 30), minute(0))
    for (let popugId = 2_147_483_640; popugId < 2_147_483_647; popugId += 1) looks(popugId, 31)
    assert.deepEqual(looks(1, 32), minute(0))
    looks(9, 33)
    assert.equal(looks(2, 59), null, 'the one who came least lately is forgotten')
    assert.ok(kept().length <= 400, `${kept().length} characters`)
  })

  test('is none where the cookie is not ours', () => {
    for (const kept of ['', 'x', '7-1', '7--1', '1-zzzzzzz-zzzzzzzz', '.'.repeat(4_000), '%00', '__proto__-1-1'])
      assert.equal(browser(kept).looks(7, 0), null, kept.slice(0, 20))
  })
})
