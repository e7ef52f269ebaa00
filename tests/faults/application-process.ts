// aTES in a process of its own, which tests call, kill, freeze and wake.
import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import type { ProcessName } from '../../config.ts'
import type { Call } from '../../kernel/ports.ts'
import { Fault, type Outcome } from '../../kernel/result.ts'
import type { FromEntry, ToEntry } from './entry.ts'
import { type FaultPoint, frozenLine } from './fault-points.ts'
import { type Sample, scrape } from './metrics.ts'

const root = join(import.meta.dirname, '../..')

/** The environment without settings of aTES, which a child would otherwise inherit from whoever runs the tests. */
export const plainEnvironment = (): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('ATES_') && name !== 'NODE_TEST_CONTEXT'),
  )

/** Starts an entry of the repository with this Node. */
export const spawnEntry = (
  entry: string,
  environment: Readonly<Record<string, string>>,
  channel: 'ipc' | 'ignore',
  args: readonly string[] = [],
): ChildProcess =>
  spawn(process.execPath, ['--import', './runtime.js', entry, ...args], {
    cwd: root,
    env: { ...plainEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe', channel],
  })

const callTimeoutMs = 10_000
const startLimitMs = 30_000
const stepLimitMs = 20_000

interface Waiting {
  readonly resolve: (outcome: Outcome<unknown>) => void
  readonly reject: (error: Error) => void
}

export class ApplicationProcess {
  /** Resolves with the signal or exit code that ended it. */
  readonly died: Promise<string | number | null>
  /** The last it wrote to standard error. */
  said = ''
  /** Where it listens for HTTP, on the loopback. */
  port = 0
  private readonly metricsPort: number
  private readonly child: ChildProcess
  private readonly signs = new EventEmitter()
  private readonly waiting = new Map<number, Waiting>()
  private lastId = 0

  constructor(child: ChildProcess, metricsPort: number) {
    this.child = child
    this.metricsPort = metricsPort
    child.stderr?.on('data', (data: Buffer) => (this.said = (this.said + data.toString()).slice(-20_000)))
    child.stdout?.on('data', (data: Buffer) => data.toString().includes(frozenLine) && this.signs.emit(frozenLine))
    child.on('message', (message: FromEntry) => this.hear(message))
    this.died = once(child, 'exit').then(([code, signal]: (string | number | null)[]) => {
      for (const { reject } of this.waiting.values())
        reject(new Fault('outcome_unknown', `the process ended: ${signal ?? code}`))
      this.waiting.clear()
      return signal ?? code ?? null
    })
  }

  private hear(message: FromEntry): void {
    if ('ready' in message) return void (this.port = message.port)
    const waiting = this.waiting.get(message.id)
    this.waiting.delete(message.id)
    if ('outcome' in message) waiting?.resolve(message.outcome)
    else waiting?.reject(new Fault(message.fault, message.message))
  }

  private send(message: ToEntry): boolean {
    if (!this.child.connected) return false
    this.child.send(message, () => {})
    return true
  }

  /** Throws the fault that the callee says, and `outcome_unknown` when it ended before it answered. */
  call(call: Omit<Call, 'deadlineMs'>, timeoutMs = callTimeoutMs): Promise<Outcome<unknown>> {
    const id = (this.lastId += 1)
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      if (!this.send({ id, call, timeoutMs })) reject(new Fault('unavailable', 'the process has ended'))
    })
  }

  /** What it says of itself. Throws when it does not answer. */
  metrics(): Promise<readonly Sample[]> {
    return scrape(this.metricsPort)
  }

  /** From now on these faults, instead of those before. */
  arm(...points: FaultPoint[]): void {
    this.send({ arm: points })
  }

  /** Resolves when a fault point has frozen it. Must be asked for before that can happen. */
  async frozen(): Promise<void> {
    const ended = this.died.then((how) => {
      throw new Error(`the process ended (${how}) instead of freezing`)
    })
    await Promise.race([once(this.signs, frozenLine, { signal: AbortSignal.timeout(stepLimitMs) }), ended])
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** How it ended, if that happens in time. */
  private async endsInTime(): Promise<string | number | null> {
    const late = once(AbortSignal.timeout(stepLimitMs), 'abort').then(() => 'nothing, in time')
    return Promise.race([this.died, late])
  }

  /** Resolves when a fault point has killed it. Throws when it ends otherwise or not in time. */
  async killed(): Promise<void> {
    const how = await this.endsInTime()
    if (how !== 'SIGKILL') throw new Error(`a fault point should have ended the process, and ${how} did: ${this.said}`)
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  async kill(): Promise<void> {
    if (this.isAlive) this.signal('SIGKILL')
    await this.died
  }

  /** Stops it in order. Throws when that did not go well. */
  async stop(): Promise<void> {
    this.signal('SIGTERM')
    const how = await this.endsInTime()
    if (how !== 0) throw new Error(`stopping ended with ${how}: ${this.said}`)
  }
}

/** Everything in one process, or only what is named. Resolves when it is ready to be called; or killed, if it may be. */
export const startProcess = async (
  environment: Readonly<Record<string, string>>,
  run: readonly ProcessName[],
  mayBeKilled = false,
): Promise<ApplicationProcess> => {
  const child = spawnEntry('tests/faults/entry.ts', environment, 'ipc', run)
  const started = new ApplicationProcess(child, Number(environment['ATES_METRICS_PORT']))
  const ready = once(child, 'message', { signal: AbortSignal.timeout(startLimitMs) })
  const ended = async () => {
    const how = await started.died
    if (how !== 'SIGKILL' || !mayBeKilled) throw new Error(`aTES did not start (${how}): ${started.said}`)
  }
  await Promise.race([ready, ended()]).catch(async (error: unknown) => {
    await started.kill()
    throw error
  })
  return started
}
