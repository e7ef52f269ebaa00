// Debian's PgBouncer in transaction mode before a PostgreSQL server: each transaction may meet another session.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnection } from 'node:net'
import { eventually } from '../support/eventually.ts'
import { freePorts } from '../support/free-ports.ts'
import { asServer } from './as-server.ts'

export interface PgBouncerOptions {
  /** Of the server behind it. */
  readonly host?: string
  readonly port: number
  /** Sessions with the server, for each database and role. */
  readonly sessions?: number
}

/**
 * Roles are asked for at the server, so that those made later are known, too. By default PgBouncer leaves a server alone
 * for fifteen seconds that once did not answer; then a restart of the server takes that long for everybody.
 */
const settings = ({ host = '127.0.0.1', port, sessions = 4 }: PgBouncerOptions, own: number, users: string) => `
[databases]
* = host=${host} port=${port} auth_user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${sessions}
max_client_conn = 2000
server_login_retry = 1
server_idle_timeout = 5
autodb_idle_timeout = 5
ignore_startup_parameters = extra_float_digits,options
`

export class PgBouncer implements AsyncDisposable {
  readonly port: number
  private readonly folder: string
  private child: ChildProcess | undefined
  private said = ''

  private constructor(port: number, folder: string) {
    this.port = port
    this.folder = folder
  }

  /** Resolves when it answers. */
  static async open(options: PgBouncerOptions): Promise<PgBouncer> {
    const folder = await mkdtemp(join(tmpdir(), 'ates-test-pgbouncer-'))
    await chmod(folder, 0o755)
    const [port = 0] = await freePorts(1)
    const bouncer = new PgBouncer(port, folder)
    const users = join(folder, 'users')
    await writeFile(users, '"postgres" ""\n')
    await writeFile(bouncer.file, settings(options, bouncer.port, users))
    await bouncer.start()
    return bouncer
  }

  private get file(): string {
    return join(this.folder, 'pgbouncer.ini')
  }

  /** On the same port. Resolves when it answers. */
  async start(): Promise<void> {
    const [command, ...args] = [...asServer(), 'pgbouncer', this.file]
    const child = spawn(command, args, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
    this.child = child
    child.stderr.on('data', (data: Buffer) => (this.said = (this.said + data.toString()).slice(-4_000)))
    await eventually('PgBouncer to answer', () => {
      if (child.exitCode !== null) throw new Error(`pgbouncer ended: ${this.said}`)
      return this.listens()
    })
  }

  private async listens(): Promise<boolean> {
    const socket = createConnection(this.port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return true
    } catch {
      return false
    } finally {
      socket.destroy()
    }
  }

  async kill(): Promise<void> {
    const { child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.folder, { recursive: true, force: true })
  }
}
