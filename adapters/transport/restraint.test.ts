// What keeps a caller from making an outage worse: breaker, budget for retries, places (family 17 of the faults to
// survive), over real HTTP.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Aviary, startAviary } from '../../tests/support/aviary.ts'
import { caller } from '../../kernel/caller.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { parrots } from '../../tests/support/parrots.ts'
import { type ParrotsServer, serveParrots } from '../../tests/support/parrots-server.ts'
import { faithful, startTrouble, unavailable } from '../../tests/support/trouble.ts'
import { as, endOf, gate, keyed, many, noBreaker, startTroubled, type Troubled } from '../../tests/support/troubled.ts'
import { httpTransport } from './http-client.ts'
import type { ResilienceOptions } from './resilience.ts'

describe('a caller', () => {
  let aviary: Aviary
  let server: ParrotsServer
  before(async () => {
    aviary = await startAviary()
    server = await serveParrots(aviary.execute)
  })
  beforeEach(() => aviary.clear())
  after(async () => {
    await server.close()
    await aviary[Symbol.asyncDispose]()
  })
  const troubled = (how: ResilienceOptions = {}) => startTroubled(server, how)

  describe('with a breaker', () => {
    const quick: ResilienceOptions = { openMs: 50, windowMs: 1_000, attempts: 1 }
    const openBreaker = async (way: Troubled) => {
      way.trouble.rule = unavailable
      await eventually('an open breaker', async () => {
        await way.feed()
        return way.transport.breakers()['parrots'] === 'open'
      })
    }

    test('leaves a failing service alone: unavailable at once, without a request', async () => {
      await using way = await troubled({ ...quick, openMs: 60_000 })
      assert.equal(way.transport.breakers()['parrots'], 'closed')
      await openBreaker(way)
      const sent = way.trouble.requests
      const ends = await Promise.all(many(50, () => way.list()))
      assert.deepEqual([new Set(ends), way.trouble.requests - sent], [new Set(['unavailable']), 0])
    })

    test('does not open for refusals, nor for less than half of the calls', async () => {
      await using way = await troubled({ ...quick, windowMs: 60_000 })
      way.trouble.rule = (exchange) => (exchange.before % 3 === 2 ? unavailable : faithful)(exchange)
      for (let n = 0; n < 30; n += 1)
        await way.call(parrots.feed, { parrotId: 1, food: 'enough' }, as()).catch(() => null)
      assert.deepEqual([way.transport.breakers()['parrots'], way.trouble.requests], ['closed', 30])
    })

    test('lets one probe through when it is half open, and all the others when the probe came back', async () => {
      await using way = await troubled(quick)
      await openBreaker(way)
      const { opened, open } = gate()
      const { promise: reached, resolve: reach } = Promise.withResolvers<string>()
      const sent = way.trouble.requests
      way.trouble.rule = async (exchange) => {
        reach('reached')
        await opened
        return faithful(exchange)
      }
      const early: Promise<string>[] = []
      await eventually('a probe', async () => {
        early.push(...many(20, () => way.feed()))
        return (await Promise.race([reached, ...early.slice(-20)])) === 'reached'
      })
      assert.equal(way.transport.breakers()['parrots'], 'half-open')
      const later = many(20, () => way.feed())
      assert.equal(await way.list(as({ timeoutMs: 100 })), 'deadline')
      assert.equal(way.trouble.requests, sent + 1)
      open()
      assert.deepEqual(
        await Promise.all(later),
        many(20, () => 'ok'),
      )
      assert.equal(way.transport.breakers()['parrots'], 'closed')
      const served = (await Promise.all(early)).filter((end) => end === 'ok').length
      assert.equal(way.trouble.requests, sent + served + later.length)
    })

    test('stays open when the probe fails, and closes when the service is well', async () => {
      await using way = await troubled(quick)
      await openBreaker(way)
      const sent = way.trouble.requests
      await eventually('a probe', async () => (await way.list(), way.trouble.requests > sent))
      assert.equal(way.transport.breakers()['parrots'], 'open')
      way.trouble.rule = faithful
      await eventually('an answer', async () => (await way.list()) === 'ok')
      assert.equal(way.transport.breakers()['parrots'], 'closed')
    })

    test('closes it by itself when the service is ready again, though nobody calls', async () => {
      await using way = await startTroubled(server, { ...quick, openMs: 1 }, 5)
      await openBreaker(way)
      const asked = way.trouble.requests
      await eventually('the service to be asked', () => way.trouble.requests > asked + 2)
      assert.notEqual(way.transport.breakers()['parrots'], 'closed')
      way.trouble.rule = faithful
      await eventually('a closed breaker', () => way.transport.breakers()['parrots'] === 'closed')
      const known = way.trouble.requests
      assert.equal(await way.list(), 'ok')
      assert.equal(way.trouble.requests, known + 1)
    })

    test('leaves it open when the service that is asked gives no answer at all', async () => {
      await using way = await startTroubled(server, { ...quick, openMs: 1 }, 5)
      await openBreaker(way)
      const asked = way.trouble.requests
      way.trouble.rule = ({ request }) => void request.socket.destroy()
      await eventually('the service to be asked', () => way.trouble.requests > asked + 2)
      assert.notEqual(way.transport.breakers()['parrots'], 'closed')
    })

    test('still knows what the service published while it is open', async () => {
      await using way = await troubled({ ...quick, openMs: 60_000 })
      await openBreaker(way)
      await way.trouble.away()
      assert.equal(
        (await way.transport.published('parrots')).routes.some(({ name }) => name === 'Feed'),
        true,
      )
    })

    test('has one for each service: the trouble of one is not the trouble of another', async () => {
      await using ill = await startTrouble(server.url)
      await using well = await startTrouble(server.url)
      const transport = httpTransport({
        addresses: { ill: ill.url, parrots: well.url },
        tokens: server.tokens,
        resilience: quick,
      })
      const call = caller(transport)
      ill.rule = unavailable
      const hush = (service: string) => endOf(call({ ...parrots.hush, service }, { parrotId: 1 }, as()))
      await eventually('an open breaker', async () => (await hush('ill'), transport.breakers()['ill'] === 'open'))
      assert.deepEqual([await hush('ill'), await hush('parrots')], ['unavailable', 'ok'])
      assert.deepEqual(transport.breakers(), { ill: 'open', parrots: 'closed' })
    })
  })

  describe('with a budget for retries', () => {
    test('sends at most a tenth more than there are calls, and ten, into an outage', async () => {
      await using way = await troubled(noBreaker)
      way.trouble.rule = unavailable
      const ends = await Promise.all(many(200, () => way.hush()))
      assert.deepEqual(new Set(ends), new Set(['unavailable']))
      const { requests } = way.trouble
      assert.ok(requests > 205 && requests <= 200 + 10 + 20, `${requests} requests`)
    })

    test('sends one call three times at most', async () => {
      await using way = await troubled(noBreaker)
      way.trouble.rule = unavailable
      assert.deepEqual([await way.hush(), way.trouble.requests], ['unavailable', 3])
    })

    test('earns retries back by calls that go well', async () => {
      await using way = await troubled(noBreaker)
      way.trouble.rule = unavailable
      await Promise.all(many(20, () => way.hush()))
      way.trouble.rule = faithful
      for (let n = 0; n < 30; n += 1) await way.hush()
      const sent = way.trouble.requests
      way.trouble.rule = (exchange) => (exchange.before === sent ? unavailable : faithful)(exchange)
      assert.deepEqual([await way.hush(), way.trouble.requests - sent], ['ok', 2])
    })
  })

  describe('with places for so many calls', () => {
    test('is refused at once when all are taken and the queue is full, and the others are served in time', async () => {
      await using way = await troubled({ ...noBreaker, parallel: 2, waiting: 2 })
      const { opened, open } = gate()
      way.trouble.rule = (exchange) => opened.then(() => faithful(exchange))
      const served = many(4, () => way.feed())
      await eventually('two requests', () => way.trouble.requests === 2)
      assert.equal(await way.feed(), 'unavailable')
      assert.equal(way.trouble.requests, 2)
      open()
      assert.deepEqual(await Promise.all(served), ['ok', 'ok', 'ok', 'ok'])
    })

    test('waits for a place until its deadline only, and is then not sent any more', async () => {
      await using way = await troubled({ ...noBreaker, parallel: 1, waiting: 5 })
      const { opened, open } = gate()
      way.trouble.rule = (exchange) => opened.then(() => faithful(exchange))
      const first = way.feed()
      await eventually('one request', () => way.trouble.requests === 1)
      assert.equal(await way.feed(keyed({ timeoutMs: 150 })), 'deadline')
      open()
      assert.equal(await first, 'ok')
      assert.equal(await way.list(), 'ok')
      assert.deepEqual([way.trouble.requests, (await aviary.traces()).meals], [2, 1])
    })
  })
})
