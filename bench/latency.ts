// From CreateTask's call to its ledger line's commit, at 100 commands a second. `node --import ./runtime.js bench/latency.ts [perSecond] [seconds]`
import type { Database } from '../kernel/ports.ts'
import { must } from '../kernel/result.ts'
import { standardContract } from '../kernel/standard.ts'
import { taskTracker } from '../services/task-tracker/contract.ts'
import { addPeople, as, machine, onFreshApplication, percentile, say } from './measure.ts'
import { serviceRole } from '../kernel/contract.ts'

const perSecond = Number(process.argv[2] ?? 100)
const seconds = Number(process.argv[3] ?? 20)
const warmUp = perSecond * 2

/** When the ledger's position reached which event: noted right after each commit. */
const committed: { number: number; at: number }[] = []

const watching = (database: Database): Database => ({
  ...database,
  transaction: async (name, work, options) => {
    const result = await database.transaction(name, work, options)
    if (name === 'apply.ledger')
      committed.push({ number: (result as { number: number }).number, at: performance.now() })
    return result
  },
})

say(machine())
await onFreshApplication(
  async (application) => {
    const { host } = application
    const [manager] = await addPeople(application, ['manager', ...Array.from({ length: 30 }, () => 'popug' as const)])
    if (!manager) throw new Error('no manager')
    const begun = new Map<string, number>()
    const answered: number[] = []
    const create = async (n: number) => {
      const start = performance.now()
      const task = must(await host.call(taskTracker.createTask, { description: `Task ${n}` }, as(manager)))
      begun.set(String(task.taskId), start)
      answered.push(performance.now() - start)
    }
    const first = performance.now()
    const calls: Promise<void>[] = []
    for (let n = 0; n < perSecond * seconds + warmUp; n += 1) {
      const dueMs = first + (n * 1_000) / perSecond - performance.now()
      if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs))
      calls.push(create(n))
    }
    await Promise.all(calls)
    await host.settle()
    const latencies: number[] = []
    for (let from = 0, more = true; more;) {
      const behalf = as({ id: null, role: serviceRole })
      const { events } = must(await host.call(standardContract('task-tracker').readLog, { from, limit: 2_000 }, behalf))
      for (const { number, about } of events) {
        const line = committed.find((one) => one.number >= number)
        const start = begun.get(about)
        if (line && start !== undefined && number > warmUp) latencies.push(line.at - start)
      }
      from = events.at(-1)?.number ?? from
      more = events.length > 0
    }
    const show = (values: readonly number[]) =>
      [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${percentile(values, share).toFixed(1)} ms`).join(', ')
    say(`${perSecond} commands/s for ${seconds} s, ${latencies.length} measured`)
    say(`CreateTask answered: ${show(answered.slice(warmUp))}`)
    say(`CreateTask to ledger line committed: ${show(latencies)}`)
  },
  { database: watching },
)
