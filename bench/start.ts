// From `npm start` to the first page, on a fresh and on a used data directory, and the memory of all processes when
// idle (sum of PSS; Linux). `node --import ./runtime.js bench/start.ts`
import { type ChildProcess, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { mkdtemp, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { machine, say } from './measure.ts'
import { listProcesses, memoryOf, type Stat } from './processes.ts'

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
const processesOf = async (group: number, dataDir: string): Promise<Stat[]> => {
  const own = await Promise.all(
    (await listProcesses()).map(async (stat) => {
      const cwd = await readlink(`/proc/${stat.pid}/cwd`).catch(() => '')
      return stat.group === group || cwd.startsWith(dataDir) ? [stat] : []
    }),
  )
  return own.flat()
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
  const found = await Promise.all((await processesOf(later.child.pid ?? 0, dataDir)).map(memoryOf))
  for (const { name, megabytes } of found.toSorted((a, b) => b.megabytes - a.megabytes))
    say(`  ${megabytes.toFixed(1).padStart(6)} MB  ${name}`)
  const all = found.reduce((sum, { megabytes }) => sum + megabytes, 0)
  say(`idle, sum of PSS over ${found.length} processes: ${all.toFixed(0)} MB`)
  await stop(later)
} finally {
  await rm(dataDir, { recursive: true, force: true })
}
