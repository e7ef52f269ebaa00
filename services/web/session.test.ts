// Whose session a request carries, and for how long the answer is believed.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { localBus } from '../../adapters/bus/local.ts'
import { Fault, ok } from '../../kernel/result.ts'
import type { EventBatch } from '../../kernel/stream.ts'
import { identity } from '../identity/contract.ts'
import { followPeople } from './service.ts'
import { forgetSession, forgetSessionsOf, sessionOf, type SessionDeps } from './session.ts'
import { addPerson, emptyWorld, fakeCaller } from './web.test-support.ts'

const requestWith = (cookie: string): Request => new Request('http://ates.test/', { headers: { cookie } })

const scene = (replaced: Parameters<typeof fakeCaller>[1] = {}) => {
  const world = emptyWorld()
  const anna = addPerson(world, 'Anna Kakadu', 'popug')
  const boris = addPerson(world, 'Boris Ara', 'manager')
  const deps: SessionDeps = { call: fakeCaller(world, replaced), secure: false, now: () => world.now }
  const later = (ms: number) => (world.now = new Date(world.now.getTime() + ms))
  const asked = () => world.calls.filter(({ method }) => method === 'GetSession').length
  return { world, anna, boris, deps, later, asked }
}

describe('a session', () => {
  test('tells who asks, under the service role of this application', async () => {
    const { deps, anna, world } = scene()
    const signedIn = await sessionOf(deps, requestWith('theme=dark; ates_session=session-1; x=y'))
    assert.deepEqual(signedIn, { person: anna, actor: { id: anna.popugId, role: 'popug' } })
    assert.deepEqual(world.calls[0]?.behalf.actor, { id: null, role: 'service' })
  })

  test('is nobody without a cookie, with an unknown or a damaged one', async () => {
    const { deps } = scene()
    for (const cookie of [
      '',
      'ates_session=',
      'ates_session=unknown',
      'ates_session=%ff',
      'xates_session=session-1',
      `ates_session=${'s'.repeat(700)}`,
    ]) {
      assert.equal(await sessionOf(deps, requestWith(cookie)), null, cookie)
    }
  })

  test('is read from the __Host- cookie only, when served under TLS', async () => {
    const { deps } = scene()
    const secure = { ...deps, secure: true }
    assert.equal(await sessionOf(secure, requestWith('ates_session=session-1')), null)
    assert.equal((await sessionOf(secure, requestWith('__Host-ates_session=session-1')))?.actor.id, 1)
  })

  test('is nobody when the person is disabled', async () => {
    const { deps, world } = scene()
    world.people[0] = { ...world.people[0]!, active: false }
    assert.equal(await sessionOf(deps, requestWith('ates_session=session-1')), null)
  })
})

/** What identity says when a person has changed. */
const changeOf = (popugId: number): EventBatch => ({
  stream: 'identity',
  epoch: 1,
  head: 1,
  predecessor: null,
  events: [
    {
      number: 1,
      eventId: crypto.randomUUID(),
      type: identity.popugChanged.name,
      version: 1,
      about: String(popugId),
      data: {},
      at: '2026-03-14T12:00:00Z',
      requestId: 'request',
      actor: 4,
    },
  ],
})

describe('the cache of sessions', () => {
  test('asks identity once a second, also for many requests at once', async () => {
    const { deps, later, asked } = scene()
    await Promise.all(Array.from({ length: 20 }, () => sessionOf(deps, requestWith('ates_session=session-1'))))
    later(999)
    await sessionOf(deps, requestWith('ates_session=session-1'))
    assert.equal(asked(), 1)
    later(1)
    await sessionOf(deps, requestWith('ates_session=session-1'))
    assert.equal(asked(), 2)
  })

  test('keeps no answer for ever when the clock goes back', async () => {
    const { deps, later, asked } = scene()
    await sessionOf(deps, requestWith('ates_session=session-1'))
    later(-3_600_000)
    await sessionOf(deps, requestWith('ates_session=session-1'))
    assert.equal(asked(), 2)
  })

  test('forgets a person or a token at once, and only these', async () => {
    const { deps, anna, boris, asked } = scene()
    const both = () =>
      Promise.all(['session-1', 'session-2'].map((token) => sessionOf(deps, requestWith(`ates_session=${token}`))))
    await both()
    forgetSessionsOf(deps, anna.popugId)
    await both()
    assert.equal(asked(), 3)
    forgetSession(deps, `session-${boris.popugId}`)
    await both()
    assert.equal(asked(), 4)
  })

  test('forgets a person in every process as soon as identity says that they changed', async () => {
    const bus = localBus()
    const processes = [scene(), scene()]
    const ends = await Promise.all(processes.map(({ deps }) => followPeople(bus, deps)))
    const roles = () =>
      Promise.all(
        processes.map(async ({ deps }) => (await sessionOf(deps, requestWith('ates_session=session-1')))?.actor.role),
      )
    assert.deepEqual(await roles(), ['popug', 'popug'])
    for (const { world } of processes) world.people[0] = { ...world.people[0]!, role: 'manager' }
    assert.deepEqual(await roles(), ['popug', 'popug'])
    await bus.publish(changeOf(2))
    assert.deepEqual(await roles(), ['popug', 'popug'])
    await bus.publish(changeOf(1))
    assert.deepEqual(await roles(), ['manager', 'manager'])
    for (const end of ends) await end()
  })

  test('keeps no fault', async () => {
    let isDown = true
    const person = {
      popugId: 1,
      name: 'Anna',
      email: 'a@b.cc',
      role: 'popug',
      active: true,
      createdAt: '2026-01-01T00:00:00Z',
    } as const
    const { deps } = scene({
      getSession: () => {
        if (isDown) throw new Fault('unavailable', 'identity')
        return ok({ person })
      },
    })
    await assert.rejects(sessionOf(deps, requestWith('ates_session=session-1')), Fault)
    isDown = false
    assert.equal((await sessionOf(deps, requestWith('ates_session=session-1')))?.actor.id, 1)
  })

  test('is bounded', async () => {
    const { deps, asked } = scene()
    for (let i = 0; i < 10_001; i++) await sessionOf(deps, requestWith(`ates_session=unknown-${i}`))
    await sessionOf(deps, requestWith('ates_session=unknown-10000'))
    assert.equal(asked(), 10_001, 'the newest is kept')
    await sessionOf(deps, requestWith('ates_session=unknown-0'))
    assert.equal(asked(), 10_002, 'the oldest is not')
  })
})
