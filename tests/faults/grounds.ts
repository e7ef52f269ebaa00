// What processes of aTES stand on in a test: a database of the server under test, or their embedded one.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Broker } from '../nats/broker.ts'
import { freshDatabase, namedStatements, type TestDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'
import { type Query, queryEmbedded, removeDatabase } from './embedded-database.ts'
import { openWire, type Wire } from './wire.ts'

/** What the processes stand on: the settings that lead there, and its administrator's statements. */
export interface Ground extends AsyncDisposable {
  environment(): Readonly<Record<string, string>>
  readonly query: Query
  /** What is the bus, when that is not one of each process. */
  readonly broker?: Broker | undefined
  /** Called when a process starts and no other one lives. */
  readonly alone?: () => Promise<void>
}

/** One on which each service has connections of its own, so that it can run in a process of its own. */
export interface ServiceGround extends Ground {
  connection(schema: string): pg.ClientConfig
}

/** A fresh database of the server under test, for any number of processes. */
export class SharedGround implements ServiceGround {
  readonly database: TestDatabase
  readonly query: Query
  readonly broker: Broker | undefined
  private readonly folder: string
  private wire: Wire | undefined

  constructor(database: TestDatabase, folder: string, broker?: Broker) {
    this.database = database
    this.broker = broker
    this.query = (text, values) => database.query(text, values)
    this.folder = folder
  }

  connection(schema: string): pg.ClientConfig {
    return this.database.connection(schema)
  }

  private url(schema: string): string {
    const { user = '', database = '', ...direct } = this.connection(schema)
    const { host = '', port = 5432 } = this.wire ?? direct
    return `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
  }

  environment(): Record<string, string> {
    return {
      ATES_IDENTITY_DATABASE_URL: this.url('identity'),
      ATES_TASK_TRACKER_DATABASE_URL: this.url('task_tracker'),
      ATES_ACCOUNTING_DATABASE_URL: this.url('accounting'),
      ATES_OPERATIONS_DATABASE_URL: this.url('operations'),
      ATES_DATA_DIR: this.folder,
      ATES_NAMED_STATEMENTS: String(namedStatements),
      // Several processes share one small server.
      ATES_DATABASE_CONNECTIONS: '4',
      ...(this.broker ? { ATES_NATS_URL: this.broker.url } : {}),
    }
  }

  /** The dead hold their leases for seconds, which spare others work in vain and protect nothing. */
  async alone(): Promise<void> {
    const [made] = await this.query(`select to_regclass('accounting.lease') is not null as made`)
    if (made?.['made']) for (const schema of schemas) await this.query(`delete from ${schema}.lease`)
  }

  /** Puts a wire between the database and the processes that start from now on. */
  async interpose(): Promise<Wire> {
    return (this.wire = await openWire(this.database.adminConnection))
  }

  /** A connection of its own, as the database's administrator or with these settings; disposing of it ends it. */
  async connect(settings: pg.ClientConfig = this.database.adminConnection): Promise<pg.Client & AsyncDisposable> {
    const client = new pg.Client(settings)
    client.on('error', () => {})
    await client.connect()
    let ended: Promise<void> | undefined
    return Object.assign(client, { [Symbol.asyncDispose]: () => (ended ??= client.end()) })
  }

  /** Keeps the task tracker's relay waiting, so that its next batch holds whatever is committed until this is disposed. */
  async holdRelay(): Promise<AsyncDisposable> {
    const client = await this.connect()
    await client.query('begin')
    await client.query('select from task_tracker.stream for update')
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker?.[Symbol.asyncDispose]()
    await this.database[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** The embedded database of one process. */
export class EmbeddedGround implements Ground {
  readonly dataDir: string
  readonly query: Query

  constructor(dataDir: string) {
    this.dataDir = dataDir
    this.query = queryEmbedded(dataDir)
  }

  environment(): Record<string, string> {
    return { ATES_DATA_DIR: this.dataDir }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return removeDatabase(this.dataDir)
  }
}

const freshFolder = () => mkdtemp(join(tmpdir(), 'ates-test-'))

interface How {
  /** Without tables of aTES. */
  readonly empty?: boolean
  /** Ends with it. */
  readonly broker?: Broker
}

export const sharedGround = async ({ broker, ...how }: How = {}): Promise<SharedGround> =>
  new SharedGround(await freshDatabase(schemas, how), await freshFolder(), broker)

export const embeddedGround = async (): Promise<EmbeddedGround> => new EmbeddedGround(await freshFolder())
