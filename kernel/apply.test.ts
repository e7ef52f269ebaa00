// A batch is applied once, as sets and in order; exactly what can never be applied is parked, and what may pass by
// itself neither parks anything nor moves the position.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Postgres } from '../adapters/database/postgres.ts'
import {
  applyingOn,
  handMade,
  type HandMadeProducer,
  openPositionOf,
  parkedBy,
  positionOf,
} from '../tests/support/fixture-producer.ts'
import { author, type Before, raise } from '../tests/support/fixture-service.ts'
import { assertCounts, fixtureDatabase, keptBy, upTo } from '../tests/support/fixture-system.ts'
import { generator, seedOf } from '../tests/support/random.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { onTransaction } from '../tests/support/wrapped.ts'
import { applyRun } from './apply.ts'
import { RepeatableFailure } from './failure.ts'
import { setPositionState } from './position.ts'
import { Fault } from './result.ts'
import { type Consumer, type ConsumerContext, type Delivered, on } from './service.ts'

let database: TestDatabase
let archive: Postgres
before(async () => {
  database = await fixtureDatabase()
  archive = database.open('archive')
})
after(() => database[Symbol.asyncDispose]())

const kept = ({ name }: Consumer) => keptBy(database, name)

/** A consumer at 0, and how to apply a range of what its producer has said. */
const applying = async (options: { before?: Before; consumer?: Partial<Consumer> } = {}) => {
  const made = handMade(options.before ? { before: options.before } : {})
  const consumer = { ...made.consumer, ...options.consumer }
  const { producer } = made
  const parts = applyingOn(archive, consumer)
  await openPositionOf(archive, consumer)
  const apply = (from = 1, to = producer.head) => applyRun(parts, producer.batch(from, to))
  return { producer, consumer, apply, parts }
}

/** Puts something else in the place of the data of some events. */
const spoil = (
  producer: HandMadeProducer,
  numbers: readonly number[],
  data: Readonly<Record<string, unknown>>,
): void => {
  const spoilt = new Set(numbers)
  producer.log = producer.log.map((event) =>
    spoilt.has(event.number) ? { ...event, data: { ...(event.data as object), ...data } } : event,
  )
}

/** Refused by the table's own check. */
const unkeepable = { text: 'unkeepable' }

describe('a run', () => {
  test('that overlaps what was applied adds only what is new', async () => {
    const { producer, consumer, apply } = await applying()
    producer.say(9)
    await apply(1, 4)
    assert.equal((await apply(2, 7)).number, 7)
    assert.equal((await apply(1, 7)).number, 7)
    assert.equal((await apply(8, 9)).number, 9)
    assert.deepEqual(await kept(consumer), upTo(9))
  })

  test('that does not begin where the position is changes nothing', async () => {
    const { producer, consumer, apply } = await applying()
    producer.say(9)
    await apply(1, 4)
    assert.equal((await apply(6, 9)).number, 4)
    assert.deepEqual(await kept(consumer), upTo(4))
    assert.equal((await positionOf(database, consumer)).eventId, producer.log[3]?.eventId)
  })

  test('of no events changes nothing', async () => {
    const { consumer, apply } = await applying()
    assert.equal((await apply()).number, 0)
    assert.deepEqual(await kept(consumer), [])
  })
})

describe('handlers', () => {
  interface Seen {
    readonly subscription: string
    readonly numbers: readonly number[]
    readonly types: readonly string[]
  }

  const watching = (seen: Seen[], subscription: string) => (events: readonly Delivered[]) => {
    seen.push({ subscription, numbers: events.map(({ number }) => number), types: events.map(({ type }) => type) })
    return Promise.resolve()
  }

  const turnEvery = (producer: HandMadeProducer, every: number): void => {
    producer.log = producer.log.map((event) => (event.number % every === 0 ? { ...event, type: 'PageTurned' } : event))
  }

  test('of several types get them together, in number order; apart they get their own, as one set each', async () => {
    const seen: Seen[] = []
    const subscriptions = [
      on('both', [author.pageTurned, author.lineWritten], watching(seen, 'both')),
      on('turned', [author.pageTurned], watching(seen, 'turned')),
    ]
    const { producer, apply } = await applying({ consumer: { subscriptions } })
    turnEvery(producer.say(6), 3)
    await apply()
    const [line, turned] = ['LineWritten', 'PageTurned']
    assert.deepEqual(seen, [
      { subscription: 'both', numbers: upTo(6), types: [line, line, turned, line, line, turned] },
      { subscription: 'turned', numbers: [3, 6], types: [turned, turned] },
    ])
  })

  test('are not called for a run that has nothing for them, and the position moves on', async () => {
    const seen: Seen[] = []
    const subscriptions = [on('turned', [author.pageTurned], watching(seen, 'turned'))]
    const { producer, consumer, apply } = await applying({ consumer: { subscriptions } })
    producer.say(4)
    await apply()
    assert.deepEqual(seen, [])
    assert.equal((await positionOf(database, consumer)).number, 4)
  })

  test('get the event as it was said, and what was applied before it', async () => {
    const seen: { events: readonly Delivered[]; context: ConsumerContext }[] = []
    const { producer, apply } = await applying({
      before: (events, context) => {
        seen.push({ events, context })
        return Promise.resolve()
      },
    })
    producer.say(['one', 'two', 'three'])
    await apply(1, 2)
    await apply(3, 3)
    const [, late] = seen
    assert.deepEqual(late?.events, [
      {
        type: 'LineWritten',
        epoch: 1,
        number: 3,
        eventId: producer.log[2]?.eventId,
        at: new Date('2030-01-02T03:04:05.678Z'),
        requestId: 'request-3',
        actor: 7,
        data: { page: 1, line: 3, text: 'three' },
      },
    ])
    assert.deepEqual(
      seen.map(({ context }) => context.applied),
      [0, 2],
    )
    const { stream, replaying, epoch, late: isLate } = late?.context ?? {}
    assert.deepEqual([stream, replaying, epoch, isLate], [producer.stream, false, 1, false])
    assert.ok(Math.abs((late?.context.now.getTime() ?? 0) - Date.now()) < 60_000)
  })

  test('share one transaction: when the second fails, the first has done nothing', async () => {
    const failing = on('failing', [author.lineWritten], () => Promise.reject(new RepeatableFailure('no')))
    const { producer, consumer, parts } = await applying()
    const both = { ...parts, consumer: { ...consumer, subscriptions: [...consumer.subscriptions, failing] } }
    producer.say(3)
    await applyRun(both, producer.batch(1, 3))
    assert.deepEqual(await kept(consumer), [])
    assert.deepEqual(await parkedBy(database, consumer), upTo(3))
  })

  test('say events of their own with their effects: once, with the request that caused them, or not at all', async () => {
    const saidBy = (consumer: Consumer) =>
      database.query(`select about, request_id from archive.outbox where data->>'text' = $1 order by id`, [
        consumer.name,
      ])
    const { producer, consumer, apply } = await applying({
      before: (events, { emit }) => {
        emit(
          author.lineWritten,
          events.map(({ number }) => ({ page: number, line: 1, text: consumer.name })),
        )
        return Promise.resolve()
      },
    })
    spoil(producer.say(3), [2], unkeepable)
    await apply()
    await apply()
    assert.deepEqual(await saidBy(consumer), [
      { about: '1', request_id: 'request-1' },
      { about: '3', request_id: 'request-3' },
    ])
  })
})

describe('parked at once is', () => {
  const failing =
    (why: Before): Before =>
    async (events, context) => {
      if (events.some(({ number }) => number === 3)) await why(events, context)
    }
  const cases: Readonly<Record<string, { before?: Before; data?: Record<string, unknown>; error: RegExp }>> = {
    'an event against its schema': { data: { text: 17 }, error: /ZodError/ },
    'an event that lacks a field': { data: { line: undefined }, error: /ZodError/ },
    'what the table refuses': { data: unkeepable, error: /23514: .*keepable/ },
    'a division by zero': { before: (_events, { tx }) => raise(tx, '22012'), error: /22012/ },
    'a text that is no number': {
      before: async (_events, { tx }) => void (await sql`select ${'seven'}::text::int`.execute(tx)),
      error: /22P02/,
    },
    'a key that exists': { before: (_events, { tx }) => raise(tx, '23505'), error: /23505/ },
    'a reference to nothing': { before: (_events, { tx }) => raise(tx, '23503'), error: /23503/ },
    'a declared failure': {
      before: () => Promise.reject(new RepeatableFailure('fee 7 was said with another amount')),
      error: /RepeatableFailure: fee 7/,
    },
  }
  for (const [what, { before: why, data, error }] of Object.entries(cases)) {
    test(`${what}, and its neighbours are applied once`, async () => {
      const { producer, consumer, apply } = await applying(why ? { before: failing(why) } : {})
      producer.say(5)
      if (data) spoil(producer, [3], data)
      const { number, state } = await apply()
      assert.deepEqual([number, state], [5, 'running'])
      assert.deepEqual(await kept(consumer), [1, 2, 4, 5])
      const rows = await database.query<{ number: number; attempts: number; error: string }>(
        'select number::int, attempts, error from archive.parked where consumer = $1',
        [consumer.name],
      )
      assert.deepEqual(
        rows.map((row) => [row.number, row.attempts]),
        [[3, 1]],
      )
      assert.match(rows[0]?.error ?? '', error)
    })
  }
})

describe("a handler's own exception", () => {
  const failingTimes = (times: number) => {
    const alone: number[] = []
    const before: Before = (events) => {
      if (!events.some(({ number }) => number === 2)) return Promise.resolve()
      if (events.length === 1) alone.push(1)
      return alone.length > times ? Promise.resolve() : Promise.reject(new Error('a bug'))
    }
    return { before, alone }
  }

  test('is parked after three tries of the event alone', async () => {
    const { before, alone } = failingTimes(100)
    const { producer, consumer, apply } = await applying({ before })
    producer.say(4)
    await apply()
    assert.equal(alone.length, 3)
    assert.deepEqual(await kept(consumer), [1, 3, 4])
    assert.deepEqual(await parkedBy(database, consumer), [2])
    const [row] = await database.query('select attempts, error from archive.parked where consumer = $1', [
      consumer.name,
    ])
    assert.deepEqual(row, { attempts: 3, error: 'Error: a bug' })
  })

  test('that passes by itself is no reason to park', async () => {
    const { before, alone } = failingTimes(2)
    const { producer, consumer, apply } = await applying({ before })
    producer.say(4)
    await apply()
    assert.equal(alone.length, 3)
    assert.deepEqual(await kept(consumer), upTo(4))
    assert.deepEqual(await parkedBy(database, consumer), [])
  })

  test('parks also when the handler swallows what the database refused', async () => {
    const { producer, consumer, apply } = await applying({
      before: async (events, { tx }) => {
        if (events.some(({ number }) => number === 2)) await raise(tx, '22012').catch(() => undefined)
      },
    })
    producer.say(3)
    await apply()
    assert.deepEqual(await kept(consumer), [1, 3])
    assert.deepEqual(await parkedBy(database, consumer), [2])
  })

  test('is parked whatever its message is', async () => {
    const message = 'a NUL \0, an unpaired \uD800, and what was discarded because it was not queryable'
    const { producer, consumer, apply } = await applying({ before: () => Promise.reject(new Error(message)) })
    producer.say(1)
    await apply()
    assert.deepEqual(await parkedBy(database, consumer), [1])
  })
})

describe('in a batch of 500', () => {
  const culprits: Readonly<Record<string, readonly number[]>> = {
    'the first and the last': [1, 500],
    neighbours: [249, 250, 251, 252],
    'one alone': [137],
  }
  for (const [which, numbers] of Object.entries(culprits)) {
    test(`${which} are parked and nothing else, and every other event is applied once`, async () => {
      const { producer, consumer, apply } = await applying()
      spoil(producer.say(500), numbers, unkeepable)
      assert.equal((await apply()).number, 500)
      assert.deepEqual(await parkedBy(database, consumer), numbers)
      assert.deepEqual(
        await kept(consumer),
        upTo(500).filter((number) => !numbers.includes(number)),
      )
    })
  }

  test('culprits of several kinds at random places are parked and nothing else', async () => {
    const next = generator(seedOf('culprits'))
    const chosen = new Set(upTo(15).map(() => 1 + Math.floor(next() * 500)))
    const numbers = [...chosen].sort((a, b) => a - b)
    const third = (rest: number) => numbers.filter((_number, index) => index % 3 === rest)
    const buggy = new Set(third(2))
    const { producer, consumer, apply } = await applying({
      before: (events) =>
        events.some(({ number }) => buggy.has(number)) ? Promise.reject(new Error('a bug')) : Promise.resolve(),
    })
    producer.say(500)
    spoil(producer, third(0), unkeepable)
    spoil(producer, third(1), { page: 'none' })
    await apply()
    assert.deepEqual(await parkedBy(database, consumer), numbers)
    assert.deepEqual(
      await kept(consumer),
      upTo(500).filter((number) => !chosen.has(number)),
    )
  })
})

describe('many in a row', () => {
  const state = async (consumer: Consumer) => {
    const { number, state, parkedInRow } = await positionOf(database, consumer)
    return { number, state, parkedInRow }
  }
  const goOn = (consumer: Consumer) =>
    archive.transaction('go on', (tx) =>
      setPositionState(tx, { schema: 'archive', consumer: consumer.name, stream: consumer.stream }, 'running', null),
    )

  test('twenty are parked, and the consumer goes on', async () => {
    const { producer, consumer, apply } = await applying()
    spoil(producer.say(21), upTo(20), unkeepable)
    await apply()
    assert.deepEqual(await state(consumer), { number: 21, state: 'running', parkedInRow: 0 })
    assert.deepEqual(await parkedBy(database, consumer), upTo(20))
    assert.deepEqual(await kept(consumer), [21])
  })

  test('the one after the twentieth pauses the consumer, with the reason; what follows is left alone until a person lets it go on', async () => {
    const { producer, consumer, apply } = await applying()
    spoil(producer.say(50), upTo(50), unkeepable)
    await apply()
    assert.deepEqual(await parkedBy(database, consumer), upTo(21))
    const paused = await positionOf(database, consumer)
    assert.deepEqual([paused.number, paused.state], [21, 'paused'])
    assert.match(paused.reason ?? '', /20 events parked in a row/)
    await apply()
    assert.deepEqual(await parkedBy(database, consumer), upTo(21))
    await goOn(consumer)
    await apply(22, 30)
    assert.deepEqual(await state(consumer), { number: 30, state: 'running', parkedInRow: 9 })
  })

  test('events that are none of its business do not interrupt the row', async () => {
    const { producer, consumer, apply } = await applying()
    producer.say(60)
    spoil(producer, upTo(60), unkeepable)
    producer.log = producer.log.map((event) => (event.number % 2 === 0 ? { ...event, type: 'PageBound' } : event))
    await apply()
    assert.deepEqual(await state(consumer), { number: 41, state: 'paused', parkedInRow: 0 })
    assert.equal((await parkedBy(database, consumer)).length, 21)
  })

  test('one that was applied does', async () => {
    const { producer, consumer, apply } = await applying()
    spoil(
      producer.say(31),
      upTo(31).filter((number) => number !== 16),
      unkeepable,
    )
    await apply()
    assert.deepEqual(await state(consumer), { number: 31, state: 'running', parkedInRow: 15 })
    assert.deepEqual(await kept(consumer), [16])
  })
})

describe('what may pass by itself', () => {
  const passing = [
    '08000',
    '08006',
    '40001',
    '40P01',
    '53100',
    '53200',
    '53300',
    '55P03',
    '57014',
    '57P01',
    '58030',
    'XX000',
    '25P03',
  ]
  for (const code of passing) {
    test(`${code} neither parks nor moves anything, alone or in a batch, and is applied once when it has passed`, async () => {
      let failing = true
      const { producer, consumer, apply } = await applying({
        before: async (events, { tx }) => {
          if (failing && events.some(({ number }) => number === 3)) await raise(tx, code)
        },
      })
      producer.say(4)
      for (const to of [4, 3]) await assert.rejects(apply(1, to), { code })
      assert.equal((await positionOf(database, consumer)).number, 0)
      await apply(1, 2)
      for (const attempt of upTo(4)) await assert.rejects(apply(3, 3), { code }, `attempt ${attempt}`)
      assert.equal((await positionOf(database, consumer)).number, 2)
      assert.deepEqual(await parkedBy(database, consumer), [])
      failing = false
      await apply(3, 4)
      assert.deepEqual(await kept(consumer), upTo(4))
    })
  }

  test('a fault of ours that says so neither parks nor moves anything', async () => {
    const { producer, consumer, apply } = await applying({
      before: () => Promise.reject(new Fault('unavailable', 'no connection')),
    })
    producer.say(2)
    await assert.rejects(apply(), /no connection/)
    assert.deepEqual([(await positionOf(database, consumer)).number, await parkedBy(database, consumer)], [0, []])
  })

  test('amid the search for a culprit keeps what is done, and the search goes on later', async () => {
    let calls = 0
    const { producer, consumer, apply } = await applying({
      before: async (_events, { tx }) => {
        calls += 1
        if (calls % 9 === 0) await raise(tx, '40001')
      },
    })
    spoil(producer.say(100), [11, 60, 61], unkeepable)
    let failures = 0
    for (let position = 0; position < 100 && failures < 100; failures += 1) {
      position = await apply().then(
        ({ number }) => number,
        async () => (await positionOf(database, consumer)).number,
      )
    }
    assert.ok(failures > 1)
    assert.deepEqual(await parkedBy(database, consumer), [11, 60, 61])
    assert.deepEqual(
      await kept(consumer),
      upTo(100).filter((number) => ![11, 60, 61].includes(number)),
    )
  })
})

test('two who apply the same at once, poison included, apply and park each event once', async () => {
  const seed = seedOf('two appliers')
  const { producer, consumer, parts } = await applying()
  const culprits = [7, 8, 55]
  spoil(producer.say(120), culprits, unkeepable)
  const other = { ...parts, database: database.open('archive') }
  const applyAtRandom = async (own: typeof parts, next: () => number) => {
    for (let position = 0; position < 120;) {
      const from = Math.max(1, position - Math.floor(next() * 5))
      ;({ number: position } = await applyRun(own, producer.batch(from, from + Math.floor(next() * 30))))
    }
  }
  await Promise.all([parts, other].map((own, index) => applyAtRandom(own, generator(seed + index))))
  assert.deepEqual(await parkedBy(database, consumer), culprits)
  assert.deepEqual(
    await kept(consumer),
    upTo(120).filter((number) => !culprits.includes(number)),
  )
})

describe('between the failure of an event and its parking', () => {
  /** Applies with a handler that fails, and does something right before each parking. */
  const parkingAfter = async (meanwhile: (producer: HandMadeProducer, consumer: Consumer) => Promise<unknown>) => {
    const { producer, consumer, parts } = await applying()
    spoil(producer.say(3), [2], unkeepable)
    const hindered = onTransaction(archive, 'park', async (run) => {
      await meanwhile(producer, consumer)
      return run()
    })
    const position = await applyRun({ ...parts, database: hindered }, producer.batch(1, 3))
    return { position, consumer }
  }

  test('another replica may apply it: then it is not parked', async () => {
    const { position, consumer } = await parkingAfter((producer, consumer) => {
      const mended = {
        ...producer.batch(1, 3),
        events: producer.log.map((event) => ({ ...event, data: { page: 1, line: 1, text: 'mended' } })),
      }
      return applyRun(applyingOn(database.open('archive'), consumer), mended)
    })
    assert.deepEqual([position.number, position.state], [3, 'running'])
    assert.deepEqual(await parkedBy(database, consumer), [])
    assert.deepEqual(await kept(consumer), upTo(3))
  })

  test('the consumer may be paused: then nothing is parked and nothing moves', async () => {
    const { position, consumer } = await parkingAfter((_producer, { name, stream }) =>
      archive.transaction('pause', (tx) =>
        setPositionState(tx, { schema: 'archive', consumer: name, stream }, 'paused', 'wait'),
      ),
    )
    assert.deepEqual([position.number, position.state], [1, 'paused'])
    assert.deepEqual(await parkedBy(database, consumer), [])
  })
})

test('a large batch is one set', async () => {
  let calls = 0
  const { producer, consumer, apply } = await applying({
    before: () => {
      calls += 1
      return Promise.resolve()
    },
  })
  producer.say(2_000)
  await apply()
  assert.equal(calls, 1)
  assertCounts(await kept(consumer), 2_000)
})
