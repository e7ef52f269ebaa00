// The network of a distributed aTES: each process has connections of its own to its database, to the broker and to the
// other services, and each of them is a proxy that a test can hold, lose or cut.
import { join } from 'node:path'
import type pg from 'pg'
import { serviceNames, type ServiceName } from '../../../config.ts'
import { openProxy, type Proxy, type Target } from '../../nats/proxy.ts'

export interface Links extends AsyncDisposable {
  readonly database: Proxy
  readonly broker: Proxy
  readonly services: Readonly<Record<ServiceName, Proxy>>
  /** All of them. */
  readonly every: readonly Proxy[]
}

export const openLinks = async (
  database: pg.ClientConfig,
  brokerPort: number,
  listening: (service: ServiceName) => number | null,
): Promise<Links> => {
  const toDatabase = await openProxy(databaseTarget(database))
  const broker = await openProxy(brokerPort)
  const open = async (name: ServiceName) => {
    const target: Target = () => {
      const port = listening(name)
      return port === null ? null : { port, host: '127.0.0.1' }
    }
    return [name, await openProxy(target)] as const
  }
  const services = Object.fromEntries(await Promise.all(serviceNames.map(open))) as Record<ServiceName, Proxy>
  const every = [toDatabase, broker, ...Object.values(services)]
  return {
    database: toDatabase,
    broker,
    services,
    every,
    [Symbol.asyncDispose]: async () => {
      for (const link of every) await link[Symbol.asyncDispose]()
    },
  }
}

const databaseTarget = ({ host = '127.0.0.1', port = 5432 }: pg.ClientConfig): Target => {
  const where = host.startsWith('/') ? { path: join(host, `.s.PGSQL.${port}`) } : { host, port }
  return () => where
}
