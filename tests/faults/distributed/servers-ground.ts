// What aTES stands on when services have PostgreSQL servers of their own, which a test stops, fills up and crowds.
import pg from 'pg'
import { prepareDatabase, roleOf } from '../../../adapters/database/prepare.ts'
import { OwnPostgres, type OwnPostgresOptions } from '../../servers/own-postgres.ts'
import { freshDatabase, type TestDatabase } from '../../support/server.ts'
import { schemas } from '../../support/system.ts'
import type { Query } from '../embedded-database.ts'
import type { ServiceGround } from '../grounds.ts'

export type Schema = (typeof schemas)[number]
type Servers<S extends Schema> = Readonly<Record<S, OwnPostgres>>

/**
 * The audit looks at all services in one database. Here that is one on the server under test, which no fault concerns:
 * it has the tables of those services that have no server of their own, and those of the others as foreign ones.
 */
export class ServersGround<S extends Schema = Schema> implements ServiceGround {
  readonly servers: Servers<S>
  private readonly shared: TestDatabase
  private readonly detours = new Map<string, number>()
  private shown: Promise<void> | undefined

  constructor(servers: Servers<S>, shared: TestDatabase) {
    this.servers = servers
    this.shared = shared
  }

  connection(schema: string): pg.ClientConfig {
    const server = Object.entries<OwnPostgres>(this.servers).find(([owner]) => owner === schema)?.[1]
    if (!server) return this.shared.connection(schema)
    const direct = server.connection(roleOf(schema))
    return { ...direct, port: this.detours.get(schema) ?? direct.port }
  }

  /** From now on processes find the server of a service at this port. */
  detour(schema: S, port: number): void {
    this.detours.set(schema, port)
  }

  environment(): Record<string, string> {
    const urls = schemas.map((schema) => {
      const { user, host, port, database } = this.connection(schema)
      return [`ATES_${schema.toUpperCase()}_DATABASE_URL`, `postgres://${user}@${host}:${port}/${database}`]
    })
    return Object.fromEntries(urls) as Record<string, string>
  }

  /** The tables are there once aTES has been started. */
  readonly query: Query = async (text, values) => {
    await (this.shown ??= this.show())
    return this.shared.query(text, values)
  }

  private async show(): Promise<void> {
    await this.shared.query('create extension postgres_fdw')
    for (const [schema, { port }] of Object.entries<OwnPostgres>(this.servers)) {
      await this.shared.query(`
        create server ${schema} foreign data wrapper postgres_fdw
          options (host '127.0.0.1', port '${port}', dbname 'postgres', fetch_size '10000');
        create user mapping for public server ${schema} options (user 'postgres', password_required 'false');
        create schema ${schema};
        import foreign schema ${schema} from server ${schema} into ${schema}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shared[Symbol.asyncDispose]()
    await Promise.all(Object.values<OwnPostgres>(this.servers).map((server) => server[Symbol.asyncDispose]()))
  }
}

const openServer = async (schema: string, options: OwnPostgresOptions): Promise<readonly [string, OwnPostgres]> => {
  const server = await OwnPostgres.open(options)
  await prepareDatabase(server.connection(), [schema])
  return [schema, server]
}

/** Services that are named have servers of their own, made like this. */
export const serversGround = async <S extends Schema>(
  wanted: Readonly<Record<S, OwnPostgresOptions>>,
): Promise<ServersGround<S>> => {
  const opening = Object.entries<OwnPostgresOptions>(wanted).map(([schema, options]) => openServer(schema, options))
  const servers = Object.fromEntries(await Promise.all(opening)) as Servers<S>
  return new ServersGround(servers, await freshDatabase(schemas.filter((schema) => !(schema in wanted))))
}
