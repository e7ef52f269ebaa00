// Slows down who guesses passwords: counts attempts in the database, for all replicas together.
import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { CompiledQuery, type Kysely } from 'kysely'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { isTransient } from '../../kernel/failure.ts'
import type { Throttle } from '../../kernel/ports.ts'

const table = 'sign_in_throttle'

/** Statements that create the table in which attempts are counted, for a migration. */
export const throttleTables = (schema: string): string[] => [
  `create table "${schema}"."${table}" (key varchar(255) primary key, points integer not null default 0, expire bigint)`,
  `create index "${table}_expire" on "${schema}"."${table}" (expire)`,
]

/**
 * Attempts within a time. One account from one address: somebody who guesses. One address: somebody who tries many
 * accounts. One account from anywhere: many who guess; so many that locking a person out takes an effort, too.
 */
const limits = {
  pair: { points: 5, duration: 15 * 60 },
  address: { points: 50, duration: 15 * 60 },
  account: { points: 100, duration: 60 * 60 },
} as const

type Limit = keyof typeof limits

/** A provider gives a whole /64 to one customer. */
const networkOf = (address: string): string => {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('%')[0]?.split('::') ?? []
  const [before, after] = [head, tail ?? ''].map((part) => part.split(':').filter(Boolean)) as [string[], string[]]
  const missing = tail === undefined ? 0 : 8 - before.length - after.length
  const all = [...before, ...Array.from({ length: missing }, () => '0'), ...after]
  return all
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')
}

/** Addresses of people are not kept here in plain. */
const hash = (text: string): string => createHash('sha256').update(text).digest('base64url')

const keysOf = (email: string, address: string): Record<Limit, string> => {
  const [account, network] = [hash(email.toLowerCase()), networkOf(address)]
  return { pair: `${account} ${network}`, address: network, account }
}

const names = Object.keys(limits) as Limit[]

export const signInThrottle = (kysely: Kysely<unknown>, schema: string): Throttle => {
  /** What the limiter takes for a pool of connections. */
  const storeClient = {
    query: async ({ text, values }: { text: string; values: unknown[] }) => {
      const run = () => kysely.executeQuery(CompiledQuery.raw(text, values))
      // A connection that died while idle: an attempt that is counted twice does no harm.
      const { rows, numAffectedRows } = await run().catch((error: unknown) => {
        if (isTransient(error)) return run()
        throw error
      })
      return { rows, rowCount: Number(numAffectedRows ?? rows.length) }
    },
  }
  const limiterOf = (name: Limit) =>
    new RateLimiterPostgres({
      storeClient,
      storeType: 'pool',
      schemaName: schema,
      tableName: table,
      tableCreated: true,
      keyPrefix: name,
      ...limits[name],
    })
  const limiters = Object.fromEntries(names.map((name) => [name, limiterOf(name)])) as Record<
    Limit,
    RateLimiterPostgres
  >
  /** Milliseconds to wait, 0 when there is a point left. */
  const take = (name: Limit, key: string): Promise<number> =>
    limiters[name].consume(key).then(
      () => 0,
      (error: unknown) => {
        if (error instanceof RateLimiterRes) return Math.max(1, error.msBeforeNext)
        throw error
      },
    )
  return {
    // Counted before the password is looked at, so that many attempts at once do not slip through together. What the
    // narrowest limit stops does not count against the others: one who guesses locks nobody else out.
    enter: async (email, address) => {
      const keys = keysOf(email, address)
      for (const name of names) {
        const waitMs = await take(name, keys[name])
        if (waitMs > 0) return waitMs
      }
      return 0
    },
    succeeded: async (email, address) => {
      const keys = keysOf(email, address)
      await limiters.pair.delete(keys.pair)
      await limiters.address.reward(keys.address)
      await limiters.account.reward(keys.account)
    },
  }
}
