// A replica as the test sees it: it is started, armed with faults, killed, frozen and woken.
import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { spawnEntry } from '../faults/application-process.ts'
import { type FaultPoint, frozenLine } from '../faults/fault-points.ts'
import { eventually } from '../support/eventually.ts'
import { fixtureSchemas } from '../support/fixture-system.ts'
import type { FromReplica, ReplicaSettings, ToReplica } from './replica.ts'
import { prefix, type Stage } from './stage.ts'

const stepLimitMs = 20_000

export class ReplicaProcess implements AsyncDisposable {
  /** Up to which number it has applied, and when it said so in milliseconds of `performance.now()`. */
  applied = { number: -1, at: 0 }
  private said = ''
  private isFrozen = false
  private readonly child: ChildProcess
  private readonly exit: Promise<unknown>

  constructor(child: ChildProcess) {
    this.child = child
    this.exit = once(child, 'exit')
    child.stderr?.on('data', (data: Buffer) => (this.said = (this.said + data.toString()).slice(-10_000)))
    child.stdout?.on('data', (data: Buffer) => (this.isFrozen ||= data.toString().includes(frozenLine)))
    child.on('message', ({ applied }: FromReplica) => (this.applied = { number: applied, at: performance.now() }))
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** Resolves when it has applied more than this number, or runs at all. */
  async hasApplied(more: number, withinMs = stepLimitMs): Promise<void> {
    await eventually(
      `a replica to apply more than ${more}`,
      () => {
        if (this.hasEnded) throw new Error(`the replica ended: ${this.said}`)
        return this.applied.number > more
      },
      withinMs,
    )
  }

  /** At this step it freezes, once. */
  freezeAt(point: Pick<FaultPoint, 'step' | 'of' | 'when'>): void {
    this.isFrozen = false
    const message: ToReplica = { arm: [{ ...point, nth: 1, act: 'freeze' }] }
    this.child.send(message)
  }

  get frozen(): boolean {
    return this.isFrozen
  }

  wake(): void {
    this.child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    if (!this.hasEnded) this.child.kill('SIGKILL')
    await this.exit
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}

/** Resolves when its services run. */
export const startReplica = async ({ database }: Stage, url: string): Promise<ReplicaProcess> => {
  const connections = Object.fromEntries(fixtureSchemas.map((schema) => [schema, database.connection(schema)]))
  const settings: ReplicaSettings = { connections, url, prefix }
  const environment = { ATES_TEST_REPLICA: JSON.stringify(settings) }
  const replica = new ReplicaProcess(spawnEntry('tests/nats/replica.ts', environment, 'ipc'))
  await replica.hasApplied(-1)
  return replica
}
