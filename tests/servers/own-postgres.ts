// A PostgreSQL server of the test's own, from the machine's programs: stopped, killed and started again on its data.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { eventually } from '../support/eventually.ts'
import { freePorts } from '../support/free-ports.ts'
import { asServer, owner } from './as-server.ts'
import { OwnClock } from './own-clock.ts'
import type { SmallDisk } from './small-disk.ts'

export interface OwnPostgresOptions {
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string>>
  /** Where its data lies, when not on the disk of all temporary files. */
  readonly disk?: SmallDisk
  readonly walSegmentMb?: number
  /** Goes by a clock that the test sets. */
  readonly ownClock?: boolean
}

const programs = (): string => {
  const [newest] = globSync('/usr/lib/postgresql/*/bin').toSorted((one, other) =>
    other.localeCompare(one, 'en', { numeric: true }),
  )
  if (!newest) throw new Error('no PostgreSQL server is installed: apt-get install postgresql')
  return newest
}

const startLimitMs = 30_000
const mostSaid = 64_000

/** A server that is killed or has no room may leave a client without any word. */
const bounded = { connectionTimeoutMillis: 10_000, query_timeout: 60_000 }
const leaveLimitMs = 2_000

const leave = async (client: pg.Client): Promise<void> => {
  await Promise.race([client.end().catch(() => undefined), once(AbortSignal.timeout(leaveLimitMs), 'abort')])
}

export class OwnPostgres implements AsyncDisposable {
  readonly port: number
  /** The last it wrote to its log. */
  said = ''
  private clockOrNot: OwnClock | null = null
  private readonly folder: string
  private readonly options: OwnPostgresOptions
  private child: ChildProcess | undefined

  private constructor(port: number, folder: string, options: OwnPostgresOptions) {
    this.port = port
    this.folder = folder
    this.options = options
  }

  /** Resolves when it answers. */
  static async open(options: OwnPostgresOptions = {}): Promise<OwnPostgres> {
    const folder = options.disk?.folder ?? (await mkdtemp(join(tmpdir(), 'ates-test-postgres-')))
    const { uid, gid } = owner()
    if (!options.disk) await chown(folder, uid, gid)
    const [port = 0] = await freePorts(1)
    const server = new OwnPostgres(port, folder, options)
    try {
      await server.create()
      if (options.ownClock) server.clockOrNot = await OwnClock.open()
      await server.start()
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
    return server
  }

  private launch(program: string, args: readonly string[]): ChildProcess {
    const [command = '', ...more] = [
      ...(this.options.disk?.enter ?? []),
      ...asServer(),
      ...(this.clockOrNot?.enter ?? []),
      join(programs(), program),
      ...args,
    ]
    const child = spawn(command, more, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
    const hear = (data: Buffer) => (this.said = (this.said + data.toString()).slice(-mostSaid))
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    return child
  }

  /** Only of a server that was opened with a clock of its own. */
  get clock(): OwnClock {
    if (!this.clockOrNot) throw new Error("this server goes by the machine's clock")
    return this.clockOrNot
  }

  private get cluster(): string {
    return join(this.folder, 'data')
  }

  private async create(): Promise<void> {
    const segments = `--wal-segsize=${this.options.walSegmentMb ?? 16}`
    const how = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync', segments]
    const [code] = (await once(this.launch('initdb', ['-D', this.cluster, ...how]), 'exit')) as [number | null]
    if (code !== 0) throw new Error(`initdb ended with ${code}: ${this.said}`)
  }

  get isAlive(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /** On the same port and data. Resolves when it answers. */
  async start(): Promise<void> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: '',
      shared_buffers: '32MB',
      ...this.options.settings,
    }
    const given = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    this.said = ''
    this.child = this.launch('postgres', ['-D', this.cluster, ...given])
    if (!(await this.survives())) throw new Error(`PostgreSQL ended: ${this.said}`)
  }

  private async answers(): Promise<boolean> {
    const client = new pg.Client({ ...this.connection(), ...bounded })
    client.on('error', () => {})
    try {
      await client.connect()
      return true
    } catch {
      return false
    } finally {
      await leave(client)
    }
  }

  /** As its administrator, or as this role. */
  connection(
    user = 'postgres',
    database = 'postgres',
  ): Required<Pick<pg.ClientConfig, 'host' | 'port' | 'user' | 'database'>> {
    return { host: '127.0.0.1', port: this.port, user, database }
  }

  url(user: string): string {
    return `postgres://${user}@127.0.0.1:${this.port}/postgres`
  }

  /** True when it answers, if need be after a recovery by itself; false when it has ended. */
  async survives(): Promise<boolean> {
    await eventually('PostgreSQL to answer or to end', async () => !this.isAlive || this.answers(), startLimitMs)
    return this.isAlive
  }

  /** SIGQUIT is PostgreSQL's immediate stop: no session is ended in order, and the next start recovers from the log. */
  async end(signal: 'SIGQUIT' | 'SIGKILL' | 'SIGINT'): Promise<void> {
    const { child } = this
    if (!child || !this.isAlive) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }

  async restartImmediately(): Promise<void> {
    await this.end('SIGQUIT')
    await this.start()
  }

  /** As its administrator; disposing of it ends it. */
  async connect(): Promise<pg.Client & AsyncDisposable> {
    const client = new pg.Client({ ...this.connection(), ...bounded })
    client.on('error', () => {})
    await client.connect()
    return Object.assign(client, { [Symbol.asyncDispose]: () => leave(client) })
  }

  async run(statement: string): Promise<void> {
    await using client = await this.connect()
    await client.query(statement)
  }

  /** kill -9 of one session, as by a system that is out of memory: the server then ends all others and recovers. */
  async crash(): Promise<void> {
    const client = await this.connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    this.said = ''
    process.kill(rows[0]?.pid ?? 0, 'SIGKILL')
    await eventually('the crash', () => this.said.includes('reinitializing'))
    await this.survives()
  }

  freeze(): void {
    this.child?.kill('SIGSTOP')
  }

  wake(): void {
    this.child?.kill('SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGQUIT')
    await this.clockOrNot?.[Symbol.asyncDispose]()
    if (!this.options.disk) await rm(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}
