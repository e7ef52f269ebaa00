// A replay loses nothing and leaves nothing behind: not when events are decided meanwhile, not when it fails, not
// beside those who read what it swaps.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import pg from 'pg'
import type { Postgres } from '../adapters/database/postgres.ts'
import { accounting } from '../services/accounting/contract.ts'
import { eventually } from '../tests/support/eventually.ts'
import { applyingOn, handMade, openPositionOf, parkedBy } from '../tests/support/fixture-producer.ts'
import { type Before, raise } from '../tests/support/fixture-service.ts'
import { fixtureDatabase, keptBy, upTo } from '../tests/support/fixture-system.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { addPeople, as, startSystem, type System } from '../tests/support/system.ts'
import { addTasks, inTurn } from '../tests/support/tasks.ts'
import { applyRun } from './apply.ts'
import type { ReadLog } from './consume.ts'
import { discardParked, retryParked } from './parked.ts'
import { replay } from './replay.ts'
import { must } from './result.ts'

let database: TestDatabase
let archive: Postgres
before(async () => {
  database = await fixtureDatabase()
  archive = database.open('archive')
})
after(() => database[Symbol.asyncDispose]())
beforeEach(() => database.query('truncate archive.kept'))

const decider = { by: 7, now: new Date('2030-01-02T03:04:05Z') }

/** A consumer that has applied what was said; its handler refuses the events whose numbers are `broken`. */
const archived = async (count: number, { before: more, derived = ['kept'] }: Archived = {}) => {
  const broken = new Set<number>()
  const made = handMade({
    before: async (events, context) => {
      if (events.some(({ number }) => broken.has(number))) await raise(context.tx, '22012')
      await more?.(events, context)
    },
  })
  const { producer } = made
  const consumer = { ...made.consumer, derived }
  const applying = applyingOn(archive, consumer)
  await openPositionOf(archive, consumer)
  const sayAndApply = (more: number) => {
    const from = producer.head + 1
    return applyRun(applying, producer.say(more).batch(from, from + more - 1))
  }
  broken.add(3)
  await sayAndApply(count)
  return {
    producer,
    consumer,
    broken,
    sayAndApply,
    replay: (meanwhile: () => Promise<unknown> = () => Promise.resolve()) =>
      replay({ applying, swap: true, readLog: once(producer.readLog, meanwhile) }),
    retry: (number: number) => {
      broken.delete(number)
      return archive.transaction('retry', (tx) => retryParked(applying, tx, number, decider))
    },
    discard: (number: number) =>
      archive.transaction('discard', (tx) => discardParked(applying, tx, number, { ...decider, reason: 'wrong' })),
    kept: async () => (await keptBy(database, consumer.name)).toSorted((a, b) => a - b),
  }
}

interface Archived {
  readonly before?: Before
  readonly derived?: readonly string[]
}

/** Reads the log, and does something the first time after it was read. */
const once = (readLog: ReadLog, meanwhile: () => Promise<unknown>): ReadLog => {
  let done = false
  return async (...asked) => {
    const batch = await readLog(...asked)
    if (!done) {
      done = true
      await meanwhile()
    }
    return batch
  }
}

const assertNothingLeft = async () => {
  const tables = await database.query(`select relname from pg_class where relkind = 'r' and relname like '%\\_replay%'`)
  const rows = await database.query(`
    select consumer from archive.position where consumer like '%\\_replay%'
    union all select consumer from archive.parked where consumer like '%\\_replay%'`)
  assert.deepEqual([tables, rows], [[], []])
}

const meanwhileDecided = /parked or decided meanwhile/

describe('a replay that is to be swapped in', () => {
  test('is refused when a parked event was retried meanwhile, and the event stays applied', async () => {
    const { replay: run, retry, kept, consumer } = await archived(4)
    assert.deepEqual(await parkedBy(database, consumer), [3])
    await assert.rejects(
      run(() => retry(3)),
      meanwhileDecided,
    )
    assert.deepEqual(await kept(), upTo(4))
    await assertNothingLeft()
    assert.equal((await run()).swapped, true)
    assert.deepEqual(await kept(), upTo(4))
  })

  test('is refused when an event was parked meanwhile that it could apply: its retry would be its second effect', async () => {
    const { replay: run, retry, kept, broken, sayAndApply } = await archived(2)
    const park = async () => {
      await sayAndApply(1)
      broken.clear()
    }
    await assert.rejects(run(park), meanwhileDecided)
    assert.deepEqual(await kept(), [1, 2])
    assert.equal(await retry(3), 'applied')
    assert.deepEqual(await kept(), [1, 2, 3])
    await assertNothingLeft()
  })

  test('leaves out what was discarded, whenever that was decided', async () => {
    const { replay: run, discard, kept } = await archived(4)
    assert.equal((await run(() => discard(3))).swapped, true)
    assert.deepEqual(await kept(), [1, 2, 4])
    assert.equal((await run()).swapped, true)
    assert.deepEqual(await kept(), [1, 2, 4])
  })

  test('takes in what is said meanwhile', async () => {
    const { replay: run, sayAndApply, kept } = await archived(4)
    const { upTo: reached, swapped } = await run(async () => {
      await sayAndApply(1)
      await sayAndApply(2)
    })
    assert.deepEqual([reached, swapped], [7, true])
    assert.deepEqual(await kept(), [1, 2, 4, 5, 6, 7])
  })
})

test('an event that was mended before it was applied is replayed as it was mended', async () => {
  const { replay: run, retry, kept, consumer } = await archived(4)
  await database.query(
    `update archive.parked set data = data || '{"text": "mended"}' where consumer = $1 and number = 3`,
    [consumer.name],
  )
  assert.equal(await retry(3), 'applied')
  const texts = async () => {
    const rows = await database.query('select text from archive.kept where consumer = $1 order by number', [
      consumer.name,
    ])
    return rows.map(({ text }) => text)
  }
  const before = await texts()
  assert.equal(before[2], 'mended')
  const { swapped } = await run()
  assert.deepEqual([swapped, await texts(), await kept()], [true, before, upTo(4)])
})

describe('of two replays at once', () => {
  test('the later one goes on, and the earlier one ends without touching it', async () => {
    const { replay: run, kept } = await archived(9)
    const begun = Promise.withResolvers<void>()
    const other = Promise.withResolvers<void>()
    const earlier = run(async () => {
      begun.resolve()
      await other.promise
    })
    await begun.promise
    // The later one has made its shadows when the earlier one goes on to fill what it takes for its own.
    const later = run(async () => {
      other.resolve()
      await assert.rejects(earlier, /another replay of Keep\d+ has begun meanwhile/)
    })
    assert.equal((await later).swapped, true)
    assert.deepEqual(await kept(), [1, 2, ...upTo(6, 4)])
    await assertNothingLeft()
  })

  test('the earlier one may have been killed: what it left is cleared away', async () => {
    const { replay: run, kept, consumer } = await archived(4)
    await database.query(`create table archive.kept_replay as table archive.kept`)
    await database.query(`alter table archive.kept_replay owner to ates_archive`)
    await database.query(`insert into archive.position (consumer, stream) values ($1, $2)`, [
      `${consumer.name}_replay_0a1b2c3d`,
      consumer.stream,
    ])
    assert.equal((await run()).swapped, true)
    assert.deepEqual(await kept(), [1, 2, 4])
    await assertNothingLeft()
  })
})

describe('a replay that fails', () => {
  test('because an event cannot be applied again names the event, and changes and leaves nothing', async () => {
    const { replay: run, kept } = await archived(9, {
      before: async (events, { tx, replaying }) => {
        if (replaying && events.some(({ number }) => number === 7)) await raise(tx, '23514')
      },
    })
    const live = await kept()
    await assert.rejects(run(), /stopped at event 7, which failed: .*23514/)
    assert.deepEqual(await kept(), live)
    await assertNothingLeft()
  })

  test('because the log cannot be read changes and leaves nothing', async () => {
    const { replay: run, kept, producer } = await archived(5)
    producer.unreachable = new Error('nobody there')
    await assert.rejects(run(), /nobody there/)
    assert.deepEqual(await kept(), [1, 2, 4, 5])
    await assertNothingLeft()
  })
})

/** A reader on a connection of its own, in one transaction that sees one moment; never the victim of a deadlock. */
const openReader = async (at: TestDatabase, schema: string) => {
  const client = new pg.Client(at.adminConnection)
  await client.connect()
  await client.query(`set deadlock_timeout = '30s'`)
  await client.query('begin isolation level repeatable read read only')
  return {
    read: (table: string) => client.query(`select from ${schema}.${table}`),
    waitsAtMost: (limit: string) => client.query(`set lock_timeout = '${limit}'`),
    commit: () => client.query('commit'),
    [Symbol.asyncDispose]: () => client.end(),
  }
}

const swapWaits = (at: TestDatabase) =>
  eventually('the swap waits for the reader', async () => {
    const waiting = await at.query(`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query ilike 'drop table%'`)
    return waiting.length > 0
  })

describe('beside who reads the tables', () => {
  test('in another order, the swap loses and succeeds the next time; the reader notices nothing', async () => {
    await database.query('create table archive.noted (id int)')
    await database.query('alter table archive.noted owner to ates_archive')
    const { replay: run, kept } = await archived(5, { derived: ['kept', 'noted'] })
    await using reader = await openReader(database, 'archive')
    await reader.read('noted')
    const replaying = run()
    await swapWaits(database)
    await reader.read('kept')
    await reader.commit()
    assert.equal((await replaying).swapped, true)
    assert.deepEqual(await kept(), [1, 2, 4, 5])
    await assertNothingLeft()
  })
})

const differencesOf = async ({ call }: System) =>
  must(await call(accounting.verifyLedger, {}, as({ id: 1, role: 'admin' }))).differences

describe('the ledger', () => {
  let system: System
  let popugId = 0
  before(async () => {
    system = await startSystem()
    const [popug, other] = await addPeople(system, ['popug', 'popug'])
    popugId = popug?.id ?? 0
    await addTasks(system, inTurn(60, [popugId, other?.id ?? 0]))
    await system.host.settle()
  })
  after(() => system[Symbol.asyncDispose]())

  test('is swapped beside a page of an account that is read slowly, and the page waits for nothing', async () => {
    await using reader = await openReader(system.database, 'accounting')
    await reader.waitsAtMost('100ms')
    await reader.read('account')
    await reader.read('account_day')
    const replaying = system.host.replay('accounting', { swap: true })
    await swapWaits(system.database)
    await reader.read('posting')
    await reader.commit()
    assert.equal((await replaying).swapped, true)
    assert.deepEqual(await differencesOf(system), [])
  })

  test('is whole to a page that began before the replay: the swap waits until it has ended', async () => {
    const page = new pg.Client(system.database.connection('accounting'))
    await page.connect()
    await using _ = { [Symbol.asyncDispose]: () => page.end() }
    await page.query('begin isolation level repeatable read read only')
    // A slow page works all the time; this one is only held open, for as long as the replay takes to come to its swap.
    await page.query('set local idle_in_transaction_session_timeout = 0')
    await page.query('select clock_timestamp()')
    const replaying = system.host.replay('accounting', { swap: true })
    const waits = eventually('the swap waits or is done', async () => {
      const waiting = await system.database.query(
        `select from pg_stat_activity where pid <> pg_backend_pid() and query like '%backend_xmin%'`,
      )
      return waiting.length > 0
    })
    await Promise.race([replaying, waits])
    const { rowCount } = await page.query('select from accounting.posting')
    await page.query('commit')
    assert.equal(rowCount, 60)
    assert.equal((await replaying).swapped, true)
    assert.deepEqual(await differencesOf(system), [])
  })

  test('is called as before, with all that belongs to it, after a swap', async () => {
    const names = () =>
      system.database.query(`
        select c.relname as name, pg_get_indexdef(c.oid) as what from pg_class c
        where c.relnamespace = 'accounting'::regnamespace and c.relkind = 'i'
        union all select conname, pg_get_constraintdef(oid) from pg_constraint where connamespace = 'accounting'::regnamespace
        union all select tgname, tgrelid::regclass::text from pg_trigger where not tgisinternal order by 1, 2`)
    const before = await names()
    assert.ok(before.some(({ name }) => name === 'one_fee_per_assignment'))
    assert.equal((await system.host.replay('accounting', { swap: true })).swapped, true)
    assert.deepEqual(await names(), before)
  })

  test('is swapped while accounts are read all the time: every page is whole', async () => {
    const pageOf = async () => {
      const account = { popugId, limit: 100 }
      const { balanceCents, lines } = must(
        await system.call(accounting.getAccountInfo, account, as({ id: popugId, role: 'popug' })),
      )
      return { balanceCents, lines: lines.length }
    }
    const whole = await pageOf()
    assert.equal(whole.lines, 30)
    let reading = true
    const seen: unknown[] = []
    const readers = [1, 2, 3].map(async () => {
      while (reading) seen.push(await pageOf())
    })
    const swaps = async () => {
      for (let time = 0; time < 3; time += 1) {
        assert.equal((await system.host.replay('accounting', { swap: true })).swapped, true)
      }
    }
    await swaps().finally(() => (reading = false))
    await Promise.all(readers)
    assert.ok(seen.length > 3)
    assert.deepEqual(
      seen.filter((page) => JSON.stringify(page) !== JSON.stringify(whole)),
      [],
    )
    assert.deepEqual(await differencesOf(system), [])
  })
})
