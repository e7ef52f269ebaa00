// aTES as its user meets it: npm commands, each in a process group of its own as in a terminal, on one data directory.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { findHome } from '../../adapters/database/embedded-home.ts'
import { endPostmaster, readAddress } from '../../adapters/database/embedded-postmaster.ts'
import { joinEmbedded } from '../../adapters/database/embedded.ts'
import { plainEnvironment } from '../faults/application-process.ts'
import { eventually } from '../support/eventually.ts'

export const repository = join(import.meta.dirname, '../..')

/** Generous: others may use the machine, and a first start makes a database. */
export const limitMs = 30_000

export interface ProcessLine {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly user: string
  readonly command: string
}

/** All living processes of the machine. */
export const processes = (): ProcessLine[] =>
  execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,pgid=,stat=,user=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(.*)$/.exec(line))
    .flatMap((found) => (found && !found[4]?.startsWith('Z') ? [found] : []))
    .map(([, pid, parent, group, , user = '', command = '']) => ({
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      user,
      command,
    }))

/** One npm command that runs or has run. */
export class Command {
  out = ''
  err = ''
  /** Resolves with the exit code or the signal that ended it, when its output is complete. */
  readonly ended: Promise<number | string>
  readonly child: ChildProcess

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.on('data', (data: Buffer) => (this.out += data.toString()))
    child.stderr?.on('data', (data: Buffer) => (this.err += data.toString()))
    this.ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => signal ?? code ?? 'nothing')
  }

  /** What aTES itself said on standard error. */
  get complaints(): string[] {
    return this.err.split('\n').filter((line) => line !== '' && !line.startsWith('npm '))
  }

  get processes(): ProcessLine[] {
    return processes().filter(({ group }) => group === this.child.pid)
  }

  /** The process that npm runs. */
  get node(): ProcessLine {
    const found = this.processes.find(({ command }) => /^\S*node\S* --import \S*runtime\.js /.test(command))
    if (!found) throw new Error(`npm runs nothing: ${JSON.stringify(this.processes)}`)
    return found
  }

  /** As a Ctrl-C in a terminal does: to every process of the group. */
  interrupt(): Promise<number | string> {
    process.kill(-(this.child.pid ?? 0), 'SIGINT')
    return this.ended
  }

  /** Waits until its output says this. Throws when it ends before. */
  async saying(what: RegExp): Promise<RegExpExecArray> {
    const has = () => what.exec(this.out) ?? what.exec(this.err)
    let ended: number | string | undefined
    void this.ended.then((how) => (ended = how))
    return eventually(
      `${what} is said`,
      () => {
        const found = has()
        if (!found && ended !== undefined)
          throw new Error(`ended (${ended}) and never said ${what}: ${this.out}${this.err}`)
        return found
      },
      limitMs,
    )
  }

  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) process.kill(-(this.child.pid ?? 0), 'SIGKILL')
    await this.ended
  }
}

/** `npm start` that is ready. */
export interface Running {
  readonly command: Command
  readonly url: string
}

/** A data directory and what is run on it. */
export class Installation implements AsyncDisposable {
  readonly dataDir: string
  private readonly folder: string
  private readonly tree: string
  private readonly commands: Command[] = []

  constructor(folder: string, tree: string, name: string) {
    this.folder = folder
    this.dataDir = join(folder, name)
    this.tree = tree
  }

  npm(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Command {
    return this.run('npm', args, environment)
  }

  /** The operators' tool, without npm before it. */
  tool(args: readonly string[]): Command {
    return this.run(process.execPath, ['--import', './runtime.js', 'cli.ts', ...args], {})
  }

  private run(program: string, args: readonly string[], environment: Readonly<Record<string, string>>): Command {
    const child = spawn(program, args, {
      cwd: this.tree,
      env: {
        ...plainEnvironment(),
        ATES_DATA_DIR: this.dataDir,
        ATES_PORT: '0',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const command = new Command(child)
    this.commands.push(command)
    return command
  }

  async start(environment: Readonly<Record<string, string>> = {}): Promise<Running> {
    const command = this.npm(['start'], environment)
    const [, url = ''] = await command.saying(/aTES is ready at (http:\S+)/)
    return { command, url }
  }

  /** Processes of the database on this data; the one that began the others comes first. */
  get servers(): ProcessLine[] {
    const all = processes()
    const own = all.filter(({ command }) => command.includes(`/bin/postgres -D ${this.dataDir}/`))
    const first = own.filter(({ parent }) => !own.some(({ pid }) => pid === parent))
    return [...first, ...all.filter(({ parent }) => first.some(({ pid }) => pid === parent))]
  }

  /** What the database wrote about itself. */
  get serverLog(): Promise<string> {
    return readFile(join(this.dataDir, 'postgres.log'), 'utf8')
  }

  /** Asks the running database, as its superuser, whom no trigger or right stops. */
  async query<Row extends pg.QueryResultRow>(...statements: readonly string[]): Promise<Row[]> {
    await using server = await joinEmbedded({ dataDir: this.dataDir })
    if (!server) throw new Error('no database runs here')
    const client = new pg.Client(server.connection('postgres', 'ates'))
    await client.connect()
    try {
      let rows: Row[] = []
      for (const statement of statements) ({ rows } = await client.query<Row>(statement))
      return rows
    } finally {
      await client.end()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const command of this.commands) await command.kill()
    const home = await findHome(this.dataDir).catch(() => null)
    const address = home && (await readAddress(home))
    if (home && address) await endPostmaster(home, address.pid, [['SIGKILL', limitMs]])
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 })
  }
}

/** A fresh one. `tree` is where the repository lies, `name` what the data directory is called. */
export const install = async (tree = repository, name = 'data'): Promise<Installation> => {
  const folder = await mkdtemp(join(tmpdir(), 'ates-test-'))
  // Started by root, the database runs as a user who has to pass through.
  await chmod(folder, 0o711)
  return new Installation(folder, tree, name)
}
