// Which tests need more of the machine than Node, what that is, and whether it is there.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { connect } from 'node:net'

/** What needs a broker, or to check its configuration. */
const ofBroker = /^(?:adapters\/bus\/nats[^/]*$|tests\/(?:nats|deploy|faults\/distributed)\/)/
/** What starts servers of its own, of all kinds. */
const ofServers = /^tests\/faults\/distributed\//
/** What needs a tool of Prometheus. */
const ofPrometheus = /^tests\/prometheus\//

/** What takes a minute by itself. It needs no server, but is asked for once. */
const thorough = /^tests\/hostile\/fuzz\./

/** What `npm test` leaves to `npm run test:full`: it is to need nothing but this repository and a few minutes. */
export const fullOnly = (file: string): boolean => [ofBroker, ofPrometheus, thorough].some((one) => one.test(file))

/**
 * What runs a second time with PgBouncer between services and database: everything of the kernel and the services that
 * has a database, and the stories. Not among them is a test that takes a lock of a session by hand, as a replica of the
 * past did: behind a pooler nobody can.
 */
export const isPooled = (file: string): boolean =>
  /^(?:kernel|services\/(?:identity|task-tracker|accounting|operations)|tests\/story)\//.test(file) &&
  file !== 'kernel/migrations.test.ts'

/** What runs a second time with NATS as the bus, also between services of one process; each test starts a broker of its own. */
export const isOverNats = (file: string): boolean => /^tests\/faults\/family-(?:01|02|03|04|09|11|14|16|19)-/.test(file)

const runs = (program: string): boolean => spawnSync(program, ['--version']).error === undefined

/** By the name of Debian's package: for which tests, and whether it is there. */
const packages: Readonly<Record<string, { of: (file: string) => boolean; isThere: () => boolean }>> = {
  'nats-server': { of: (file) => ofBroker.test(file) || isOverNats(file), isThere: () => runs('nats-server') },
  pgbouncer: { of: (file) => ofServers.test(file) || isPooled(file), isThere: () => runs('pgbouncer') },
  libfaketime: {
    of: (file) => ofServers.test(file),
    isThere: () => globSync('/usr/lib/*/faketime/libfaketimeMT.so.1').length > 0,
  },
  prometheus: { of: (file) => ofPrometheus.test(file), isThere: () => runs('promtool') },
}

const answers = async (url: string): Promise<boolean> => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port || 4222), hostname)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(5_000) })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** What these tests need and do not find, in one line; null when all is there. */
export const missingFor = async (files: readonly string[], brokerUrl: string): Promise<string | null> => {
  const missing = Object.entries(packages).filter(([, { of, isThere }]) => files.some(of) && !isThere())
  if (missing.length > 0)
    return `these tests need what is not installed: apt-get install ${missing.map(([name]) => name).join(' ')}`
  if (!files.some((file) => ofBroker.test(file)) || (await answers(brokerUrl))) return null
  return `no broker answers at ${brokerUrl}: start one with nats-server -a 127.0.0.1 -js, or set ATES_TEST_NATS_URL`
}
