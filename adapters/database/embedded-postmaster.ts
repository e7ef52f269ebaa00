// The server process of one data directory: find it, be sure that it is the one, start it, reach it, end it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import type { Binaries } from './embedded-binaries.ts'
import { EmbeddedError, explained } from './embedded-error.ts'
import { asServer, type Home, runFile } from './embedded-home.ts'

/** An open connection as the superuser; `closed` resolves when it ends, for whatever reason. */
export interface Session {
  readonly client: Client
  readonly closed: Promise<void>
  /** The server's process. */
  readonly pid: number
}

/** Where the server says it is. Not to be believed before `isPostmaster` or a connection has confirmed it. */
export interface Address {
  readonly pid: number
  readonly socketDir: string
  readonly port: number
}

const pollMs = 20
const port = 5432
const superuser = { user: 'postgres', database: 'postgres', ssl: false, application_name: 'ates' }

const pidFile = (home: Home): string => join(home.cluster, 'postmaster.pid')

/** Reads postmaster.pid, whose lines are process id, data directory, start time, port, socket directory, ... */
export const readAddress = async (home: Home): Promise<Address | null> => {
  try {
    const [pid, , , port, socketDir] = (await readFile(pidFile(home), 'utf8')).split('\n')
    return Number(pid) > 0 && Number(port) > 0 && socketDir ? { pid: Number(pid), port: Number(port), socketDir } : null
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw explained(error, home.cluster)
  }
}

/** Whether this process is the server of this data: process ids are reused, after a reboot soon. */
export const isPostmaster = async (home: Home, pid: number): Promise<boolean> => {
  const { uid, command } = await describeProcess(pid).catch(() => ({ uid: -1, command: '' }))
  return uid === home.uid && command.includes(`/bin/postgres -D ${home.cluster} -c `)
}

/** Command line and owner are readable even where /proc hides working directories, as from root in a container. */
const describeProcess = async (pid: number): Promise<{ uid: number; command: string }> => {
  if (process.platform === 'linux') {
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
    return { uid: (await stat(`/proc/${pid}`)).uid, command }
  }
  const command = await runFile('ps', ['-ww', '-o', 'uid=,args=', '-p', String(pid)])
  return { uid: Number.parseInt(command, 10) >>> 0, command }
}

/** Connects and makes sure that it is the server of this data in a socket directory that only its user can change. */
export const connect = async (home: Home): Promise<Session | null> => {
  const address = await readAddress(home)
  if (!address || !(await isPrivate(address.socketDir, home.uid))) return null
  const { pid, socketDir: host, port } = address
  const client = new Client({ ...superuser, host, port, connectionTimeoutMillis: 5_000, query_timeout: 5_000 })
  const closed = new Promise<void>((resolve) => client.once('end', resolve))
  client.on('error', () => {}) // `closed` says so too.
  await client.connect()
  try {
    const { rows } = await client.query<{ data_directory: string }>('show data_directory')
    if (rows[0]?.data_directory === home.cluster) return { client, closed, pid }
  } catch (error) {
    await client.end()
    throw error
  }
  await client.end()
  return null
}

/** SQLSTATEs of a server that is there but not ready: starting, stopping or recovering; all connections taken. */
const busyCodes = new Set(['57P03', '53300'])
/** After a crash with much to recover, or many files to flush on a slow disk. */
const recoveryMs = 1_800_000

/**
 * Connects as soon as the server takes connections. Null when it is not alive, or when `silenceMs` passed without any
 * answer. One that answers that it is recovering gets half an hour; `waiting` hears what it says, once.
 */
export const reach = async (
  home: Home,
  alive: () => boolean | Promise<boolean>,
  silenceMs: number,
  waiting: (answer: string) => void = () => {},
): Promise<Session | null> => {
  const start = performance.now()
  let told = false
  for (let heard = start; ; await delay(pollMs)) {
    const session = await connect(home).catch((error: Error & { code?: string }) => error)
    if (session && !(session instanceof Error)) return session
    const now = performance.now()
    if (session && busyCodes.has(session.code ?? '')) {
      heard = now
      if (!told && now - start > 2_000) waiting(session.message)
      told ||= now - start > 2_000
    }
    if (!(await alive()) || now - heard > silenceMs || now - start > recoveryMs) return null
  }
}

export interface Launched {
  readonly child: ChildProcess
  /** Where in the log file its messages begin. */
  readonly logStart: number
}

/**
 * Starts the server in its own session, so that a Ctrl-C in the terminal ends aTES first, which then ends the server
 * in order; and without a tie to our event loop. Only for the holder of the data directory.
 */
export const launch = async (home: Home, { root }: Binaries, settings: Record<string, string>): Promise<Launched> => {
  try {
    const socketDir = await ensureSocketDir(home)
    await disarmLockFiles(home, socketDir)
    await boundLog(home)
    await using output = await open(home.logFile, 'a', 0o600)
    const where = { listen_addresses: '', port: String(port), unix_socket_directories: `"${socketDir}"` }
    const flags = Object.entries({ ...settings, ...where }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const { size: logStart } = await output.stat()
    const child = await spawnServer(home, join(root, 'bin/postgres'), flags, output.fd)
    child.unref()
    return { child, logStart }
  } catch (error) {
    throw explained(error, home.dir)
  }
}

const spawnServer = async (home: Home, program: string, flags: string[], output: number): Promise<ChildProcess> => {
  try {
    const options = { ...asServer(home), detached: true }
    const child = spawn(program, ['-D', home.cluster, ...flags], { ...options, stdio: ['ignore', output, output] })
    await once(child, 'spawn')
    return child
  } catch (cause) {
    throw new EmbeddedError(`Cannot start ${program}: ${(cause as Error).message}`, { cause })
  }
}

const maxLogBytes = 10_000_000

/** Empties the server's log when it has grown large. The server appends, so this is safe while it runs. */
export const boundLog = async ({ logFile }: Home): Promise<void> => {
  const { size } = await stat(logFile).catch(() => ({ size: 0 }))
  if (size > maxLogBytes) await truncate(logFile)
}

/** What kept a server from running, from `start` in its log. Lines with a user are what it told some client. */
export const lastComplaint = async ({ logFile }: Home, start: number): Promise<string> => {
  const lines = (await readFile(logFile)).subarray(start).toString().trim().split('\n')
  const complaint = lines.findLast((line) => /\] (FATAL|PANIC): /.test(line)) ?? lines.at(-1)
  return complaint?.replace(/^.*(FATAL|PANIC): +/, '') || 'it did not say why'
}

/**
 * A dead server's lock files may name a process that is somebody else's now, and PostgreSQL would take that for a
 * running server and refuse for ever. It ignores a pid file that names its own parent, which we will be, and still
 * uses the file's other lines to find processes of the dead server that are not yet gone. The lock beside the socket
 * guards only the socket, so that one is simply removed.
 */
const disarmLockFiles = async (home: Home, socketDir: string): Promise<void> => {
  const socket = join(socketDir, socketName)
  const socketLock = `${socket}.lock`
  if ((await misleads(home, socketLock)) || (await isForsaken(socketLock))) {
    for (const path of [socket, socketLock]) await rm(path, { force: true })
  }
  if (await misleads(home, pidFile(home))) await nameUs(home)
  else if (await isForsaken(pidFile(home))) await rm(pidFile(home), { force: true })
}

/** True for a living process that is not our server. Of a dead one PostgreSQL itself knows that it is. */
const misleads = async (home: Home, lockFile: string): Promise<boolean> => {
  const pid = Number.parseInt(await readFile(lockFile, 'utf8').catch(() => ''), 10)
  return pid > 0 && send(pid, 0) && !(await isPostmaster(home, pid))
}

/** Empty since before a moment ago: its server died before it had done anything. */
const isForsaken = async (lockFile: string): Promise<boolean> => {
  const found = await stat(lockFile).catch(() => null)
  return found !== null && found.size === 0 && Math.abs(Date.now() - found.mtimeMs) > 2_000
}

const nameUs = async (home: Home): Promise<void> => {
  const text = await readFile(pidFile(home), 'utf8').catch(() => null)
  if (text === null) return
  // Written beside the cluster first: the server's user must not be able to lead us, as root, through a link.
  const draft = join(home.dir, 'postgres.pid.draft')
  await rm(draft, { force: true })
  await writeFile(draft, text.replace(/^\d+/, String(process.pid)), { mode: 0o600 })
  if (home.runAs) await chown(draft, home.uid, home.gid)
  await rename(draft, pidFile(home))
}

/** 104 bytes with the final zero on macOS, 108 on Linux. */
const maxSocketPathBytes = 103
const socketName = `.s.PGSQL.${port}`
const fits = (dir: string): boolean => Buffer.byteLength(join(dir, socketName)) <= maxSocketPathBytes

/**
 * In the data directory, where everybody who shares it finds it and no cleaner of temporary files comes. When that
 * path is too long, a directory with a random name, used again after a crash.
 */
const ensureSocketDir = async (home: Home): Promise<string> => {
  const dir = fits(usualSocketDir(home)) ? usualSocketDir(home) : await temporarySocketDir(home)
  await mkdir(dir, { recursive: true })
  await chmod(dir, 0o700)
  if (home.runAs) await chown(dir, home.uid, home.gid)
  return dir
}

const usualSocketDir = (home: Home): string => join(home.dir, 'postgres.socket')

const temporarySocketDir = async (home: Home): Promise<string> => {
  const last = (await readAddress(home))?.socketDir
  if (last && last !== usualSocketDir(home) && (await isPrivate(last, home.uid))) return last
  return mkdtemp(join(fits(join(tmpdir(), 'ates-123456')) ? tmpdir() : '/tmp', 'ates-'))
}

/** After the server's end. One in the data directory stays. */
export const removeSocketDir = async (home: Home, dir: string): Promise<void> => {
  if (dir !== usualSocketDir(home)) await rmdir(dir).catch(() => {})
}

/** Another user may have put something at a known path before us, or after a reboot. */
const isPrivate = async (dir: string, owner: number): Promise<boolean> => {
  const found = await lstat(dir).catch(() => null)
  return found !== null && found.isDirectory() && found.uid === owner && (found.mode & 0o077) === 0
}

type Step = readonly [signal: NodeJS.Signals, waitMs: number]

/** Leave at once, which costs the next start a recovery (the server itself gives its parts 5 s); or be gone. */
export const atOnce: readonly Step[] = [
  ['SIGQUIT', 6_000],
  ['SIGKILL', 5_000],
]
/** First of all, write everything down and leave. */
export const orderly: readonly Step[] = [['SIGINT', 20_000], ...atOnce]

/** Ends the server if it still is that server. False when even the last signal did not help. */
export const endPostmaster = async (home: Home, pid: number, steps: readonly Step[]): Promise<boolean> => {
  for (const [signal, waitMs] of steps) {
    if (!(await isPostmaster(home, pid))) return true
    send(pid, signal)
    // A stopped process gets the signal only when it goes on.
    send(pid, 'SIGCONT')
    for (const giveUp = performance.now() + waitMs; performance.now() < giveUp; await delay(pollMs)) {
      if (!(await isPostmaster(home, pid))) return true
    }
  }
  return false
}

/** False when there is no such process. */
const send = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    if (signal === 0) return true
    throw error
  }
}
