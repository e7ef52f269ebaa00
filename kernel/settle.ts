// Waits until everything that was committed has been numbered and applied everywhere in this process.
import { hasOpenJob } from './jobs.ts'
import type { Loop } from './loop.ts'
import { listPositions } from './position.ts'
import type { Database } from './ports.ts'
import type { Service } from './service.ts'
import { hasUnnumbered, streamHead } from './stream.ts'

interface Settling {
  readonly service: Service
  readonly database: Database
}

export const settle = async (
  running: readonly Settling[],
  loops: readonly Loop[],
  timeoutMs: number,
): Promise<void> => {
  const end = performance.now() + timeoutMs
  for (;;) {
    const restless = await drain(loops, end)
    const open = await openWork(running)
    if (restless.length === 0 && open.length === 0) return
    if (performance.now() >= end) throw new Error(`not settled: ${[...open, ...restless].join('; ')}`)
  }
}

/** Waits for a pass of each loop that finds nothing, and names those that had none when the time was over. */
const drain = async (loops: readonly Loop[], end: number): Promise<string[]> => {
  const restless = new Set(loops)
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, Math.max(0, end - performance.now())).unref()
  await Promise.race([Promise.all(loops.map((loop) => loop.drained().then(() => restless.delete(loop)))), late.promise])
  clearTimeout(timer)
  return [...restless].map(({ name, trouble }) => `no rest: ${name}${trouble === null ? '' : ` (${trouble})`}`)
}

/** What is committed and not yet applied everywhere in this process. */
const openWork = async (running: readonly Settling[]): Promise<string[]> => {
  const open: string[] = []
  const heads = new Map<string, number>()
  for (const { service, database } of running) {
    await database.transaction('settle.look', async (tx) => {
      heads.set(service.name, (await streamHead(tx, database.schema)).head)
      if (await hasUnnumbered(tx, database.schema)) open.push(`the outbox of ${service.name}`)
      if (await hasOpenJob(database.schema, tx)) open.push(`a job of ${service.name}`)
    })
  }
  for (const { database } of running) {
    const positions = await database.transaction('settle.positions', (tx) => listPositions(tx, database.schema))
    for (const { consumer, stream, number } of positions) {
      const head = heads.get(stream) ?? number
      if (number < head) open.push(`${consumer} at ${number} of ${head} in ${stream}`)
    }
  }
  return open
}
