// aTES with each service in a process of its own, as an operator starts them: by name, with the settings they share.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { processes, type ProcessName } from '../../config.ts'
import { plainEnvironment } from '../faults/application-process.ts'
import { databaseSettings, sharedSettings } from '../support/application.ts'
import { eventually } from '../support/eventually.ts'
import { freePorts } from '../support/free-ports.ts'
import type { TestDatabase } from '../support/server.ts'

const root = join(import.meta.dirname, '../..')
const startLimitMs = 30_000

export class ApartProcess {
  readonly name: ProcessName
  readonly url: string
  /** What it wrote to standard output. */
  said = ''
  /** The last it wrote to standard error. */
  logged = ''
  private readonly child: ChildProcess
  private readonly ended: Promise<number | string>

  constructor(name: ProcessName, port: number, settings: Readonly<Record<string, string>>) {
    this.name = name
    this.url = `http://127.0.0.1:${port}`
    this.child = spawn(process.execPath, ['--import', './runtime.js', 'main.ts', name], {
      cwd: root,
      env: { ...plainEnvironment(), ...settings, ATES_PORT: String(port), ATES_LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.on('data', (data: Buffer) => (this.said += data.toString()))
    this.child.stderr?.on('data', (data: Buffer) => (this.logged = (this.logged + data.toString()).slice(-20_000)))
    this.ended = once(this.child, 'close').then(([code, signal]: (number | string | null)[]) => signal ?? code ?? '')
  }

  async ready(): Promise<void> {
    const ended = this.ended.then((how) => {
      throw new Error(`${this.name} ended with ${how}: ${this.logged}`)
    })
    const greeted = eventually(`${this.name} greets`, () => this.said.includes('aTES is ready'), startLimitMs)
    await Promise.race([greeted, ended])
  }

  /** Ends it with this signal and gives its exit code, or the signal. */
  async end(signal: NodeJS.Signals): Promise<number | string> {
    this.child.kill(signal)
    return this.ended
  }
}

/** Four processes that know each other's addresses. */
export class Apart implements AsyncDisposable {
  readonly running = new Map<ProcessName, ApartProcess>()
  private readonly settings: Readonly<Record<string, string>>
  private readonly ports: ReadonlyMap<ProcessName, number>

  private constructor(settings: Readonly<Record<string, string>>, ports: ReadonlyMap<ProcessName, number>) {
    this.settings = settings
    this.ports = ports
  }

  static async start(database: TestDatabase, more: Readonly<Record<string, string>> = {}): Promise<Apart> {
    const found = await freePorts(processes.length)
    const ports = new Map(processes.map((name, index) => [name, found[index] ?? 0]))
    const addresses = [...ports].map(([name, port]) => [
      `ATES_${name.toUpperCase().replace('-', '_')}_URL`,
      `http://127.0.0.1:${port}`,
    ])
    const { ATES_WEB_URL: _web, ...urls } = Object.fromEntries(addresses) as Record<string, string>
    const apart = new Apart({ ...urls, ...databaseSettings(database), ...(await sharedSettings()), ...more }, ports)
    try {
      await Promise.all(processes.map((name) => apart.start(name)))
    } catch (error) {
      await apart[Symbol.asyncDispose]()
      throw error
    }
    return apart
  }

  /** Starts one of them, again if it ran before, at the same address. */
  async start(name: ProcessName): Promise<void> {
    const one = new ApartProcess(name, this.ports.get(name) ?? 0, this.settings)
    this.running.set(name, one)
    await one.ready()
  }

  get(name: ProcessName): ApartProcess {
    const one = this.running.get(name)
    if (!one) throw new Error(`${name} does not run`)
    return one
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.running.values()].map((one) => one.end('SIGKILL')))
  }
}
