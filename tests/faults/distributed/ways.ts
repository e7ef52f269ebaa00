// Who goes where over the network of a distributed aTES.
import type { ProcessName } from '../../../config.ts'
import type { Proxy } from '../../nats/proxy.ts'
import type { Part } from './deployment.ts'

/** `log`: only for events that the broker does not bring, and by one of its processes at a time. */
type Use = 'always' | 'log' | 'never'

/** Web has no database; and nobody but web and the watcher calls anybody whose events it does not hear. */
const uses: Readonly<Record<ProcessName, Readonly<Record<string, Use>>>> = {
  identity: { identity: 'never', 'task-tracker': 'never', accounting: 'never' },
  'task-tracker': { identity: 'log', 'task-tracker': 'never', accounting: 'never' },
  accounting: { identity: 'log', 'task-tracker': 'log', accounting: 'never' },
  operations: { operations: 'never' },
  web: { 'its database': 'never' },
}

export interface Way {
  readonly to: string
  readonly link: Proxy
  readonly use: Use
}

/** All that could be, also to itself. */
export const waysOf = ({ name, links: { database, broker, services } }: Part): Way[] =>
  Object.entries({ 'its database': database, 'the broker': broker, ...services }).map(([to, link]) => ({
    to,
    link,
    use: uses[name][to] ?? 'always',
  }))
