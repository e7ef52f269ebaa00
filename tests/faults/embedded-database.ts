// The embedded database of an application under test: asked by joining its server, and killed with all its processes.
import { execFile } from 'node:child_process'
import { readdir, readFile, rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { findHome } from '../../adapters/database/embedded-home.ts'
import { readAddress } from '../../adapters/database/embedded-postmaster.ts'
import { joinEmbedded } from '../../adapters/database/embedded.ts'

export type Query = <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>

/** Asks as the database's administrator, each time anew: the server may have been killed in between. */
export const queryEmbedded =
  (dataDir: string): Query =>
  async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) => {
    await using server = await joinEmbedded({ dataDir })
    if (!server) throw new Error(`no database server runs on ${dataDir}`)
    const client = new pg.Client(server.connection('postgres', 'ates'))
    await client.connect()
    try {
      return (await client.query<Row>(text, values)).rows
    } finally {
      await client.end()
    }
  }

/** The process of the server; 0 when none runs. */
export const postmasterOf = async (dataDir: string): Promise<number> => {
  const home = await findHome(dataDir)
  return (home && (await readAddress(home))?.pid) ?? 0
}

const parentOf = async (pid: string): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2])
}

const childrenOf = async (parent: number): Promise<number[]> => {
  if (process.platform !== 'linux') {
    const { stdout } = await promisify(execFile)('pgrep', ['-P', String(parent)]).catch(() => ({ stdout: '' }))
    return stdout.split('\n').filter(Boolean).map(Number)
  }
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const parents = await Promise.all(pids.map(parentOf))
  return pids.filter((_pid, index) => parents[index] === parent).map(Number)
}

const killed = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** Kills the server and each of its sessions at once, as when a machine runs out of memory. */
export const killDatabase = async (dataDir: string): Promise<void> => {
  const postmaster = await postmasterOf(dataDir)
  if (postmaster === 0) return
  for (const pid of [postmaster, ...(await childrenOf(postmaster))]) killed(pid)
}

/** After the application: ends what is left of its server, and removes the data. */
export const removeDatabase = async (dataDir: string): Promise<void> => {
  await killDatabase(dataDir)
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}
