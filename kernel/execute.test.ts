// How one call runs: role, input, one transaction, output; and what is left behind whichever way it ends.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import { type Aviary, startAviary } from '../tests/support/aviary.ts'
import { as, codeOf, feed, keyed, nothing, one, seeds } from '../tests/support/feeding.ts'
import { type During, parrots, rottenDetail } from '../tests/support/parrots.ts'
import type { Database, Log } from './ports.ts'
import { Fault, type FaultKind, isRefusal } from './result.ts'

const isFault = (kind: FaultKind) => (error: unknown) => {
  assert.ok(error instanceof Fault, `not a Fault: ${String(error)}`)
  assert.equal(error.kind, kind)
  return true
}

/** Waits until a moment of `performance.now()` is over. */
const passed = async (momentMs: number) => {
  await once(AbortSignal.timeout(Math.ceil(momentMs - performance.now()) + 1), 'abort')
}

/** Kills the connection of the transaction it is called in, the first `times` times. */
const killing = (times: number): During => {
  let left = times
  return async ({ tx }) => {
    left -= 1
    if (left >= 0) await sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx)
  }
}

describe('a call', () => {
  test('has its effect, its event and its kept answer in one commit', async () => {
    await using aviary = await startAviary()
    const outcome = await feed(aviary, seeds, keyed('k1'))
    assert.deepEqual(outcome, { ok: { mealId: 1, parrotId: 1, food: 'seeds', grams: 10, by: 7 } })
    assert.deepEqual(await aviary.traces(), one)
    const [event] = await aviary.server.query(
      'select type, version, about, data, request_id, actor from parrots.outbox',
    )
    const data = { parrotId: 1, mealId: 1 }
    assert.deepEqual(event, { type: 'Fed', version: 1, about: '1', data, request_id: 'request-1', actor: 7 })
  })

  test('of a method that there is not is refused', async () => {
    await using aviary = await startAviary()
    const call = { service: 'parrots', method: 'Teach', input: {}, ...as(), deadlineMs: Infinity }
    assert.deepEqual(await aviary.execute(call), { refused: 'unknown_method', detail: { method: 'Teach' } })
  })

  test('is refused by role before its input is looked at', async () => {
    await using aviary = await startAviary()
    const wrong = { parrotId: 0, food: '' }
    assert.equal(codeOf(await feed(aviary, wrong, as({ actor: { id: null, role: '' } }))), 'unauthenticated')
    assert.equal(codeOf(await feed(aviary, wrong, as({ actor: { id: 3, role: 'accountant' } }))), 'forbidden')
    assert.equal(codeOf(await feed(aviary, wrong, as({ actor: { id: 3, role: 'Popug' } }))), 'forbidden')
    assert.equal(codeOf(await feed(aviary, wrong)), 'invalid_input')
  })

  test('with wrong input is told each field that is wrong, and leaves nothing behind', async () => {
    await using aviary = await startAviary()
    const outcome = await feed(aviary, { parrotId: 0, food: ' ' }, keyed('k1'))
    assert.ok(isRefusal(outcome))
    const { fields } = outcome.detail as { fields: { path: string }[] }
    assert.deepEqual(
      fields.map(({ path }) => path),
      ['parrotId', 'food'],
    )
    assert.deepEqual(await aviary.traces(), nothing)
  })

  test('that is refused after it has written rolls back everything, its key too', async () => {
    await using aviary = await startAviary()
    const codes = { rotten: 'rotten', nothing: 'no_such_parrot', enough: 'not_hungry', stolen: 'not_your_parrot' }
    for (const [food, code] of Object.entries(codes)) {
      assert.equal(codeOf(await feed(aviary, { parrotId: 1, food }, keyed('k1'))), code)
      assert.deepEqual(await aviary.traces(), nothing)
    }
  })

  test('hands the detail of a refusal to the caller', async () => {
    await using aviary = await startAviary()
    const outcome = await feed(aviary, { parrotId: 1, food: 'rotten' })
    assert.deepEqual(outcome, { refused: 'rotten', detail: rottenDetail })
  })

  test('whose handler throws is an internal fault with its cause, and leaves nothing behind', async () => {
    await using aviary = await startAviary()
    await assert.rejects(feed(aviary, { parrotId: 1, food: 'poison' }, keyed('k1')), (error: unknown) => {
      isFault('internal')(error)
      assert.match(String((error as Error).cause), /fell off its perch/)
      return true
    })
    assert.deepEqual(await aviary.traces(), nothing)
  })

  test('whose output the contract does not allow is an internal fault, and leaves nothing behind', async () => {
    await using aviary = await startAviary()
    await assert.rejects(feed(aviary, { parrotId: 1, food: 'mystery' }, keyed('k1')), isFault('internal'))
    assert.deepEqual(await aviary.traces(), nothing)
  })

  test('of a query cannot write, whatever its handler tries', async () => {
    await using aviary = await startAviary({
      during: async ({ tx }) => {
        await sql`insert into parrots.meal (parrot_id, food, grams) values (1, 'crumbs', 1)`.execute(tx)
      },
    })
    await assert.rejects(aviary.call(parrots.listMeals, { parrotId: 1 }, as()), isFault('internal'))
    assert.deepEqual(await aviary.traces(), nothing)
  })
})

describe('a deadline', () => {
  test('that has passed before the call begins is a fault, and nothing is begun', async () => {
    let begun = 0
    const decorate = (database: Database): Database => ({
      ...database,
      transaction: (name, work, options) => {
        begun += name === 'parrots.Feed' ? 1 : 0
        return database.transaction(name, work, options)
      },
    })
    await using aviary = await startAviary({ decorate })
    await assert.rejects(feed(aviary, seeds, as({ timeoutMs: 0 })), isFault('deadline'))
    assert.deepEqual([begun, await aviary.traces()], [1, nothing])
  })

  test('that passes after the last statement and before the commit leaves nothing behind', async () => {
    await using aviary = await startAviary({ during: () => passed(performance.now() + 500) })
    await assert.rejects(feed(aviary, seeds, keyed('k1', { timeoutMs: 500 })), isFault('deadline'))
    assert.deepEqual(await aviary.traces(), nothing)
  })

  test('bounds each statement: a sleeping one ends with it, and nothing is left behind', async () => {
    await using aviary = await startAviary({
      during: async ({ tx }) => {
        await sql`select pg_sleep(30)`.execute(tx)
      },
    })
    const begun = performance.now()
    await assert.rejects(feed(aviary, seeds, keyed('k1', { timeoutMs: 200 })), isFault('deadline'))
    const tookMs = performance.now() - begun
    assert.ok(tookMs >= 195 && tookMs < 10_000, `took ${tookMs} ms`)
    assert.deepEqual(await aviary.traces(), nothing)
  })

  test('that passes while the server commits does not undo it: the answer is given, the effect stays', async () => {
    await using aviary = await startAviary()
    await atCommit(aviary, 'perform pg_sleep(1.6);')
    const begun = performance.now()
    assert.equal(codeOf(await feed(aviary, seeds, keyed('k1', { timeoutMs: 1_500 }))), 'ok')
    assert.ok(performance.now() - begun > 1_500)
    assert.deepEqual(await aviary.traces(), one)
  })

  test('that passes after the commit changes nothing: the answer is given, the effect stays', async () => {
    const decorate = (database: Database): Database => ({
      ...database,
      transaction: async (name, work, options) => {
        const result = await database.transaction(name, work, options)
        if (name === 'parrots.Feed') await passed(options?.deadlineMs ?? 0)
        return result
      },
    })
    await using aviary = await startAviary({ decorate })
    assert.equal(codeOf(await feed(aviary, seeds, keyed('k1', { timeoutMs: 1_500 }))), 'ok')
    assert.deepEqual(await aviary.traces(), one)
  })
})

/** Runs plpgsql while a transaction that fed a parrot commits. */
const atCommit = async ({ server }: Aviary, statements: string) => {
  await server.query(`create function parrots.at_commit() returns trigger language plpgsql security definer as $$
    begin ${statements} return null; end $$`)
  await server.query(`create constraint trigger at_commit after insert on parrots.meal
    deferrable initially deferred for each row execute function parrots.at_commit()`)
}

describe('a lost connection', () => {
  test('before the commit is tried again: one effect', async () => {
    await using aviary = await startAviary({ during: killing(1) })
    assert.equal(codeOf(await feed(aviary, seeds)), 'ok')
    assert.deepEqual(await aviary.traces(), { ...one, keys: 0 })
  })

  test('before each of three commits: unavailable, and nothing is left behind', async () => {
    const warnings: object[] = []
    const log: Log = { ...silentLog, warn: (fields) => void warnings.push(fields) }
    await using aviary = await startAviary({ during: killing(3), log })
    await assert.rejects(feed(aviary, seeds, keyed('k1')), isFault('unavailable'))
    assert.deepEqual(await aviary.traces(), nothing)
    assert.equal(warnings.filter((fields) => 'attempt' in fields).length, 2)
  })

  /** Dies within the server's COMMIT, the first time: nothing is committed, and nobody can know that. */
  const dyingCommit = async (aviary: Aviary) => {
    await aviary.server.query('create sequence parrots.commits')
    await atCommit(
      aviary,
      `if nextval('parrots.commits') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if;`,
    )
  }

  test('during the commit, without a key: the outcome is unknown, and it is not tried again', async () => {
    await using aviary = await startAviary()
    await dyingCommit(aviary)
    await assert.rejects(feed(aviary, seeds), isFault('outcome_unknown'))
    assert.deepEqual(await aviary.traces(), nothing)
  })

  test('during the commit, with a key: it is tried again and has its effect once', async () => {
    await using aviary = await startAviary()
    await dyingCommit(aviary)
    assert.equal(codeOf(await feed(aviary, seeds, keyed('k1'))), 'ok')
    assert.deepEqual(await aviary.traces(), one)
  })

  /** Commits, and loses the answers of the first `times` commits; later ones end as `then` says. */
  const losingAnswers = (times: number, then?: () => never) => {
    let left = times
    return (database: Database): Database => ({
      ...database,
      transaction: async (name, work, options) => {
        if (name !== 'parrots.Feed') return database.transaction(name, work, options)
        left -= 1
        if (left < 0 && then) then()
        const result = await database.transaction(name, work, options)
        if (left >= 0) throw new Fault('outcome_unknown', 'the answer was lost')
        return result
      },
    })
  }

  test('after the commit, without a key: the outcome is unknown, the effect is there once', async () => {
    await using aviary = await startAviary({ decorate: losingAnswers(1) })
    await assert.rejects(feed(aviary, seeds), isFault('outcome_unknown'))
    assert.deepEqual(await aviary.traces(), { ...one, keys: 0 })
  })

  test('after the commit, with a key: the kept answer is found, the effect is there once', async () => {
    await using aviary = await startAviary({ decorate: losingAnswers(2) })
    const outcome = await feed(aviary, seeds, keyed('k1'))
    assert.deepEqual(outcome, { ok: { mealId: 1, parrotId: 1, food: 'seeds', grams: 10, by: 7 } })
    assert.deepEqual(await aviary.traces(), one)
  })

  test('after the commit, and then no connection at all: the outcome stays unknown, for the effect is there', async () => {
    const refused = (): never => {
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    }
    await using aviary = await startAviary({ decorate: losingAnswers(1, refused) })
    await assert.rejects(feed(aviary, seeds, keyed('k1')), isFault('outcome_unknown'))
    assert.deepEqual(await aviary.traces(), one)
  })

  test('after the commit, and then no time: the outcome stays unknown, for the effect is there', async () => {
    const late = (): never => {
      throw new Fault('deadline', 'no time left to begin')
    }
    await using aviary = await startAviary({ decorate: losingAnswers(1, late) })
    await assert.rejects(feed(aviary, seeds, keyed('k1')), isFault('outcome_unknown'))
    assert.deepEqual(await aviary.traces(), one)
  })
})

const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silentLog }
