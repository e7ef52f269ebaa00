// aTES as `npm start` runs it, with its embedded database, to be killed and started again on the same data.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { spawnEntry } from './application-process.ts'

const startLimitMs = 60_000

export class CrowdApplication implements AsyncDisposable {
  /** Where the one that runs now listens; the last one's while none does. */
  url = ''
  /** Leads to the page that makes the first administrator. */
  firstRun = ''
  private child: ChildProcess | undefined
  private said = ''
  private readonly dataDir: string

  constructor(dataDir: string) {
    this.dataDir = dataDir
  }

  /** Begins to start it; the answer resolves when it is ready. */
  async start(): Promise<void> {
    const child = spawnEntry(
      'main.ts',
      { ATES_DATA_DIR: this.dataDir, ATES_PORT: '0', ATES_LOG_LEVEL: 'warn' },
      'ignore',
    )
    this.child = child
    this.said = ''
    child.stderr?.on('data', (data: Buffer) => (this.said = (this.said + data.toString()).slice(-10_000)))
    const limit = AbortSignal.timeout(startLimitMs)
    for (let heard = ''; !/ready at \S+\n/.test(heard);) {
      const [data] = (await Promise.race([
        once(child.stdout ?? child, 'data', { signal: limit }),
        this.ended(child),
      ])) as [Buffer]
      heard += data.toString()
      this.url = /ready at (\S+)/.exec(heard)?.[1] ?? this.url
      this.firstRun = /once: (\S+)/.exec(heard)?.[1] ?? this.firstRun
    }
  }

  private async ended(child: ChildProcess): Promise<never> {
    await once(child, 'exit')
    throw new Error(`aTES ended while it started: ${this.said}`)
  }

  /** Without any chance to say goodbye. */
  async kill(): Promise<void> {
    const { child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
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
