// From `npm start` to the first page, on a fresh and on a used data directory, and the memory of all processes when
// idle (sum of PSS; Linux). `node --import ./runtime.js bench/start.ts`
import { type ChildProcess, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { machine, say } from './measure.ts'

interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly firstPageMs: number
}

const start = async (dataDir: string): Promise<Started> => {
  const begun = performance.now()
  const child = spawn('npm', ['start'], {
    env: { ...process.env, ATES_DATA_DIR: dataDir, ATES_PORT: '0', ATES_LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  let url = ''
  for await (const [chunk] of on(child.stdout, 'data')) {
    url = /ready at (\S+)/.exec(String(chunk))?.[1] ?? ''
    if (url) break
  }
  const page = await fetch(`${url}/sign-in`)
  if (!page.ok || !(await page.text()).includes('</html>')) throw new Error(`no page at ${url}`)
  return { child, url, firstPageMs: performance.now() - begun }
}

const stop = async ({ child }: Started): Promise<void> => {
  const exit = once(child, 'exit')
  process.kill(-(child.pid ?? 0), 'SIGINT')
  await exit
}

/** Processes of npm's group, and those that work in the data directory: the database. */
const processesOf = async (group: number, dataDir: string): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const own = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
      const inGroup = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) === group
      return inGroup || cwd.startsWith(dataDir) ? [pid] : []
    }),
  )
  return own.flat()
}

const pssOf = async (pid: number): Promise<{ name: string; megabytes: number }> => {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  const name = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').slice(0, 40)
  return { name, megabytes: Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) / 1_024 }
}

const idleMs = 15_000

say(machine())
const dataDir = await mkdtemp(join(tmpdir(), 'ates-bench-'))
try {
  const first = await start(dataDir)
  say(`first ever start to first page: ${(first.firstPageMs / 1_000).toFixed(2)} s`)
  await stop(first)
  const later = await start(dataDir)
  say(`later start to first page: ${(later.firstPageMs / 1_000).toFixed(2)} s`)
  await delay(idleMs)
  const found = await Promise.all((await processesOf(later.child.pid ?? 0, dataDir)).map(pssOf))
  for (const { name, megabytes } of found.toSorted((a, b) => b.megabytes - a.megabytes))
    say(`  ${megabytes.toFixed(1).padStart(6)} MB  ${name}`)
  const all = found.reduce((sum, { megabytes }) => sum + megabytes, 0)
  say(`idle, sum of PSS over ${found.length} processes: ${all.toFixed(0)} MB`)
  await stop(later)
} finally {
  await rm(dataDir, { recursive: true, force: true })
}
