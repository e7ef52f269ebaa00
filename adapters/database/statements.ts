// How statements go to the server: prepared by name, and what sets up a transaction together with its first one.
import { createHash } from 'node:crypto'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type pg from 'pg'
import { unpreparedMark } from '../../kernel/search.ts'
import { arrayLiteral } from './array-literal.ts'

/** A statement's name is the hash of its text, so that each text is planned once per connection. */
const names = new Map<string, string>()
const nameOf = (text: string): string => {
  const known = names.get(text)
  if (known) return known
  const name = createHash('sha256').update(text).digest('base64url').slice(0, 20)
  if (names.size < 2_000) names.set(text, name)
  return name
}

/** Nothing is gained by preparing it. */
const isPlain = (text: string) =>
  text.includes(unpreparedMark) ||
  /^(?:begin|start|commit|rollback|savepoint|release|set|create|alter|drop)\b/i.test(text)

const sent = (value: unknown): unknown => (Array.isArray(value) ? arrayLiteral(value) : value)

/** What only sets up a transaction. Nobody needs its answer before that of the first statement of the transaction. */
const isSetUp = (text: string): boolean => /^(?:begin$|start transaction|set local )/.test(text)
const setUp = { command: 'SET', rowCount: 0, rows: [] }

/** Sends what sets up a transaction together with what follows, for each way to the server and back takes its time. */
const inFewWays = (send: Query): Query => {
  let ahead: readonly string[] = []
  return async (text, values) => {
    const first = ahead
    if (values.length === 0 && isSetUp(text)) {
      ahead = [...first, text]
      return setUp
    }
    ahead = []
    if (first.length === 0) return send(text, values)
    if (values.length === 0) return ((await send([...first, text].join('; '), [])) as unknown[]).at(-1)
    await send(first.join('; '), [])
    return send(text, values)
  }
}

type Query = (text: string, values: readonly unknown[]) => Promise<unknown>

/** The pool as kysely wants it, naming what is worth preparing. */
export const naming = (pool: pg.Pool, named: boolean): PostgresPool => {
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  const wrap = (client: pg.PoolClient): PostgresPoolClient => {
    const send: Query = (text, values) =>
      named && values.length > 0 && !isPlain(text)
        ? client.query({ name: nameOf(text), text, values: values.map(sent) })
        : client.query(text, values.map(sent))
    const release = (error?: Error | boolean) => client.release(error)
    return { query: inFewWays(send), release } as unknown as PostgresPoolClient
  }
  return {
    connect: async () => {
      const client = await pool.connect()
      const wrapped = clients.get(client) ?? wrap(client)
      clients.set(client, wrapped)
      return wrapped
    },
    end: () => pool.end(),
    options: pool.options,
  }
}
