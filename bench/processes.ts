// This program's processes: itself, its database server and its broker; what memory and processor time they take. Linux only.
import { readdir, readFile } from 'node:fs/promises'

export interface Stat {
  readonly pid: number
  readonly parent: number
  readonly group: number
  /** Processor time so far; seconds. */
  readonly cpuSeconds: number
  /** Of children that have ended. */
  readonly endedCpuSeconds: number
}

/** Of the kernel's clock, in which /proc counts processor time. */
const ticksPerSecond = 100

/** Null for a process that has ended. */
const statOf = async (pid: number): Promise<Stat | null> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  if (text === '') return null
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // Counted from the state, the third field in proc(5).
  const field = (number: number) => Number(fields[number - 3])
  return {
    pid,
    parent: field(4),
    group: field(5),
    cpuSeconds: (field(14) + field(15)) / ticksPerSecond,
    endedCpuSeconds: (field(16) + field(17)) / ticksPerSecond,
  }
}

/** Every process of the machine. */
export const listProcesses = async (): Promise<Stat[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  return (await Promise.all(pids.map(statOf))).filter((stat) => stat !== null)
}

const commandOf = async (pid: number): Promise<string> =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')

/** A process and all that it has started, by themselves or by those. */
const familyOf = (pid: number, all: readonly Stat[]): Stat[] => {
  const own = all.filter((one) => one.pid === pid)
  const children = all.filter((one) => one.parent === pid)
  return [...own, ...children.flatMap((child) => familyOf(child.pid, all))]
}

/** Who of us it is: `node`, `nats-server`, or a process of PostgreSQL by its role or its duty. */
const nameOf = async ({ pid }: Stat): Promise<string> => {
  const command = await commandOf(pid)
  const [, backend] = /^postgres: (?:ates_)?(\w+(?: \w+)?)/.exec(command) ?? []
  if (backend) return `postgres ${backend.replace(/ (ates|bench)$/, '')}`
  return /(?:^|\/)(node|nats-server|postgres)\b/.exec(command)?.[1] ?? 'others'
}

/** Processor time so far of this program and of all that it has started; seconds by name. */
const processorTimes = async (): Promise<Map<string, number>> => {
  const times = new Map<string, number>()
  const add = (name: string, seconds: number) => times.set(name, (times.get(name) ?? 0) + seconds)
  for (const stat of familyOf(process.pid, await listProcesses())) {
    const name = await nameOf(stat)
    add(name, stat.cpuSeconds)
    if (name === 'postgres') add('postgres, closed connections', stat.endedCpuSeconds)
  }
  return times
}

/** Starts to count; the result gives what was taken since then, most first. */
export const countProcessorTime = async (): Promise<() => Promise<[name: string, seconds: number][]>> => {
  const before = await processorTimes()
  return async () =>
    [...(await processorTimes())]
      .map(([name, seconds]): [string, number] => [name, seconds - (before.get(name) ?? 0)])
      .filter(([, seconds]) => seconds > 0)
      .toSorted(([, a], [, b]) => b - a)
}

/** The memory of a process, shared parts divided among those who share them, with the beginning of its command. */
export const memoryOf = async ({ pid }: Stat): Promise<{ name: string; megabytes: number }> => {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  return {
    name: (await commandOf(pid)).slice(0, 40),
    megabytes: Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) / 1_024,
  }
}
