// A process of web says to operations how it is: it has no database through which it could be watched.
import { systemRandom } from './adapters/random.ts'
import type { HttpTransport } from './adapters/transport/http-client.ts'
import { serviceRole } from './kernel/contract.ts'
import type { Health, Host } from './kernel/host.ts'
import { type Loop, startLoop } from './kernel/loop.ts'
import type { Log } from './kernel/ports.ts'
import { must } from './kernel/result.ts'
import { operations } from './services/operations/contract.ts'

export interface Reporting {
  readonly host: Pick<Host, 'call'>
  /** What is wrong with this process, beside its breakers. */
  readonly health: () => Promise<Health>
  readonly breakers: HttpTransport['breakers']
  readonly log: Log
}

const reportMs = 5_000
const behalf = { actor: { id: null, role: serviceRole }, requestId: 'report', timeoutMs: 2_000 }
const most = 50

/** As operations takes it, however much there is. */
const bounded = (text: string, length: number): string => text.slice(0, length).replaceAll('\0', '').toWellFormed()

/** A report that does not arrive is no trouble of this process: the next one says everything again. */
export const startReporting = ({ host, health, breakers, log }: Reporting): Loop => {
  const process = { process: 'web', instance: systemRandom.uuid(), startedAt: new Date().toISOString() } as const
  const report = async () => {
    const troubles = Object.entries((await health()).troubles).slice(0, most)
    const said = {
      ...process,
      troubles: troubles.map(([part, what]) => ({ part: bounded(part, 200), what: bounded(what, 1_000) })),
      breakers: Object.entries(breakers())
        .slice(0, most)
        .map(([service, state]) => ({ service, state })),
    }
    must(await host.call(operations.reportProcess, said, behalf))
  }
  const pass = async (): Promise<'idle'> => {
    await report().catch((err: unknown) => log.debug({ err }, 'a report to operations was not taken'))
    return 'idle'
  }
  return startLoop({ name: 'report to operations', pollMs: reportMs, log, pass })
}
