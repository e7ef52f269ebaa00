// Faults at exact steps, put around the ports that a process uses: the product itself has no fault points.
import { writeSync } from 'node:fs'
import type { Decorations } from '../../application.ts'
import type { Bus, Database } from '../../kernel/ports.ts'
import { Fault } from '../../kernel/result.ts'
import type { EventBatch } from '../../kernel/stream.ts'

export interface FaultPoint {
  /** The name of a transaction, or `publish`. */
  readonly step: string
  /** Whose transaction (schema), or which stream is published. */
  readonly of: string
  /** `before` and `after` the commit or the publish; `half`: of a batch to publish only its first half is said. */
  readonly when: 'before' | 'half' | 'after'
  /** Which of the steps from now on, from 1. Steps that find nothing to do do not count. */
  readonly nth: number
  /**
   * `kill`: SIGKILL. `freeze`: SIGSTOP, goes on when the test wakes it. `hang`: never goes on, while the rest of the
   * process does. `lose`: the step happened, its answer is lost.
   */
  readonly act: 'kill' | 'freeze' | 'hang' | 'lose'
}

/** What a frozen process says just before it stops, for the test to know. */
export const frozenLine = 'frozen'

const pause = new Int32Array(new SharedArrayBuffer(4))
const never = new Promise<never>(() => {})

/** Returns only from `freeze`, when the process was woken. */
const acts: Readonly<Record<FaultPoint['act'], (point: FaultPoint) => Promise<void>>> = {
  kill: () => {
    process.kill(process.pid, 'SIGKILL')
    return never
  },
  freeze: ({ step, when }) => {
    writeSync(1, `${frozenLine} ${when} ${step}\n`)
    process.kill(process.pid, 'SIGSTOP')
    // The signal may reach another thread first; this one must not run on until it has arrived.
    Atomics.wait(pause, 0, 0, 50)
    return Promise.resolve()
  },
  hang: () => never,
  lose: ({ step }) => Promise.reject(new Fault('outcome_unknown', `the answer to the commit of ${step} was lost`)),
}

export class FaultPoints {
  private armed: { point: FaultPoint; left: number }[] = []

  arm(points: readonly FaultPoint[]): void {
    this.armed = points.map((point) => ({ point, left: point.nth }))
  }

  private take(step: string, of: string, when: FaultPoint['when']): FaultPoint | undefined {
    const found = this.armed.find(({ point }) => point.step === step && point.of === of && point.when === when)
    if (!found || --found.left > 0) return undefined
    this.armed = this.armed.filter((one) => one !== found)
    return found.point
  }

  private async pass(step: string, of: string, when: FaultPoint['when']): Promise<void> {
    const point = this.take(step, of, when)
    if (point) await acts[point.act](point)
  }

  readonly decorations: Required<Pick<Decorations, 'database' | 'bus'>> = {
    database: (inner): Database => ({
      schema: inner.schema,
      close: () => inner.close(),
      transaction: async (name, work, options) => {
        const watched: typeof work = async (tx) => {
          const result = await work(tx)
          if (didSomething(result)) await this.pass(name, inner.schema, 'before')
          return result
        }
        const result = await inner.transaction(name, watched, options)
        if (didSomething(result)) await this.pass(name, inner.schema, 'after')
        return result
      },
    }),
    bus: (inner): Bus => ({
      publish: (batch) => this.publish(inner, batch),
      subscribe: (stream, reader, deliver) => inner.subscribe(stream, reader, deliver),
      close: () => inner.close(),
    }),
  }

  private async publish(inner: Bus, batch: EventBatch): Promise<void> {
    const { stream, events } = batch
    if (events.length === 0) return inner.publish(batch)
    await this.pass('publish', stream, 'before')
    const half = events.length > 1 ? this.take('publish', stream, 'half') : undefined
    if (half) {
      await inner.publish({ ...batch, events: events.slice(0, events.length >> 1) })
      await acts[half.act](half)
    }
    await inner.publish(batch)
    await this.pass('publish', stream, 'after')
  }
}

/** A relay that found no event and a runner that found no job commit nothing of interest. */
const didSomething = (result: unknown): boolean => result !== null && result !== 'idle'
