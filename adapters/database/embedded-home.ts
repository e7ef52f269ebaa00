// The data directory of the embedded database: who uses it, who owns its files, and the cluster inside it.
import { execFile } from 'node:child_process'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  statfs,
} from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Log } from '../../kernel/ports.ts'
import type { Binaries } from './embedded-binaries.ts'
import { EmbeddedError, explained } from './embedded-error.ts'

export interface Home {
  /** The data directory, absolute and without symbolic links. */
  readonly dir: string
  /** PostgreSQL's own directory in it. Other things, such as keys, may lie beside it. */
  readonly cluster: string
  readonly logFile: string
  /** User and group that own the cluster and run the server. */
  readonly uid: number
  readonly gid: number
  /** Set when these are not ours: aTES runs as root, and PostgreSQL refuses to. */
  readonly runAs: { readonly uid: number; readonly gid: number } | undefined
}

const runFile = promisify(execFile)
const isRoot = (): boolean => process.getuid?.() === 0

/** The environment of everything we start: messages in English, no PG* variable of the operator's shell. */
export const plainEnvironment = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' }

/** How to start a program as the owner of the cluster, from a working directory that this user may enter. */
export const asServer = ({
  runAs,
}: Home): { cwd: string; env: Record<string, string>; uid?: number; gid?: number } => ({
  cwd: '/',
  env: plainEnvironment,
  // A negative id, as nobody has on macOS, is stored unsigned but must be passed signed.
  ...(runAs && { uid: runAs.uid | 0, gid: runAs.gid | 0 }),
})

/** Where data directory and cluster are, or null when there is no such directory. Changes nothing. */
export const findHome = async (dataDir: string): Promise<Home | null> => {
  try {
    const dir = await realpath(dataDir)
    if (!(await stat(dir)).isDirectory()) throw Object.assign(new Error(), { code: 'EEXIST' })
    const runAs = isRoot() ? await nobody() : undefined
    const uid = runAs?.uid ?? process.getuid?.() ?? 0
    const gid = runAs?.gid ?? process.getgid?.() ?? 0
    return { dir, cluster: join(dir, 'postgres'), logFile: join(dir, 'postgres.log'), uid, gid, runAs }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw explained(error, dataDir)
  }
}

/** Makes the data directory when needed, and makes sure that the server's user reaches it. */
export const openHome = async (dataDir: string): Promise<Home> => {
  // initdb passes its own path, which may be in there, to a shell between double quotes.
  if (/["$`\\\n]/.test(dataDir)) {
    throw new EmbeddedError(
      `Cannot use ${JSON.stringify(dataDir)} for the database: PostgreSQL cannot be run from paths with " $ \` \\ in ` +
        'them, set ATES_DATA_DIR to another directory',
    )
  }
  try {
    await makeDirs(resolve(dataDir), isRoot() ? 0o711 : 0o700)
  } catch (error) {
    throw explained(error, dataDir)
  }
  const home = await findHome(dataDir)
  if (!home)
    throw new EmbeddedError(`Cannot use ${dataDir} for the database: it vanished, or set ATES_DATA_DIR to another`)
  if (home.runAs) await letServerIn(home)
  return home
}

/** Node's own recursive mkdir never returns where the file system denies that a parent exists, as in /proc. */
const makeDirs = async (dir: string, mode: number): Promise<void> => {
  if (await lstat(dir).catch(() => null)) return
  if (dir !== '/') await makeDirs(dirname(dir), mode)
  await mkdir(dir, { mode })
}

/** PostgreSQL's user when aTES is root: it exists on every system, so none has to be created. */
const nobody = async (): Promise<{ uid: number; gid: number }> => {
  const found = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(await readFile('/etc/passwd', 'utf8'))
  if (found) return { uid: Number(found[1]) >>> 0, gid: Number(found[2]) >>> 0 }
  throw new EmbeddedError('aTES runs as root and found no user "nobody" to run PostgreSQL as: start it as another user')
}

/**
 * A fresh directory of ours, even a private one, is opened for passing through; nothing in it can be listed. One with
 * other things in it may be somebody's home, and any above it is not ours to change: there the operator decides.
 */
const letServerIn = async (home: Home): Promise<void> => {
  const { mode, uid } = await stat(home.dir)
  const ours = (await readdir(home.dir)).every((name) => name.startsWith('postgres') || name === lockName)
  if (ours && uid === 0) await chmod(home.dir, mode | 0o011)
  const way: string[] = []
  for (let dir = home.dir; dir !== '/'; dir = dirname(dir)) way.unshift(dir)
  const walk = 'for dir do cd "$dir" 2>/dev/null || { printf %s "$dir"; exit; }; done'
  const { stdout: closed } = await runFile('/bin/sh', ['-c', walk, 'sh', ...way], asServer(home))
  if (closed === '') return
  throw new EmbeddedError(
    `Started as root, aTES runs PostgreSQL as user nobody, who may not pass through ${closed}: ` +
      `run chmod o+x ${closed}, set ATES_DATA_DIR to another directory, or start aTES as another user`,
  )
}

const lockName = 'owner.lock'
const lockWaitMs = 1_000

/**
 * Makes this process the only one that prepares, starts, adopts or ends the server of this directory, until the lock
 * is closed or the process is gone. Node has no flock(); a transaction of SQLite holds the kernel's lock on a file,
 * which ends with its process however that ends. (Nobody else may open that file in this process: closing it would
 * free the lock. The advisory lock in the server stays as the second guard.)
 */
export const holdHome = async (home: Home): Promise<DatabaseSync> => {
  const path = join(home.dir, lockName)
  // The kernel frees the lock of a killed process a moment after the kill.
  for (const giveUp = Date.now() + lockWaitMs; ;) {
    const lock = tryLock(path)
    if (lock) return lock
    if (Date.now() > giveUp) throw alreadyRuns(home)
    await delay(20)
  }
}

export const alreadyRuns = ({ dir }: Home): EmbeddedError =>
  new EmbeddedError(`aTES already runs on this data directory (${dir}); use another ATES_DATA_DIR or stop it`)

const sqliteBusy = 5

const tryLock = (path: string): DatabaseSync | null => {
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(path, { timeout: 0 })
    lock.exec('pragma journal_mode = memory; begin exclusive')
    return lock
  } catch (error) {
    lock?.close()
    if ((error as { errcode?: number }).errcode === sqliteBusy) return null
    throw new EmbeddedError(
      `Cannot lock ${path}: let the user who starts aTES write there, or set ATES_DATA_DIR to another directory`,
      { cause: error },
    )
  }
}

/** Makes the cluster when there is none; refuses one that this server or this user cannot run. */
export const ensureCluster = async (home: Home, binaries: Binaries, log: Log): Promise<void> => {
  await removeUnfinished(home, log)
  const major = Number.parseInt(binaries.version, 10)
  const found = await clusterVersion(home)
  if (found === null) return createCluster(home, binaries)
  if (found !== String(major)) {
    throw new EmbeddedError(
      `The data in ${home.cluster} was made by PostgreSQL ${found} and this aTES has ${major}: run the aTES that ` +
        'made it and move the data by pg_dump, or set ATES_DATA_DIR to another directory',
    )
  }
  const { uid } = await stat(home.cluster)
  if (uid === home.uid) return
  throw new EmbeddedError(
    `The data in ${home.cluster} belongs to user id ${uid} and PostgreSQL would run as ${home.uid}: start aTES as the ` +
      `user who made it, or run chown -R ${home.uid} ${home.cluster}`,
  )
}

/** Null when there is nothing yet. initdb's result appears as a whole, so anything else there is not ours. */
const clusterVersion = async (home: Home): Promise<string | null> => {
  try {
    if ((await readdir(home.cluster)).length === 0) return null
    return (await readFile(join(home.cluster, 'PG_VERSION'), 'utf8')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw explained(error, home.cluster)
    if (await lstat(home.cluster).catch(() => null)) {
      throw new EmbeddedError(
        `${home.cluster} is not the data of a PostgreSQL server: move it away, or set ATES_DATA_DIR`,
      )
    }
    return null
  }
}

const unfinishedPrefix = 'postgres.unfinished-'

/** Called by the holder of the directory only, so each of these was left by a start that was killed. */
const removeUnfinished = async (home: Home, log: Log): Promise<void> => {
  const names = (await readdir(home.dir)).filter((name) => name.startsWith(unfinishedPrefix))
  for (const name of names) {
    // An initdb that outlived its killed parent may still be writing there; then the next start removes it.
    await rm(join(home.dir, name), { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
      log.warn({ name, error }, 'left an unfinished database directory behind'),
    )
  }
}

const createCluster = async (home: Home, binaries: Binaries): Promise<void> => {
  const unfinished = await mkdtemp(join(home.dir, unfinishedPrefix)).catch((error: unknown) => {
    throw explained(error, home.dir)
  })
  try {
    if (home.runAs) await chown(unfinished, home.uid, home.gid)
    await initdb(home, binaries, unfinished)
    await rename(unfinished, home.cluster)
    await using dir = await open(home.dir)
    await dir.sync()
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw explained(error, home.dir)
  }
}

const initdb = async (home: Home, binaries: Binaries, target: string): Promise<void> => {
  const access = ['--username=postgres', '--auth-local=trust', '--auth-host=reject']
  const texts = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  try {
    await runFile(
      join(binaries.root, 'bin/initdb'),
      ['-D', target, ...access, ...texts, '--no-instructions'],
      asServer(home),
    )
  } catch (error) {
    await refuseFullDisk(home, 100_000_000)
    const { stderr = '', message } = error as Error & { stderr?: string }
    const reason = /^.*(?:error|FATAL|PANIC): .*$/m.exec(stderr)?.[0] ?? (stderr.trim().split('\n')[0] || message)
    throw new EmbeddedError(`Cannot create the database in ${home.dir}: ${reason}`, { cause: error })
  }
}

/** After a failure: PostgreSQL's own words for a full disk are many, and its log may be on that disk. */
export const refuseFullDisk = async ({ dir }: Home, neededBytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(dir)
  if (bavail * bsize < neededBytes) throw explained(Object.assign(new Error(), { code: 'ENOSPC' }), dir)
}
