// AssignTasks over 100,000 open tasks, until the last ledger line is committed. `node --import ./runtime.js bench/reassign.ts [tasks]`
import { accounting } from '../services/accounting/contract.ts'
import { taskTracker } from '../services/task-tracker/contract.ts'
import { must } from '../kernel/result.ts'
import { addPeople, as, machine, onFreshApplication, say } from './measure.ts'

const tasks = Number(process.argv[2] ?? 100_000)

say(machine())
await onFreshApplication(async (application) => {
  const { host } = application
  const [manager] = await addPeople(application, ['manager', ...Array.from({ length: 30 }, () => 'popug' as const)])
  if (!manager) throw new Error('no manager')
  const created = performance.now()
  for (let begun = 0; begun < tasks; begun += 500) {
    const some = Array.from({ length: Math.min(500, tasks - begun) }, (_, n) =>
      host.call(
        taskTracker.createTask,
        { description: `Task ${begun + n}: tidy the perch and count the seeds` },
        as(manager),
      ),
    )
    for (const outcome of await Promise.all(some)) must(outcome)
  }
  await host.settle(120_000)
  say(`created ${tasks} tasks in ${((performance.now() - created) / 1_000).toFixed(1)} s`)
  const start = performance.now()
  const { id } = must(await host.call(taskTracker.assignTasks, {}, as(manager)))
  await host.settle(120_000)
  const total = performance.now() - start
  const job = must(await host.call(taskTracker.getReassignment, { id }, as(manager)))
  const walked = Date.parse(job.finishedAt ?? '') - Date.parse(job.startedAt ?? '')
  say(
    `AssignTasks over ${job.moved}: job ${(walked / 1_000).toFixed(2)} s, last ledger line ${(total / 1_000).toFixed(2)} s`,
  )
  const verified = must(
    await host.call(accounting.verifyLedger, {}, { ...as({ id: 1, role: 'admin' }), timeoutMs: 60_000 }),
  )
  say(`${verified.postings} postings, ${verified.differences.length} differences`)
})
