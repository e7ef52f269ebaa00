// The tests' own entry: aTES as main.ts starts it, all of it or the services named, with faults at exact steps and calls over the parent's channel.
import { flushCompileCache } from 'node:module'
import { databaseClock } from '../../adapters/database/postgres.ts'
import { jsonLog } from '../../adapters/log.ts'
import { systemRandom } from '../../adapters/random.ts'
import { startApplication } from '../../application.ts'
import { readConfig } from '../../config.ts'
import { methodsOf } from '../../kernel/contract.ts'
import type { Call, Clock } from '../../kernel/ports.ts'
import { Fault, type FaultKind, type Outcome } from '../../kernel/result.ts'
import { identity } from '../../services/identity/contract.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { seededRandom } from '../support/random.ts'
import { type FaultPoint, FaultPoints } from './fault-points.ts'
import { releaseIn, releases } from './releases.ts'

/** What the parent sends: a call, or faults from now on. */
export type ToEntry =
  | { readonly id: number; readonly call: Omit<Call, 'deadlineMs'>; readonly timeoutMs: number }
  | { readonly arm: readonly FaultPoint[] }

/** What the parent gets: that calls are welcome, and the port for HTTP; then answers by their ids. */
export type FromEntry =
  | { readonly ready: true; readonly port: number }
  | { readonly id: number; readonly outcome: Outcome<unknown> }
  | { readonly id: number; readonly fault: FaultKind; readonly message: string }

const points = new FaultPoints()
points.arm(JSON.parse(process.env['ATES_TEST_FAULTS'] ?? '[]') as FaultPoint[])

/** A clock that goes faster from a moment on, for what takes minutes: `<milliseconds of that moment> <how much faster>`. */
const fastClock = (text: string): Clock => {
  const [from = 0, speed = 1] = text.split(' ').map(Number)
  return { now: async (tx) => new Date(from + ((await databaseClock.now(tx)).getTime() - from) * speed) }
}
const { ATES_TEST_CLOCK: clock } = process.env

/** Ids are the system's: the numbers of two processes that go on for long may meet, and then the ids would be the same. */
const seeded = { ...seededRandom(Number(process.env['ATES_TEST_RANDOM'])), uuid: systemRandom.uuid }

const config = readConfig(process.argv.slice(2), process.env)
const ended = new Promise<void>((resolve) => {
  // A parent that is gone takes us along.
  process.once('disconnect', resolve)
  process.once('SIGTERM', () => resolve())
})
/** What clients send. */
const methods = [identity, taskTracker].flatMap((contract) => methodsOf(contract))

{
  await using application = await startApplication({
    config,
    log: jsonLog(config.logLevel),
    decorations: {
      ...points.decorations,
      random: seeded,
      ...(clock ? { clock: fastClock(clock) } : {}),
      ...releases[releaseIn(process.env)],
    },
  })

  const answer = async ({ id, call, timeoutMs }: Extract<ToEntry, { id: number }>): Promise<FromEntry> => {
    try {
      const execute = application.host.local.get(call.service)
      if (execute) return { id, outcome: await execute({ ...call, deadlineMs: performance.now() + timeoutMs }) }
      // Of another process: by the way that this one has to it.
      const method = methods.find(({ service, name }) => service === call.service && name === call.method)
      if (!method) throw new Fault('unavailable', `no service ${call.service} has ${call.method}`)
      return { id, outcome: await application.host.call(method, call.input, { ...call, timeoutMs }) }
    } catch (error) {
      return { id, fault: error instanceof Fault ? error.kind : 'internal', message: String(error) }
    }
  }
  const say = (message: FromEntry) => process.connected && process.send?.(message)

  process.on('message', (message: ToEntry) => {
    if ('arm' in message) points.arm(message.arm)
    else void answer(message).then(say)
  })
  say({ ready: true, port: Number(new URL(application.url ?? '').port) })
  // Those who are killed cannot leave it to the ones after them when they end.
  flushCompileCache()
  await ended
}
if (process.connected) process.disconnect?.()
