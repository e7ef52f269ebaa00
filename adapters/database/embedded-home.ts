// The data directory of the embedded database: where it is, which user's it is, and which process may use it.
import { execFile } from 'node:child_process'
import { chmod, lstat, mkdir, readdir, readFile, realpath, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
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

/** Runs a program to its end. Being async, it also rejects where `execFile` would throw, as for want of rights. */
export const runFile = async (file: string, args: string[], as?: ReturnType<typeof asServer>): Promise<string> =>
  (await promisify(execFile)(file, args, { encoding: 'utf8', ...as })).stdout

const isRoot = (): boolean => process.getuid?.() === 0

/** The environment of everything we start: messages in English, no PG* variable of the operator's shell. */
const plainEnvironment = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' }

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
  try {
    await makeDirs(resolve(dataDir), isRoot() ? 0o711 : 0o700)
  } catch (error) {
    throw explained(error, dataDir)
  }
  const home = await findHome(dataDir)
  if (!home) throw new EmbeddedError(`Cannot use ${dataDir} for the database: it has just been removed`)
  refuseShellCharacters(home)
  if (home.runAs) await letServerIn(home)
  return home
}

/** Node's own recursive mkdir never returns where the file system denies that a parent exists, as in /proc. */
const makeDirs = async (dir: string, mode: number): Promise<void> => {
  if (await lstat(dir).catch(() => null)) return
  if (dir !== '/') await makeDirs(dirname(dir), mode)
  await mkdir(dir, { mode })
}

/** initdb passes its own path, which may be in this directory, to a shell between double quotes. */
const refuseShellCharacters = ({ dir }: Home): void => {
  if (!/["$`\\\n]/.test(dir)) return
  throw new EmbeddedError(
    `Cannot use ${JSON.stringify(dir)} for the database: PostgreSQL cannot be run from paths with " $ \` \\ in them, ` +
      'set ATES_DATA_DIR to another directory',
  )
}

/** PostgreSQL's user when aTES is root: it exists on every system, so none has to be created. */
const nobody = async (): Promise<{ uid: number; gid: number }> => {
  const found = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(await readFile('/etc/passwd', 'utf8').catch(() => ''))
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
  const closed = await runFile('/bin/sh', ['-c', walk, 'sh', ...way], asServer(home)).catch((cause) => {
    throw new EmbeddedError(
      `Started as root, aTES cannot become user nobody to run PostgreSQL (${(cause as Error).message}): ` +
        'start it as another user',
      { cause },
    )
  })
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
  for (const giveUp = performance.now() + lockWaitMs; ;) {
    const lock = tryLock(path)
    if (lock) return lock
    if (performance.now() > giveUp) throw alreadyRuns(home)
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

/** After a failure: PostgreSQL's own words for a full disk are many, and its log may be on that disk. */
export const refuseFullDisk = async ({ dir }: Home, neededBytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(dir)
  if (bavail * bsize < neededBytes) throw explained(Object.assign(new Error(), { code: 'ENOSPC' }), dir)
}
