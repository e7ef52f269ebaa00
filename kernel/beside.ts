// A service's own loops, which run beside its consumers and jobs, and the lease by which replicas take turns at them.
import { alwaysHeld, notYetHeld, startLease } from './lease.ts'
import type { Loop } from './loop.ts'
import type { Database } from './ports.ts'
import type { LoopContext, Service } from './service.ts'

/** Nothing waits for these to settle: they look at others for as long as the process lives. */
export type Beside = Pick<Loop, 'name' | 'wake' | 'stop' | 'trouble'>

/** `shared`: other replicas may run the same loops, and one at a time is to do the work. */
export const startBeside = (
  service: Service,
  database: Database,
  { shared, ...context }: Omit<LoopContext, 'database' | 'turn'> & { readonly shared: boolean },
): Beside[] => {
  let lease = shared ? notYetHeld : alwaysHeld
  const own = service.loops({ ...context, database, turn: { held: () => lease.held() } })
  if (own.length === 0 || !shared) return [...own]
  const gained = () => own.forEach((loop) => loop.wake())
  lease = startLease({ database, name: `loops of ${service.name}`, log: context.log, gained })
  return [...own, { name: lease.name, trouble: null, wake: () => undefined, stop: () => lease.stop() }]
}
