// A called service that flaps, hangs, is slow or gone, or whose answer is lost (family 17 of the faults to survive), over
// real HTTP.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Aviary, startAviary } from '../../tests/support/aviary.ts'
import { caller } from '../../kernel/caller.ts'
import { Fault, must } from '../../kernel/result.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { parrots } from '../../tests/support/parrots.ts'
import { type ParrotsServer, serveParrots } from '../../tests/support/parrots-server.ts'
import {
  answering,
  faithful,
  hanging,
  losing,
  startTrouble,
  type Trouble,
  unavailable,
} from '../../tests/support/trouble.ts'
import { as, endOf, gate, keyed, many, noBreaker, startTroubled } from '../../tests/support/troubled.ts'
import { httpTransport } from './http-client.ts'
import { resilience, type ResilienceOptions } from './resilience.ts'

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

  describe('of a service that flaps', () => {
    const everySecond: Trouble['rule'] = (exchange) => (exchange.before % 2 === 0 ? faithful : unavailable)(exchange)

    test('gets its answer when the call may be repeated, by method or by key', async () => {
      await using way = await troubled()
      way.trouble.rule = everySecond
      const ends = [
        await way.hush(),
        await way.hush(),
        await way.list(),
        await way.feed(keyed()),
        await way.feed(keyed()),
      ]
      assert.deepEqual([ends, way.trouble.requests], [['ok', 'ok', 'ok', 'ok', 'ok'], 9])
      assert.equal((await aviary.traces()).meals, 2)
    })

    test('is told at once when the call may not be repeated, and sends it once', async () => {
      await using way = await troubled()
      way.trouble.rule = everySecond
      assert.deepEqual(
        await Promise.all([way.feed(), way.feed()]).then((ends) => new Set(ends)),
        new Set(['ok', 'unavailable']),
      )
      assert.equal(way.trouble.requests, 2)
    })

    test('takes a refusal for an answer, and does not repeat it', async () => {
      await using way = await troubled()
      const outcome = await way.call(parrots.feed, { parrotId: 1, food: 'enough' }, keyed())
      assert.deepEqual([outcome, way.trouble.requests], [{ refused: 'not_hungry' }, 1])
    })
  })

  describe('of a service that hangs', () => {
    test('waits until its own deadline and no longer', async () => {
      await using way = await troubled()
      way.trouble.rule = hanging
      const begun = performance.now()
      const ends = await Promise.all([
        way.list(as({ timeoutMs: 500 })),
        way.feed(as({ timeoutMs: 500 })),
        way.feed(keyed({ timeoutMs: 500 })),
      ])
      const tookMs = performance.now() - begun
      assert.deepEqual(ends, ['deadline', 'outcome_unknown', 'outcome_unknown'])
      assert.ok(tookMs > 490 && tookMs < 10_000, `took ${tookMs} ms`)
    })

    test('does not wait longer for its contract either', async () => {
      await using trouble = await startTrouble(server.url)
      const call = caller(httpTransport({ addresses: { parrots: trouble.url }, tokens: server.tokens }))
      trouble.contractRule = hanging
      const ends = await Promise.all(many(5, () => endOf(call(parrots.hush, { parrotId: 1 }, as({ timeoutMs: 300 })))))
      assert.deepEqual(new Set(ends), new Set(['deadline']))
      assert.ok(trouble.asked <= 1)
    })

    test('keeps to the contract that it knows, and asks seldom for a newer one', async () => {
      await using trouble = await startTrouble(server.url)
      const { tokens } = server
      const transport = httpTransport({ addresses: { parrots: trouble.url }, tokens, publishedMs: 60 })
      const hush = () => endOf(caller(transport)(parrots.hush, { parrotId: 1 }, as()))
      assert.equal(await hush(), 'ok')
      let givenUp = false
      const broken = [unavailable, answering(200, '<html>'), answering(200, '{"paths":{"/a":{"get":{}}}}')]
      const silent: Trouble['rule'] = ({ response }) => void response.on('close', () => (givenUp = true))
      for (const rule of [...broken, silent]) {
        const { asked } = trouble
        trouble.contractRule = rule
        await eventually('another look', async () => {
          assert.deepEqual(new Set(await Promise.all(many(10, hush))), new Set(['ok']))
          return trouble.asked > asked
        })
        assert.equal(trouble.asked, asked + 1)
      }
      assert.equal(givenUp, false, 'calls waited until the service was no longer asked for its contract')
    })

    test('passes on how long it still waits', async () => {
      await using way = await troubled()
      let left = ''
      way.trouble.rule = (exchange) => {
        left = String(exchange.request.headers['x-deadline-ms'])
        return faithful(exchange)
      }
      must(await way.call(parrots.listMeals, { parrotId: 1 }, as({ timeoutMs: 5_000 })))
      assert.ok(Number(left) > 1_000 && Number(left) <= 5_000, left)
    })
  })

  test('of a service that is slow gets its answer while there is time', async () => {
    await using way = await troubled()
    const { opened, open } = gate()
    way.trouble.rule = (exchange) =>
      exchange.before === 0 ? opened.then(() => faithful(exchange)) : faithful(exchange)
    const slow = way.feed()
    await eventually('the slow request', () => way.trouble.requests === 1)
    assert.deepEqual(
      await Promise.all(many(5, () => way.feed())),
      many(5, () => 'ok'),
    )
    open()
    assert.equal(await slow, 'ok')
    assert.equal((await aviary.traces()).meals, 6)
  })

  test('of a service that answers after the deadline has ended by then, and the late answer disturbs nobody', async () => {
    await using way = await troubled()
    const { opened, open } = gate()
    const answered = gate()
    way.trouble.rule = async (exchange) => {
      if (exchange.before > 0) return faithful(exchange)
      const { body } = await exchange.forward()
      await opened
      exchange.response.end(body)
      answered.open()
    }
    const late = keyed({ timeoutMs: 500 })
    assert.equal(await way.feed(late), 'outcome_unknown')
    open()
    await answered.opened
    assert.equal(await way.list(), 'ok')
    assert.equal(await way.feed({ ...late, timeoutMs: 5_000 }), 'ok')
    assert.equal((await aviary.traces()).meals, 1)
  })

  describe('whose answer is lost after the effect', () => {
    const losingFirst: Trouble['rule'] = (exchange) => (exchange.before === 0 ? losing : faithful)(exchange)

    test('repeats the call with its key: the first answer, one effect', async () => {
      await using way = await troubled()
      way.trouble.rule = losingFirst
      assert.equal(await way.feed(keyed()), 'ok')
      assert.deepEqual([way.trouble.requests, await aviary.traces()], [2, { meals: 1, events: 1, keys: 1 }])
    })

    test('repeats a method that is idempotent', async () => {
      await using way = await troubled()
      way.trouble.rule = losingFirst
      assert.equal(await way.hush(), 'ok')
      assert.equal(way.trouble.requests, 2)
    })

    test('does not repeat it without a key: the outcome is unknown, the effect is there once', async () => {
      await using way = await troubled()
      way.trouble.rule = losingFirst
      assert.equal(await way.feed(), 'outcome_unknown')
      assert.deepEqual([way.trouble.requests, await aviary.traces()], [1, { meals: 1, events: 1, keys: 0 }])
    })

    test('does not say that nothing happened when the repetition finds nobody there', async () => {
      for (const later of [unavailable, answering(500, '{"code":"internal"}')]) {
        await aviary.clear()
        await using way = await troubled(noBreaker)
        way.trouble.rule = (exchange) => (exchange.before === 0 ? losing : later)(exchange)
        assert.equal(await way.feed(keyed()), 'outcome_unknown')
        assert.deepEqual([way.trouble.requests, (await aviary.traces()).meals], [3, 1])
      }
      await aviary.clear()
      await using gone = await troubled(noBreaker)
      gone.trouble.rule = async (exchange) => {
        await exchange.forward()
        await gone.trouble.away()
      }
      assert.equal(await gone.feed(keyed()), 'outcome_unknown')
      assert.equal((await aviary.traces()).meals, 1)
    })

    test('does not say that nothing happened when its time ends while it waits to repeat', async () => {
      let sent = 0
      for (let tries = 0; tries < 30; tries += 1) {
        const before = sent
        const lost = () => Promise.reject(new Fault('outcome_unknown', `lost ${(sent += 1)}`))
        const call = { deadlineMs: performance.now() + 5, repeatable: true }
        // On a busy machine the time may be over before anything was sent.
        const end = endOf(resilience(noBreaker).run(lost, call))
        assert.equal(await end, sent > before ? 'outcome_unknown' : 'deadline')
      }
      assert.ok(sent > 0)
    })
  })

  test('of a service that is gone is told so at once, and served again when it is back', async () => {
    await using way = await troubled(noBreaker)
    await way.trouble.away()
    assert.deepEqual(
      [await way.feed(), await way.list(), await way.hush()],
      ['unavailable', 'unavailable', 'unavailable'],
    )
    await way.trouble.back()
    assert.equal(await way.feed(), 'ok')
  })

  test('takes what is no answer of ours for a fault, never for a refusal or an output', async () => {
    await using way = await troubled({ ...noBreaker, attempts: 1 })
    const html = '<html>Bad Gateway</html>'
    for (const rule of [
      answering(502, html, 'text/html'),
      answering(404, html, 'text/html'),
      answering(200, '{"mealId":'),
      answering(404, '{"message":"no such page"}'),
      answering(401, 'null'),
      answering(502, '{"message":"bad gateway"}'),
    ]) {
      way.trouble.rule = rule
      assert.deepEqual([await way.feed(), await way.list()], ['outcome_unknown', 'unavailable'])
    }
  })

  test('does not follow a service that sends it elsewhere with its token', async () => {
    await using elsewhere = await startTrouble(server.url)
    await using way = await troubled({ attempts: 1 })
    way.trouble.rule = ({ request, response }) =>
      void response.writeHead(307, { location: `${elsewhere.url}${request.url}` }).end()
    assert.deepEqual([await way.list(), await way.feed()], ['unavailable', 'outcome_unknown'])
    assert.equal(elsewhere.requests, 0)
  })
})
