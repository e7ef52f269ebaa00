// A real PostgreSQL server from npm, started as our child on a private socket, so that aTES runs without installing one.
import type { DatabaseSync } from 'node:sqlite'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../../kernel/ports.ts'
import { type Binaries, copiedBinaries, installedBinaries, usableBinaries } from './embedded-binaries.ts'
import { EmbeddedError, explained } from './embedded-error.ts'
import { ensureCluster } from './embedded-cluster.ts'
import { alreadyRuns, findHome, holdHome, type Home, openHome, refuseFullDisk } from './embedded-home.ts'
import {
  atOnce,
  boundLog,
  endPostmaster,
  isPostmaster,
  lastComplaint,
  launch,
  orderly,
  reach,
  readAddress,
  removeSocketDir,
  type Session,
} from './embedded-postmaster.ts'

export { EmbeddedError }

export interface EmbeddedServer extends AsyncDisposable {
  /** The directory of the unix socket: what `pg` calls the host. */
  readonly socketDir: string
  /** Part of the socket's name; no TCP port is open. */
  readonly port: number
  readonly dataDir: string
  /** Settings for a `pg` client of this role and database. */
  connection(user: string, database: string): { host: string; port: number; user: string; database: string }
  /** Ends the server in order, or only our own connection to one that we joined. Repeatable. */
  stop(): Promise<void>
  /** Resolves with the reason when the server ends without `stop()`. Then it can be started again. */
  readonly died: Promise<string>
}

/** Where the data lies unless the operator says otherwise. `base` is where this user keeps data, XDG_DATA_HOME. */
export const defaultDataDir = (base = ''): string => {
  if (process.getuid?.() === 0) return '/var/lib/ates'
  return join(isAbsolute(base) ? base : join(homedir(), '.local/share'), 'ates')
}

/**
 * Starts the server on this data, creating the data when there is none, or takes over one that a killed aTES left
 * running, with the settings of that run; and owns it from then on. Throws `EmbeddedError`, also when somebody else
 * owns it.
 *
 * Two locks say who owns a server. A lock on a file in the data directory covers what happens without a server:
 * creating the data, starting, ending what hangs. An advisory lock in the server covers the rest, whatever became of
 * the file. The kernel and the server free them when their holder dies.
 */
export const startEmbedded = async (options: {
  dataDir: string
  log: Log
  settings?: Record<string, string>
}): Promise<EmbeddedServer> => {
  const { log } = options
  const home = await openHome(options.dataDir)
  const hold = await holdHome(home)
  try {
    const settings = { ...moderate, ...options.settings }
    const session = (await adopt(home, log)) ?? (await start(home, log, settings))
    return await own(home, hold, session)
  } catch (error) {
    hold.close()
    throw explained(error, home.dir)
  }
}

/** Connects to the server that runs on this data, without owning it. Null when none runs. */
export const joinEmbedded = async ({ dataDir }: { dataDir: string }): Promise<EmbeddedServer | null> => {
  const home = await findHome(dataDir)
  const address = home && (await readAddress(home))
  if (!address || !(await isPostmaster(home, address.pid))) return null
  const alive = (): Promise<boolean> => isPostmaster(home, address.pid)
  const session = await reach(home, alive, silenceMs)
  if (session) return serve(home, session, async () => reach(home, alive, silenceMs), endSession)
  if (!(await alive())) return null
  throw new EmbeddedError(`The PostgreSQL server of ${home.dir} (process ${address.pid}) does not answer: restart aTES`)
}

/** For the memory and the load of one company on one machine; durability is as PostgreSQL's defaults have it. */
const moderate: Readonly<Record<string, string>> = {
  // Takes memory only as data comes into it.
  shared_buffers: '128MB',
  // Every service's own connections and those of its libraries, for all services and the tools beside them.
  max_connections: '200',
  max_wal_size: '1GB',
  // Nothing replicates from here, so the log only serves recovery.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  // Saves three processes that read ahead; the data is small enough to stay in memory.
  io_method: 'sync',
  jit: 'off',
  unix_socket_permissions: '0700',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %q%u@%d ',
  log_checkpoints: 'off',
}

/** How long a living server may leave us without any answer. */
const silenceMs = 5_000

/** Takes over a server whose owner was killed. One that hangs is ended: what it had committed is safe. */
const adopt = async (home: Home, log: Log): Promise<Session | null> => {
  const pid = (await readAddress(home))?.pid
  if (pid === undefined || !(await isPostmaster(home, pid))) return null
  const session = await reach(home, () => isPostmaster(home, pid), silenceMs, sayWaiting(log))
  if (session) {
    log.info({ pid, dataDir: home.dir }, 'took over the database server of an earlier run')
  } else if (await isPostmaster(home, pid)) {
    log.warn({ pid, dataDir: home.dir }, 'ending the database server of an earlier run, which does not answer')
    await end(home, pid, atOnce)
  }
  return session
}

const sayWaiting = (log: Log) => (answer: string) => log.info({ answer }, 'waiting for the database server')

/**
 * How long processes of a killed server may keep the next one from starting: a long statement ends only by itself, and
 * a server without a pid file only when it notices, within a minute.
 */
const leftoversMs = 90_000
const leftovers = /pre-existing shared memory block|lock file .* (already exists|is empty)|is being used by another/

const start = async (home: Home, log: Log, settings: Record<string, string>): Promise<Session> => {
  const binaries = await binariesFor(home)
  await ensureCluster(home, binaries, log)
  for (const giveUp = performance.now() + leftoversMs; ; await delay(100)) {
    const { child, logStart } = await launch(home, binaries, settings)
    const alive = (): boolean => child.exitCode === null && child.signalCode === null
    const session = await reach(home, alive, startSilenceMs, sayWaiting(log))
    if (session) {
      log.info({ pid: session.pid, dataDir: home.dir, version: binaries.version }, 'started the database server')
      return session
    }
    if (alive()) await end(home, child.pid ?? 0, atOnce)
    // What is in the way may be a server that an aTES launched when it was killed, and that only now came up.
    const late = await adopt(home, log)
    if (late) return late
    const complaint = await lastComplaint(home, logStart)
    if (leftovers.test(complaint) && performance.now() < giveUp) continue
    await refuseFullDisk(home, 20_000_000)
    throw new EmbeddedError(`PostgreSQL did not start on ${home.cluster}: ${complaint} (its log: ${home.logFile})`)
  }
}

/** Starting on a slow or busy disk, a server of ours may be silent for longer before it listens. */
const startSilenceMs = 30_000

/** Root's files may be out of reach for the server's user, so that one always runs its own copy. */
const binariesFor = async (home: Home): Promise<Binaries> => {
  const installed = await installedBinaries()
  return home.runAs ? copiedBinaries(installed, home.dir) : usableBinaries(installed, home.dir)
}

const end = async (home: Home, pid: number, steps: typeof orderly): Promise<void> => {
  if (await endPostmaster(home, pid, steps)) return
  throw new EmbeddedError(`The PostgreSQL server of ${home.dir} (process ${pid}) cannot be ended: restart the machine`)
}

const lockWaitMs = 3_000

/** True when this session became the owner. A killed owner's session ends a moment after it, so this waits a little. */
const takeOwnership = async ({ client }: Session): Promise<boolean> => {
  const ask = 'select pg_try_advisory_lock(1632912723) as taken' // 'aTES' in ASCII
  for (const giveUp = performance.now() + lockWaitMs; performance.now() < giveUp; await delay(20)) {
    const { rows } = await client.query<{ taken: boolean }>(ask)
    if (rows[0]?.taken) return true
  }
  return false
}

/** `pg` has these, its types do not. */
type Tied = { ref(): void; unref(): void }

const endSession = async ({ client }: Session): Promise<void> => {
  ;(client as typeof client & Tied).ref()
  await client.end()
}

const own = async (home: Home, hold: DatabaseSync, session: Session): Promise<EmbeddedServer> => {
  if (!(await takeOwnership(session))) {
    await endSession(session)
    throw alreadyRuns(home)
  }
  const { pid } = session
  const logKeeper = setInterval(() => void boundLog(home).catch(() => {}), 60_000).unref()
  const release = (): void => {
    clearInterval(logKeeper)
    if (hold.isOpen) hold.close()
  }
  const regain = async (): Promise<Session | null> => {
    const next = await reach(home, () => isPostmaster(home, pid), silenceMs)
    return next && (await takeOwnership(next)) ? next : null
  }
  const stop = async (last: Session, connected: boolean): Promise<void> => {
    // One that is restarting itself after a crash does not end in order (18.4 then waits for ever), and need not: it
    // recovers at its next start.
    await end(home, pid, connected ? orderly : atOnce)
    await endSession(last)
    await removeSocketDir(home, last.client.host)
  }
  return serve(home, session, regain, stop, release)
}

/** Watches the connection. A lost one is made again while the server lives: it restarts itself when a part crashed. */
const serve = (
  home: Home,
  first: Session,
  regain: () => Promise<Session | null>,
  stopServer: (last: Session, connected: boolean) => Promise<void>,
  release: () => void = () => {},
): EmbeddedServer => {
  const { host: socketDir, port } = first.client
  const died = Promise.withResolvers<string>()
  let session = first
  let state: 'connected' | 'lost' | 'dead' = 'connected'
  let stopping: Promise<void> | undefined
  const watch = async (): Promise<void> => {
    for (let next: Session | null = first; next; next = await repeated(regain)) {
      session = next
      state = 'connected'
      // Watching alone must not keep the process alive.
      ;(next.client as typeof next.client & Tied).unref()
      if (stopping) await endSession(next)
      await next.closed
      if (stopping) return
      state = 'lost'
    }
    if (stopping) return
    state = 'dead'
    release()
    died.resolve(`the PostgreSQL server of ${home.dir} ended or was lost; its log is ${home.logFile}`)
  }
  void watch()
  const stop = (): Promise<void> =>
    (stopping ??= (async () => {
      if (state !== 'dead') await stopServer(session, state === 'connected').finally(release)
    })())
  return {
    socketDir,
    port,
    dataDir: home.dir,
    connection: (user, database) => ({ host: socketDir, port, user, database }),
    stop,
    died: died.promise,
    [Symbol.asyncDispose]: stop,
  }
}

/** It may crash again before it is reached. */
const repeated = async (regain: () => Promise<Session | null>): Promise<Session | null> => {
  for (let tries = 0; tries < 5; tries++) {
    const session = await regain().catch(() => null)
    if (session) return session
  }
  return null
}
