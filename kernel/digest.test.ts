// What was said and what was done are compared by counts and hashes of ranges, and the differing events are listed.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { archiveService, authorService, keepLines } from '../tests/support/fixture-service.ts'
import { asOperator, fixtureDatabase, startFixture, upTo, write } from '../tests/support/fixture-system.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import type { Digest, Range } from './digest.ts'
import type { Host } from './host.ts'
import { must } from './result.ts'
import { standardContract } from './standard.ts'

const authorMethods = standardContract('author')
const archiveMethods = standardContract('archive')
const consumer = 'KeepLines'

let database: TestDatabase
let host: Host

/** Twenty-five lines on three pages: with the turned page twenty-seven events, all kept. */
before(async () => {
  database = await fixtureDatabase()
  host = await startFixture(database)
  await write(host, 1, ...upTo(12).map((line) => `first ${line}`))
  await write(host, 2, ...upTo(11).map((line) => `second ${line}`))
  await write(host, 3, 'third 1', 'third 2')
  await host.settle()
  await database.query('create table kept_kept as table archive.kept')
  await database.query('create table kept_event as table author.event')
})
after(async () => {
  await host.stop()
  await database[Symbol.asyncDispose]()
})
const putBack = async () => {
  await database.query('truncate archive.kept, author.event, archive.parked')
  await database.query('insert into archive.kept overriding system value table kept_kept')
  await database.query('insert into author.event table kept_event')
}
beforeEach(putBack)

const effectsOf = async (ranges: readonly Range[]) =>
  must(await host.call(archiveMethods.digestEffects, { consumer, ranges: [...ranges] }, asOperator))

/** Both sides' digests, of all or of the given ranges. */
const compare = async (ranges: readonly Range[] = [{ after: 0, upTo: 27 }]) => {
  const { types, digests: effects, setAside } = await effectsOf(ranges)
  const asked = { types, ranges: [...ranges], without: setAside }
  const { digests: log } = must(await host.call(authorMethods.digestLog, asked, asOperator))
  const listed = { types, after: 0, upTo: 27 }
  const said = must(await host.call(authorMethods.listLog, listed, asOperator)).events
  const told = must(await host.call(archiveMethods.listEffects, { consumer, after: 0, upTo: 27 }, asOperator)).events
  return { log, effects, setAside, said, told }
}

const same = (log: readonly Digest[], effects: readonly Digest[]): boolean[] =>
  log.map(({ count, hash }, index) => count === effects[index]?.count && hash === effects[index].hash)

test('where everything was applied, each range has the same digest on both sides', async () => {
  const ranges = [
    { after: 0, upTo: 27 },
    { after: 0, upTo: 10 },
    { after: 10, upTo: 11 },
    { after: 11, upTo: 27 },
  ]
  const { log, effects, said, told } = await compare(ranges)
  assert.deepEqual(log, effects)
  assert.deepEqual(
    log.map(({ count }) => count),
    [27, 10, 1, 16],
  )
  assert.equal(new Set(log.map(({ hash }) => hash)).size, 4)
  assert.deepEqual(said, told)
  assert.deepEqual(
    said.map(({ number }) => number),
    upTo(27),
  )
  assert.deepEqual(said[10]?.data, { page: 1, line: 10 })
  assert.deepEqual(said[11]?.data, { page: 1, line: 11, text: 'first 11' })
})

test('the hash of parts is the hash of the whole, in any order', async () => {
  const { log } = await compare([
    { after: 0, upTo: 27 },
    { after: 13, upTo: 27 },
    { after: 0, upTo: 13 },
  ])
  const [whole, ...parts] = log.map(({ hash }) => BigInt(hash))
  assert.equal(
    whole,
    parts.reduce((sum, part) => sum + part),
  )
})

test('an empty range and one beyond the end have nothing in them', async () => {
  const nothing = { count: 0, hash: '0' }
  const { log, effects } = await compare([
    { after: 5, upTo: 5 },
    { after: 27, upTo: 90 },
    { after: 9, upTo: 3 },
  ])
  assert.deepEqual(
    [log, effects],
    [
      [nothing, nothing, nothing],
      [nothing, nothing, nothing],
    ],
  )
})

test('they tell where the log ends and where the consumer stands', async () => {
  const { position, epoch } = await effectsOf([])
  const { head } = must(await host.call(authorMethods.digestLog, { types: [], ranges: [] }, asOperator))
  assert.deepEqual([position, epoch, head], [27, 1, 27])
})

const damages: readonly { does: string; by: string; number: number }[] = [
  { does: 'an effect is gone', by: 'delete from archive.kept where number = 9', number: 9 },
  {
    does: 'an effect is there twice',
    by: `insert into archive.kept (consumer, number, event_id, type, page, line, text)
         select consumer, number, event_id, type, page, line, text from archive.kept where number = 9`,
    number: 9,
  },
  { does: 'an effect says otherwise', by: `update archive.kept set text = 'x' where number = 9`, number: 9 },
  {
    does: 'an effect is of another event',
    by: 'update archive.kept set event_id = gen_random_uuid() where number = 9',
    number: 9,
  },
  {
    does: 'an effect is of another type',
    by: `update archive.kept set type = 'PageTurned' where number = 9`,
    number: 9,
  },
  { does: 'the log lost an event', by: 'delete from author.event where number = 20', number: 20 },
  { does: 'the log lost its last event', by: 'delete from author.event where number = 27', number: 27 },
  {
    does: 'the log was changed',
    by: `update author.event set data = data || '{"line": 5}' where number = 9`,
    number: 9,
  },
]

for (const { does, by, number } of damages) {
  test(`when ${does}, its range differs, the others do not, and the lists name it`, async () => {
    await database.query(by)
    const before = { after: 0, upTo: number - 1 }
    const { log, effects, said, told } = await compare([
      before,
      { after: number - 1, upTo: number },
      { after: number, upTo: 27 },
    ])
    assert.deepEqual(same(log, effects), [true, false, true])
    const lines = (events: typeof said) => events.map((event) => JSON.stringify(event))
    const [a, b] = [lines(said), lines(told)]
    const odd = [
      ...a.filter((line) => !b.includes(line)),
      ...b.filter((line, index) => !a.includes(line) || b.indexOf(line) < index),
    ]
    assert.ok(odd.length > 0)
    for (const line of odd) assert.match(line, new RegExp(`^{"number":${number},`))
  })
}

test('two effects that changed places do not make up for each other', async () => {
  for (const by of [
    `update archive.kept set text = case number when 2 then 'first 3' else 'first 2' end where number in (2, 3)`,
    'update archive.kept set number = 5 - number where number in (2, 3)',
  ]) {
    await database.query(by)
    const { log, effects } = await compare()
    assert.deepEqual(same(log, effects), [false])
    await putBack()
  }
})

test('fields that nobody keeps, as a newer producer adds them, are no difference', async () => {
  await database.query(`update author.event set data = data || '{"ink": "blue"}' where number = 9`)
  const { log, effects, said, told } = await compare()
  assert.deepEqual(same(log, effects), [true])
  assert.deepEqual(said, told)
})

describe('an event without effect', () => {
  const park = (state: string) =>
    database.query(
      `with gone as (delete from archive.kept where number = 9)
       insert into archive.parked (consumer, stream, number, event_id, type, version, about, data, at, request_id, error,
         fingerprint, attempts, parked_at, state, reason)
       select $1, 'author', number, event_id, type, version, about, data, at, request_id, 'no', 'no', 1, at, $2, 'a test'
       from author.event where number = 9`,
      [consumer, state],
    )

  for (const state of ['parked', 'discarded']) {
    test(`that is ${state} is named as set aside, and the rest is compared without it`, async () => {
      await park(state)
      const { log, effects, setAside } = await compare()
      assert.deepEqual([setAside, same(log, effects)], [[9], [true]])
      assert.deepEqual((await compare([{ after: 9, upTo: 27 }])).setAside, [])
    })
  }

  test('that is said to have been applied is a difference', async () => {
    await park('applied')
    const { log, effects, setAside } = await compare()
    assert.deepEqual([setAside, same(log, effects)], [[], [false]])
  })

  test('that has one all the same is a difference', async () => {
    await park('parked')
    await database.query('insert into archive.kept overriding system value select * from kept_kept where number = 9')
    const { log, effects } = await compare()
    assert.deepEqual(same(log, effects), [false])
  })
})

test('a consumer that leaves no traces of single events says so, and so does one that there is not', async () => {
  const { effects: _effects, ...silent } = keepLines({ name: 'Silent' })
  await using other = await startFixture(database, { services: [archiveService([silent])], loops: false })
  const ask = async (name: string) => [
    await other.call(archiveMethods.digestEffects, { consumer: name, ranges: [] }, asOperator),
    await other.call(archiveMethods.listEffects, { consumer: name, after: 0, upTo: 1 }, asOperator),
  ]
  const refusedTwice = (refused: string) => [{ refused }, { refused }]
  assert.deepEqual(await ask('Silent'), refusedTwice('no_effects'))
  assert.deepEqual(await ask('Nobody'), refusedTwice('consumer_not_found'))
})

test('more than 64 ranges, or more than 2,000 numbers to list, are refused', async () => {
  await using other = await startFixture(database, { services: [authorService()], loops: false })
  const ranges = upTo(65).map((number) => ({ after: number - 1, upTo: number }))
  const digested = await other.call(authorMethods.digestLog, { types: [], ranges }, asOperator)
  const listed = await other.call(authorMethods.listLog, { types: [], after: 0, upTo: 2_001 }, asOperator)
  assert.deepEqual(
    [digested, listed].map((one) => ('refused' in one ? one.refused : null)),
    ['invalid_input', 'invalid_input'],
  )
})
