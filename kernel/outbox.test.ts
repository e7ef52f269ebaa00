// Events are committed with the change that they tell of, or neither is.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Postgres } from '../adapters/database/postgres.ts'
import { author, authorService, type Meanwhile } from '../tests/support/fixture-service.ts'
import { asWriter, fixtureDatabase, startFixture, upTo } from '../tests/support/fixture-system.ts'
import { seededRandom } from '../tests/support/random.ts'
import type { TestDatabase } from '../tests/support/server.ts'
import { abortingAt, onTransaction } from '../tests/support/wrapped.ts'
import type { Behalf } from './caller.ts'
import { insertOutbox, largestEventBytes, outboxOf } from './outbox.ts'
import type { Database } from './ports.ts'
import { Fault } from './result.ts'

let database: TestDatabase
before(async () => {
  database = await fixtureDatabase()
})
after(() => database[Symbol.asyncDispose]())

let lastPage = 0

/** A page of its own, how to write on it, and what is left of that: lines of the page and lines that were said. */
const onePage = async (meanwhile?: Meanwhile, decorate?: (database: Database) => Database) => {
  lastPage += 1
  const page = lastPage
  const service = authorService(meanwhile ? { meanwhile } : {})
  const host = await startFixture(database, { services: [service], loops: false, ...(decorate ? { decorate } : {}) })
  return {
    write: (texts: string[], behalf: Partial<Behalf> = {}) =>
      host.call(author.write, { page, texts }, asWriter(behalf)),
    left: async () => {
      const [row] = await database.query(
        `select coalesce((select lines from author.page where page = $1), 0) as changed,
           (select count(*)::int from author.outbox where about = $1::text and type = 'LineWritten') as said`,
        [page],
      )
      return row
    },
    [Symbol.asyncDispose]: () => host.stop(),
  }
}

const both = (count: number) => ({ changed: count, said: count })

/** The text that makes an event of this many bytes. */
const textOf = (bytes: number, page: number): string => {
  const rest = Buffer.byteLength(JSON.stringify({ page, line: 1, text: '' }))
  return 'x'.repeat(bytes - rest)
}

describe('a change and its events', () => {
  test('are committed together', async () => {
    await using page = await onePage()
    assert.deepEqual(await page.write(['a', 'b', 'c']), { ok: { page: lastPage, lines: 3 } })
    assert.deepEqual(await page.left(), both(3))
  })

  const undone: Readonly<Record<string, { meanwhile?: Meanwhile; texts?: string[] }>> = {
    'when the handler refuses in the end': { texts: ['torn'] },
    'when the handler throws in the end': { meanwhile: () => Promise.reject(new Error('a bug')) },
    'when a statement after the change fails': {
      meanwhile: async (_texts, { tx }) => void (await sql`select 1 / 0`.execute(tx)),
    },
    'when the database cannot keep an event': { texts: ['fine', 'a NUL \0'] },
    'when one of the events is too large': { texts: ['fine', 'x'.repeat(largestEventBytes)] },
  }
  for (const [when, { meanwhile, texts = ['a', 'b'] }] of Object.entries(undone)) {
    test(`are both undone ${when}`, async () => {
      await using page = await onePage(meanwhile)
      const outcome = await page.write(texts).catch((error: unknown) => error)
      assert.ok(!('ok' in (outcome as object)))
      assert.deepEqual(await page.left(), both(0))
    })
  }

  test('are undone with a connection that is cut before the commit, and made once when that is tried again', async () => {
    let cuts = 0
    await using page = await onePage(async (_texts, { tx }) => {
      if (cuts++ > 0) return
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
      await database.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    })
    await page.write(['a', 'b'])
    assert.equal(cuts, 2)
    assert.deepEqual(await page.left(), both(2))
  })

  test('are both undone when the transaction fails after its last statement', async () => {
    await using page = await onePage(undefined, (inner) =>
      abortingAt(inner, 'author.Write', () => new Error('the process is gone')),
    )
    await assert.rejects(page.write(['a']))
    assert.deepEqual(await page.left(), both(0))
  })

  test('are both there when the answer to the commit was lost, and once when a key lets it be tried again', async () => {
    let lost = 0
    const losing = (inner: Database) =>
      onTransaction(inner, 'author.Write', async (run) => {
        const result = await run()
        if (lost++ % 2 === 0) throw new Fault('outcome_unknown', 'the answer was lost')
        return result
      })
    await using page = await onePage(undefined, losing)
    await assert.rejects(page.write(['a']), { kind: 'outcome_unknown' })
    assert.deepEqual(await page.left(), both(1))
    lost = 0
    await page.write(['b'], { idempotencyKey: crypto.randomUUID() })
    assert.equal(lost, 2)
    assert.deepEqual(await page.left(), both(2))
  })

  test('are never half committed by forty writers of one page, some of whom fail', async () => {
    await using page = await onePage((texts) =>
      texts[0]?.endsWith('3') ? Promise.reject(new Error('a bug')) : Promise.resolve(),
    )
    const outcomes = await Promise.allSettled(upTo(40).map((turn) => page.write([`${turn}`, 'and another'])))
    const written = outcomes.filter(({ status }) => status === 'fulfilled').length
    assert.equal(written, 36)
    assert.deepEqual(await page.left(), both(72))
  })
})

describe('an event', () => {
  const emitOne = (text: string) => {
    const { emit, collected } = outboxOf(seededRandom(1))
    emit(author.lineWritten, [{ page: 1, line: 1, text }])
    return collected
  }

  test('of 64 KB is said, and of one byte more is refused at the source', () => {
    assert.equal(largestEventBytes, 65_536)
    assert.equal(emitOne(textOf(largestEventBytes, 1)).length, 1)
    assert.throws(() => emitOne(textOf(largestEventBytes + 1, 1)), /LineWritten about 1 has 65537 bytes/)
  })

  test('is measured in bytes, not in letters', () => {
    assert.throws(() => emitOne('ж'.repeat(33_000)), /bytes/)
    assert.equal(emitOne('w'.repeat(33_000)).length, 1)
  })

  test('names its aggregate and has an id of its own', () => {
    const { emit, collected } = outboxOf(seededRandom(7))
    emit(
      author.lineWritten,
      upTo(50).map((line) => ({ page: 17, line, text: '' })),
    )
    emit(author.pageTurned, [{ page: 18, line: 10 }])
    assert.equal(new Set(collected.map(({ eventId }) => eventId)).size, 51)
    assert.deepEqual(
      collected.slice(49).map(({ type, version, about, data }) => ({ type, version, about, data })),
      [
        { type: 'LineWritten', version: 1, about: '17', data: { page: 17, line: 50, text: '' } },
        { type: 'PageTurned', version: 1, about: '18', data: { page: 18, line: 10 } },
      ],
    )
  })

  test('keeps its place among thousands that one transaction says', async () => {
    const { emit, collected } = outboxOf(seededRandom(3))
    emit(
      author.lineWritten,
      upTo(5_000).map((line) => ({ page: 999, line, text: 'x' })),
    )
    const one: Postgres = database.open('author')
    const origin = { at: new Date(), requestId: 'r', actor: null, trace: null }
    await one.transaction('many', (tx) => insertOutbox(tx, 'author', collected, origin))
    const [row] = await database.query<{ count: number; inOrder: boolean }>(`
      select count(*)::int as count, bool_and(line = place) as "inOrder" from (
        select (data->>'line')::int as line, row_number() over (order by id) as place
        from author.outbox where about = '999') as said`)
    assert.deepEqual(row, { count: 5_000, inOrder: true })
  })
})
