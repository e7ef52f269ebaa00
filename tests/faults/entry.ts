// The tests' own entry: aTES as main.ts starts it, with faults at exact steps and calls over the parent's channel.
import { flushCompileCache } from 'node:module'
import { jsonLog } from '../../adapters/log.ts'
import { startApplication } from '../../application.ts'
import { readConfig } from '../../config.ts'
import type { Call } from '../../kernel/ports.ts'
import { Fault, type FaultKind, type Outcome } from '../../kernel/result.ts'
import { seededRandom } from '../support/random.ts'
import { type FaultPoint, FaultPoints } from './fault-points.ts'

/** What the parent sends: a call, or faults from now on. */
export type ToEntry =
  | { readonly id: number; readonly call: Omit<Call, 'deadlineMs'>; readonly timeoutMs: number }
  | { readonly arm: readonly FaultPoint[] }

/** What the parent gets: that calls are welcome, then answers by their ids. */
export type FromEntry =
  | { readonly ready: true }
  | { readonly id: number; readonly outcome: Outcome<unknown> }
  | { readonly id: number; readonly fault: FaultKind; readonly message: string }

const points = new FaultPoints()
points.arm(JSON.parse(process.env['ATES_TEST_FAULTS'] ?? '[]') as FaultPoint[])

const config = readConfig([], process.env)
const ended = new Promise<void>((resolve) => {
  // A parent that is gone takes us along.
  process.once('disconnect', resolve)
  process.once('SIGTERM', () => resolve())
})
{
  await using application = await startApplication({
    config,
    log: jsonLog(config.logLevel),
    decorations: { ...points.decorations, random: seededRandom(Number(process.env['ATES_TEST_RANDOM'])) },
  })

  const answer = async ({ id, call, timeoutMs }: Extract<ToEntry, { id: number }>): Promise<FromEntry> => {
    try {
      const execute = application.host.local.get(call.service)
      if (!execute) throw new Fault('unavailable', `no service ${call.service}`)
      return { id, outcome: await execute({ ...call, deadlineMs: performance.now() + timeoutMs }) }
    } catch (error) {
      return { id, fault: error instanceof Fault ? error.kind : 'internal', message: String(error) }
    }
  }
  const say = (message: FromEntry) => process.connected && process.send?.(message)

  process.on('message', (message: ToEntry) => {
    if ('arm' in message) points.arm(message.arm)
    else void answer(message).then(say)
  })
  say({ ready: true })
  // Those who are killed cannot leave it to the ones after them when they end.
  flushCompileCache()
  await ended
}
if (process.connected) process.disconnect?.()
