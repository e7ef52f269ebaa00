// A called service that is slow, full, flapping or gone (family 17 of the faults to survive), over real HTTP.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Behalf, type Caller, caller } from '../../kernel/caller.ts'
import type { Actor } from '../../kernel/contract.ts'
import { Fault, type FaultKind, isRefusal, must, type Outcome } from '../../kernel/result.ts'
import { type Aviary, startAviary } from '../../tests/support/aviary.ts'
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
import { type HttpTransport, httpTransport } from './http-client.ts'
import { resilience, type ResilienceOptions } from './resilience.ts'
import type { Tokens } from './token.ts'

const popug: Actor = { id: 7, role: 'popug' }
const as = (more: Partial<Behalf> = {}): Behalf => ({ actor: popug, requestId: 'r', timeoutMs: 10_000, ...more })
const keyed = (more: Partial<Behalf> = {}) => as({ idempotencyKey: crypto.randomUUID(), ...more })

/** How a call ended: 'ok', a refusal's code or a fault's kind. */
const endOf = async (outcome: Promise<Outcome<unknown>>): Promise<string> => {
  try {
    const known = await outcome
    return isRefusal(known) ? known.refused : 'ok'
  } catch (error) {
    assert.ok(error instanceof Fault, `not a Fault: ${String(error)}`)
    return error.kind
  }
}

const isFault = (kind: FaultKind) => (error: unknown) => error instanceof Fault && error.kind === kind

/** Asks until it holds, at most ten seconds. */
const until = async (what: string, holds: () => Promise<boolean> | boolean) => {
  for (const end = performance.now() + 10_000; !(await holds()); await once(AbortSignal.timeout(5), 'abort')) {
    if (performance.now() > end) throw new Error(`did not come: ${what}`)
  }
}

/** Holds requests until they are let go. */
const gate = () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** Never opens: for what is about retries, places and deadlines. */
const noBreaker: ResilienceOptions = { failureShare: 0.999, windowMs: 600_000 }

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

  interface Troubled extends AsyncDisposable {
    readonly trouble: Trouble
    readonly transport: HttpTransport
    readonly call: Caller
    /** Not repeatable without a key. */
    feed(behalf?: Behalf): Promise<string>
    /** Repeatable. */
    hush(behalf?: Behalf): Promise<string>
    /** A query. */
    list(behalf?: Behalf): Promise<string>
  }

  const troubled = async (how: ResilienceOptions = {}): Promise<Troubled> => {
    const trouble = await startTrouble(server.url)
    const { tokens }: { tokens: Tokens } = server
    const transport = httpTransport({ addresses: { parrots: trouble.url }, tokens, resilience: how })
    const call = caller(transport)
    await transport.published('parrots')
    return {
      trouble,
      transport,
      call,
      feed: (behalf = as()) => endOf(call(parrots.feed, { parrotId: 1, food: 'nuts' }, behalf)),
      hush: (behalf = as()) => endOf(call(parrots.hush, { parrotId: 1 }, behalf)),
      list: (behalf = as()) => endOf(call(parrots.listMeals, { parrotId: 1 }, behalf)),
      [Symbol.asyncDispose]: () => trouble[Symbol.asyncDispose](),
    }
  }

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
        way.list(as({ timeoutMs: 300 })),
        way.feed(as({ timeoutMs: 300 })),
        way.feed(keyed({ timeoutMs: 300 })),
      ])
      const tookMs = performance.now() - begun
      assert.deepEqual(ends, ['deadline', 'outcome_unknown', 'outcome_unknown'])
      assert.ok(tookMs > 290 && tookMs < 3_000, `took ${tookMs} ms`)
      assert.equal(way.trouble.requests, 3)
    })

    test('does not wait longer for its contract either', async () => {
      await using trouble = await startTrouble(server.url)
      const call = caller(httpTransport({ addresses: { parrots: trouble.url }, tokens: server.tokens }))
      trouble.contractRule = hanging
      const begun = performance.now()
      const ends = await Promise.all(many(5, () => endOf(call(parrots.hush, { parrotId: 1 }, as({ timeoutMs: 200 })))))
      assert.ok(performance.now() - begun < 1_500)
      assert.deepEqual([new Set(ends), trouble.asked], [new Set(['deadline']), 1])
    })

    test('keeps to the contract that it knows, and asks seldom for a newer one', async () => {
      await using trouble = await startTrouble(server.url)
      const { tokens } = server
      const transport = httpTransport({ addresses: { parrots: trouble.url }, tokens, publishedMs: 60 })
      const hush = () => endOf(caller(transport)(parrots.hush, { parrotId: 1 }, as()))
      assert.equal(await hush(), 'ok')
      const broken = [unavailable, answering(200, '<html>'), answering(200, '{"paths":{"/a":{"get":{}}}}')]
      for (const rule of [...broken, hanging]) {
        const { asked } = trouble
        trouble.contractRule = rule
        await until('another look', async () => (await hush()) === 'ok' && trouble.asked > asked)
        const begun = performance.now()
        assert.deepEqual(
          await Promise.all(many(10, hush)),
          many(10, () => 'ok'),
        )
        assert.ok(performance.now() - begun < 1_500)
      }
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
    await until('the slow request', () => way.trouble.requests === 1)
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
      exchange.response.end(body, answered.open)
      exchange.response.on('close', answered.open)
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
      const unknown = () => Promise.reject(new Fault('outcome_unknown', 'lost'))
      for (let tries = 0; tries < 30; tries += 1) {
        const call = { deadlineMs: performance.now() + 5, repeatable: true }
        await assert.rejects(resilience(noBreaker).run(unknown, call), isFault('outcome_unknown'))
      }
    })
  })

  test('of a service that is gone is told so at once, and served again when it is back', async () => {
    await using way = await troubled(noBreaker)
    await way.trouble.away()
    const begun = performance.now()
    assert.deepEqual(
      [await way.feed(), await way.list(), await way.hush()],
      ['unavailable', 'unavailable', 'unavailable'],
    )
    assert.ok(performance.now() - begun < 3_000)
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

  describe('with a breaker', () => {
    const quick: ResilienceOptions = { openMs: 50, windowMs: 1_000, attempts: 1 }
    const openBreaker = async (way: Troubled) => {
      way.trouble.rule = unavailable
      await until('an open breaker', async () => {
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
      await until('a probe', async () => {
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
      await until('a probe', async () => (await way.list(), way.trouble.requests > sent))
      assert.equal(way.transport.breakers()['parrots'], 'open')
      way.trouble.rule = faithful
      await until('an answer', async () => (await way.list()) === 'ok')
      assert.equal(way.transport.breakers()['parrots'], 'closed')
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
      await until('an open breaker', async () => (await hush('ill'), transport.breakers()['ill'] === 'open'))
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
      await until('two requests', () => way.trouble.requests === 2)
      const begun = performance.now()
      assert.equal(await way.feed(), 'unavailable')
      assert.ok(performance.now() - begun < 1_000)
      assert.equal(way.trouble.requests, 2)
      open()
      assert.deepEqual(await Promise.all(served), ['ok', 'ok', 'ok', 'ok'])
    })

    test('waits for a place until its deadline only, and is then not sent any more', async () => {
      await using way = await troubled({ ...noBreaker, parallel: 1, waiting: 5 })
      const { opened, open } = gate()
      way.trouble.rule = (exchange) => opened.then(() => faithful(exchange))
      const first = way.feed()
      await until('one request', () => way.trouble.requests === 1)
      const begun = performance.now()
      assert.equal(await way.feed(keyed({ timeoutMs: 150 })), 'deadline')
      assert.ok(performance.now() - begun < 3_000)
      open()
      assert.equal(await first, 'ok')
      assert.equal(await way.list(), 'ok')
      assert.deepEqual([way.trouble.requests, (await aviary.traces()).meals], [2, 1])
    })
  })
})
