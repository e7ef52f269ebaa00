// Transactions on a database that stops answering: nobody waits past their deadline, and is told what is known.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import type pg from 'pg'
import type { TransactionOptions } from '../../kernel/ports.ts'
import { isTransient } from '../../kernel/failure.ts'
import { Fault, type FaultKind } from '../../kernel/result.ts'
import { forItsValues } from '../../kernel/search.ts'
import { freshDatabase } from '../../tests/support/server.ts'
import { silent } from '../../tests/support/silent.ts'
import { openPostgres } from './postgres.ts'

const reach = ({ host = '', port = 5432 }: pg.ClientConfig): Socket =>
  host.startsWith('/') ? createConnection(join(host, `.s.PGSQL.${port}`)) : createConnection(port, host)

/** A way to the server on which its answers can be held back, the connections cut, and what is sent be counted. */
const openWay = async (server: pg.ClientConfig) => {
  const host = await mkdtemp(join(tmpdir(), 'ates-way-'))
  const sockets: Socket[] = []
  const answers: Socket[] = []
  let sent = 0
  const listening = createServer((client) => {
    const database = reach(server)
    answers.push(database)
    sockets.push(client, database)
    client.pipe(database).pipe(client)
    client.on('data', () => (sent += 1))
    for (const socket of [client, database]) socket.on('error', () => undefined)
  })
  listening.listen(join(host, '.s.PGSQL.5432'))
  await once(listening, 'listening')
  return {
    connection: { ...server, host, port: 5432 },
    hold: () => answers.forEach((socket) => socket.unpipe().pause()),
    cut: () => sockets.forEach((socket) => socket.destroy()),
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      listening.close()
      await rm(host, { recursive: true, force: true })
    },
  }
}

const openScene = async () => {
  const server = await freshDatabase(['parrots'])
  await server.query('create table parrots.feather (id int)')
  await server.query('grant all on parrots.feather to ates_parrots')
  const way = await openWay(server.connection('parrots'))
  const options = { schema: 'parrots', maxConnections: 4, namedStatements: true, log: silent }
  const database = openPostgres({ ...options, connection: way.connection })
  return {
    server,
    hold: way.hold,
    cut: way.cut,
    sent: way.sent,
    database,
    async [Symbol.asyncDispose]() {
      await way[Symbol.asyncDispose]()
      await database.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

const isFault = (kind: FaultKind) => (error: unknown) => error instanceof Fault && error.kind === kind

const feathers = async ({ server }: Awaited<ReturnType<typeof openScene>>) =>
  (await server.query('select from parrots.feather')).length

test('a statement that is never answered ends at the deadline, without effect', { timeout: 20_000 }, async () => {
  await using scene = await openScene()
  const { database, hold } = scene
  const work = database.transaction(
    'pluck',
    (tx) => {
      hold()
      return sql`insert into parrots.feather values (1)`.execute(tx)
    },
    { deadlineMs: performance.now() + 500 },
  )
  await assert.rejects(work, isFault('deadline'))
  assert.equal(await feathers(scene), 0)
})

test('a commit that is never answered ends at the deadline, and is not known', { timeout: 20_000 }, async () => {
  await using scene = await openScene()
  const { database, hold } = scene
  const work = database.transaction(
    'pluck',
    async (tx) => {
      await sql`insert into parrots.feather values (1)`.execute(tx)
      hold()
    },
    { deadlineMs: performance.now() + 500 },
  )
  await assert.rejects(work, isFault('outcome_unknown'))
  assert.equal(await feathers(scene), 1)
})

test('a connection that is lost before the commit is sent leaves nothing unknown', async () => {
  await using server = await freshDatabase(['parrots'])
  const lost = Promise.withResolvers<void>()
  const log = {
    ...silent,
    debug: (_fields: object, message: string) => message === 'connection lost' && lost.resolve(),
  }
  const options = { schema: 'parrots', maxConnections: 1, namedStatements: true, log }
  const database = openPostgres({ ...options, connection: server.connection('parrots') })
  const work = database.transaction('commit', async (tx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
    await server.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await lost.promise
  })
  await assert.rejects(work, (error: unknown) => isTransient(error) && !(error instanceof Fault))
  await database.close()
})

describe('what sets a transaction up goes to the server with its first statement', () => {
  const limited = { readOnly: true, deadlineMs: performance.now() + 60_000 }
  const settings = sql<{ limit: string; mode: string; isolation: string }>`
    select current_setting('statement_timeout') as limit, current_setting('transaction_read_only') as mode,
      current_setting('transaction_isolation') as isolation`

  for (const [what, first, ways] of [
    ['when that has no values', sql`select`, 3],
    ['before it when it has some', sql`select ${1}::int`, 4],
  ] as const) {
    test(what, async () => {
      await using scene = await openScene()
      await scene.database.transaction('connect', (tx) => sql`select`.execute(tx))
      const before = scene.sent()
      const { rows } = await scene.database.transaction(
        'look',
        async (tx) => {
          await first.execute(tx)
          return settings.execute(tx)
        },
        limited,
      )
      assert.equal(scene.sent() - before, ways)
      assert.match(rows[0]?.limit ?? '', /^[1-9]\d*(?:ms|s)$/)
      assert.deepEqual([rows[0]?.mode, rows[0]?.isolation], ['on', 'repeatable read'])
    })
  }

  test('and is not left for the next transaction when there was none', async () => {
    await using scene = await openScene()
    await scene.database.transaction('nothing', () => Promise.resolve(), limited)
    const { rows } = await scene.database.transaction('look', (tx) => settings.execute(tx))
    assert.deepEqual([rows[0]?.mode, rows[0]?.isolation], ['off', 'read committed'])
  })
})

describe('what only read has no unknown outcome', () => {
  const reading = { readOnly: true }

  test('when the answer to its commit is lost, it is unavailable', { timeout: 20_000 }, async () => {
    await using scene = await openScene()
    const look = (options: TransactionOptions) =>
      scene.database.transaction(
        'look',
        async (tx) => {
          await sql`select from parrots.feather`.execute(tx)
          scene.cut()
        },
        options,
      )
    await assert.rejects(look(reading), isFault('unavailable'))
    await assert.rejects(look({}), isFault('outcome_unknown'))
  })

  test('when its commit is never answered, it is late', { timeout: 20_000 }, async () => {
    await using scene = await openScene()
    const look = scene.database.transaction(
      'look',
      async (tx) => {
        await sql`select from parrots.feather`.execute(tx)
        scene.hold()
      },
      { ...reading, deadlineMs: performance.now() + 500 },
    )
    await assert.rejects(look, isFault('deadline'))
  })
})

test('a connection that is never made ends at the deadline', { timeout: 20_000 }, async () => {
  await using scene = await openScene()
  const { database, hold } = scene
  await database.transaction('look', (tx) => sql`select from parrots.feather`.execute(tx))
  hold()
  const work = database.transaction('look', (tx) => sql`select from parrots.feather`.execute(tx), {
    deadlineMs: performance.now() + 500,
  })
  await assert.rejects(work, isFault('deadline'))
})

test('what no one plan fits is not prepared, and everything else once', async () => {
  await using scene = await openScene()
  const { database } = scene
  const prepared = await database.transaction('look', async (tx) => {
    for (let time = 0; time < 2; time += 1) {
      await sql`select from parrots.feather where id = ${1}`.execute(tx)
      await sql`select id from parrots.feather where id > ${time} ${forItsValues}`.execute(tx)
    }
    const { rows } = await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(tx)
    return rows.map(({ statement }) => statement)
  })
  assert.deepEqual(prepared, ['select from parrots.feather where id = $1'])
})
