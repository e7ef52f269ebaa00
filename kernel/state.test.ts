// What a service says of itself when it is asked, by any replica: from its database, and of the process that answers.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import type { Postgres } from '../adapters/database/postgres.ts'
import { eventually } from '../tests/support/eventually.ts'
import { numberAll, saying } from '../tests/support/fixture-log.ts'
import { applyingOn, handMade, openPositionOf } from '../tests/support/fixture-producer.ts'
import { archiveService, author, authorService, copyLines, raise } from '../tests/support/fixture-service.ts'
import { asOperator, asWriter, fixtureDatabase, startFixture } from '../tests/support/fixture-system.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { applyRun } from './apply.ts'
import { must } from './result.ts'
import { standardContract } from './standard.ts'

let database: TestDatabase
let authors: Postgres
let archive: Postgres
before(async () => {
  database = await fixtureDatabase()
  authors = database.open('author')
  archive = database.open('archive')
})
after(() => database[Symbol.asyncDispose]())

const stateOf = async (service: 'author' | 'archive', host: Awaited<ReturnType<typeof startFixture>>) =>
  must(await host.call(standardContract(service).getState, {}, asOperator))

test('the stream: its head and what waits before it and after it', async () => {
  await saying(authors, 1, 'one', 'two')
  await numberAll(authors)
  await saying(authors, 1, 'three')
  await using host = await startFixture(database, { services: [authorService()], loops: false })
  const { service, stream, now } = await stateOf('author', host)
  const [last] = await database.query('select event_id as id from author.event where number = 2')
  assert.equal(service, 'author')
  assert.deepEqual(
    [stream.epoch, stream.head, stream.headEventId, stream.published, stream.unnumbered],
    [1, 2, last?.['id'], 0, 1],
  )
  // The events of this test are of 2030, which has not come yet: they have no age.
  assert.deepEqual([stream.oldestUnnumberedMs, stream.oldestUnpublishedMs], [0, 0])
  await database.query(`update author.outbox set at = $1::timestamptz - interval '90 seconds'`, [now])
  await database.query(`update author.event set at = $1::timestamptz - interval '2 minutes'`, [now])
  const { stream: aged, now: later } = await stateOf('author', host)
  const passed = Date.parse(later) - Date.parse(now)
  assert.equal(Math.round(aged.oldestUnnumberedMs), 90_000 + passed)
  assert.equal(Math.round(aged.oldestUnpublishedMs), 120_000 + passed)
})

/** A consumer that has applied 1, 2 and 4 and parked 3. */
const withParked = async () => {
  const { producer, consumer } = handMade({
    before: async (events, { tx }) => {
      if (events.some(({ number }) => number === 3)) await raise(tx, '22012')
    },
  })
  await openPositionOf(archive, consumer)
  await applyRun(applyingOn(archive, consumer), producer.say(4).batch(1, 4))
  const host = await startFixture(database, { services: [archiveService([consumer])], loops: false })
  return { producer, consumer, host, [Symbol.asyncDispose]: () => host.stop() }
}

test('the consumers: how far each is, and what it could not apply, by kinds of errors', async () => {
  await using one = await withParked()
  const { name: consumer, stream } = one.consumer
  const { positions, parkedGroups } = await stateOf('archive', one.host)
  const position = positions.find((each) => each.consumer === consumer)
  assert.ok(position?.movedAt)
  const { movedAt: _movedAt, ...rest } = position
  const eventId = one.producer.log[3]?.eventId
  assert.deepEqual(rest, { consumer, stream, number: 4, eventId, epoch: 1, state: 'running', reason: null, parked: 1 })
  const group = parkedGroups.find((each) => each.consumer === consumer)
  assert.ok(group)
  assert.deepEqual(
    [group.type, group.count, group.discarded, group.firstNumber, group.lastNumber],
    ['LineWritten', 1, 0, 3, 3],
  )
  assert.match(group.error, /22012/)
})

test('of discarded events there is still a group, of applied ones there is not', async () => {
  await using one = await withParked()
  const groups = async () => {
    const { parkedGroups } = await stateOf('archive', one.host)
    return parkedGroups
      .filter(({ consumer }) => consumer === one.consumer.name)
      .map(({ count, discarded }) => [count, discarded])
  }
  const set = (state: string) =>
    database.query(`update archive.parked set state = $1, reason = 'a test' where consumer = $2`, [
      state,
      one.consumer.name,
    ])
  await set('discarded')
  assert.deepEqual(await groups(), [[0, 1]])
  await set('applied')
  assert.deepEqual(await groups(), [])
})

test('a replay beside the live tables is no consumer, and parks nothing', async () => {
  await using one = await withParked()
  const shadow = `${one.consumer.name}_replay`
  await database.query(`insert into archive.position (consumer, stream) values ($1, 'author')`, [shadow])
  await database.query(`update archive.parked set consumer = $1 where consumer = $2`, [shadow, one.consumer.name])
  const { positions, parkedGroups } = await stateOf('archive', one.host)
  assert.ok(![...positions, ...parkedGroups].some(({ consumer }) => consumer === shadow))
})

describe('jobs', () => {
  test('show with what their last step failed, for as long as it fails', async () => {
    const broken = { now: true }
    const job = copyLines(3, {
      until: () => {
        if (broken.now) throw new TypeError('the ink is dry')
        return null
      },
    })
    await using host = await startFixture(database, { services: [authorService({ job })] })
    const { id } = must(await host.call(author.startCopying, {}, asWriter()))
    const seen = async () => (await stateOf('author', host)).jobs.find((each) => each.id === id)
    const failing = await eventually('the trouble is there', async () => {
      const each = await seen()
      return each?.trouble ? each : null
    })
    assert.deepEqual([failing.state, failing.steppedAt], ['queued', null])
    assert.equal(failing.trouble, 'TypeError: the ink is dry')
    const { troubles } = await stateOf('author', host)
    assert.equal(troubles['job CopyLines of author'], 'TypeError: the ink is dry')
    broken.now = false
    const done = await eventually('the job is done', async () => {
      const each = await seen()
      return each?.state === 'done' ? each : null
    })
    assert.equal(done.trouble, null)
    assert.ok(done.steppedAt)
    assert.deepEqual(done.progress, { copied: 3 })
  })

  test('are all that are open, however many, and of the others the last twenty', async () => {
    await database.query('truncate author.job restart identity')
    await database.query(
      `insert into author.job (name, input, state, requested_at, request_id)
       select 'CopyLines', '{}', case when n in (1, 2) then 'waiting' else 'done' end, now(), 'a test'
       from generate_series(1, 30) n`,
    )
    await using host = await startFixture(database, { services: [authorService()], loops: false })
    const { jobs } = await stateOf('author', host)
    assert.deepEqual(
      jobs.map(({ id }) => id),
      [...Array.from({ length: 20 }, (_, index) => 30 - index), 2, 1],
    )
  })
})

describe('the process that answers', () => {
  test('has a name of its own, the same as long as it runs', async () => {
    await using one = await startFixture(database, { services: [authorService()], loops: false })
    await using other = await startFixture(database, { services: [authorService()], loops: false })
    const [first, again, second] = [
      await stateOf('author', one),
      await stateOf('author', one),
      await stateOf('author', other),
    ]
    assert.equal(first.instance, again.instance)
    assert.notEqual(first.instance, second.instance)
    assert.ok(Date.parse(first.startedAt) <= Date.parse(first.now))
  })

  test('says what it waits for and what troubles it', async () => {
    const { producer, consumer } = handMade()
    // Nobody runs the stream's producer here.
    await using host = await startFixture(database, { services: [archiveService([consumer])] })
    const state = await eventually('the reader is in trouble', async () => {
      const each = await stateOf('archive', host)
      return Object.keys(each.troubles).length > 0 && each
    })
    const loop = `consumer ${consumer.name} of ${producer.stream}`
    assert.ok(state.troubles[loop])
    assert.match(state.undelivered[0]?.reason ?? '', /producer unreachable/)
  })
})

describe('an old snapshot', () => {
  test('shows its age, also one of a role whose sessions are not ours to see', async () => {
    await using host = await startFixture(database, { services: [authorService()], loops: false })
    const age = async () => (await stateOf('author', host)).stream.oldestSnapshotMs
    const client = new pg.Client(database.adminConnection)
    await client.connect()
    try {
      await client.query('begin isolation level repeatable read')
      await client.query('select 1')
      // As time goes by, others commit.
      await eventually('the age is above 50 ms', async () => {
        await saying(authors, 3, 'more')
        return (await age()) > 50
      })
      await client.query('commit')
      assert.ok((await age()) < 50)
    } finally {
      await client.end()
    }
  })
})
