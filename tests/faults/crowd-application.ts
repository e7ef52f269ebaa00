// aTES as `npm start` runs it, with its embedded database, to be killed and started again on the same data.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { spawnEntry } from './application-process.ts'
import { until } from './settled.ts'

const startLimitMs = 60_000

export class CrowdApplication implements AsyncDisposable {
  private child: ChildProcess | undefined
  /** What the one that runs now, or ran last, wrote to standard output and to standard error. */
  private printed = ''
  private said = ''
  private readonly dataDir: string

  constructor(dataDir: string) {
    this.dataDir = dataDir
  }

  /** Where it listens; the last one's address while none does. */
  url = ''

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    const settings = { ATES_DATA_DIR: this.dataDir, ATES_PORT: '0', ATES_LOG_LEVEL: 'warn' }
    const child = spawnEntry('main.ts', settings, 'ignore')
    this.child = child
    this.printed = ''
    this.said = ''
    child.stdout?.on('data', (data: Buffer) => (this.printed += data.toString()))
    child.stderr?.on('data', (data: Buffer) => (this.said = (this.said + data.toString()).slice(-10_000)))
    this.url = await this.line(/ready at (\S+)\n/)
  }

  /** The link to the page that makes the first administrator. */
  firstRun(): Promise<string> {
    return this.line(/once: (\S+)\n/)
  }

  private async line(pattern: RegExp): Promise<string> {
    await until(
      () => `${pattern} in ${this.printed}; ${this.said}`,
      async () => {
        if (!this.isAlive) throw new Error(`aTES ended while it started: ${this.said}`)
        return pattern.test(this.printed)
      },
      startLimitMs,
    )
    return pattern.exec(this.printed)?.[1] ?? ''
  }

  private get isAlive(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /** Without any chance to say goodbye. */
  async kill(): Promise<void> {
    const { child } = this
    if (!child || !this.isAlive) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  /** In order, as Ctrl-C does. Throws when that did not go well. */
  async stop(): Promise<void> {
    const { child } = this
    if (!child) return
    const exit = once(child, 'exit', { signal: AbortSignal.timeout(startLimitMs) })
    child.kill('SIGTERM')
    const [code] = await exit
    if (code !== 0) throw new Error(`stopping ended with ${code}: ${this.said}`)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}
