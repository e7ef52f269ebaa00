// An earlier version of aTES as an overlay of this one: beside it, this one is the new version. Its schemas have less,
// its methods take and give fewer fields, and one method is not there yet.
import { z } from 'zod'
import type { AnyContract, Method } from '../../kernel/contract.ts'
import type { Transport } from '../../kernel/ports.ts'
import { isRefusal, ok, refuse } from '../../kernel/result.ts'
import type { Context, Service } from '../../kernel/service.ts'
import { accounting, AccountLine } from '../../services/accounting/contract.ts'
import { Task, taskTracker } from '../../services/task-tracker/contract.ts'

interface Earlier extends Method {
  readonly input: z.ZodObject
}

const EarlierTask = Task.omit({ assigneeAssignable: true })
const EarlierLine = AccountLine.extend({ cause: AccountLine.shape.cause.omit({ epoch: true }) })

const { getRoster, getTasks, getTaskHistory, previewReassignment } = taskTracker
const { getAccountInfo } = accounting

/** Methods that had less, by service. */
const changed: Readonly<Record<string, Readonly<Record<string, Earlier>>>> = {
  'task-tracker': {
    createTask: { ...taskTracker.createTask, output: EarlierTask },
    completeTask: { ...taskTracker.completeTask, output: EarlierTask },
    getTask: { ...taskTracker.getTask, output: EarlierTask },
    getTasks: {
      ...getTasks,
      input: getTasks.input.omit({ order: true }),
      output: getTasks.output.extend({ tasks: z.array(EarlierTask) }),
    },
    getTaskHistory: { ...getTaskHistory, output: getTaskHistory.output.extend({ task: EarlierTask }) },
    getRoster: {
      ...getRoster,
      input: getRoster.input.omit({ who: true }),
      output: z.object({ popugs: z.array(getRoster.output.shape.popugs.element.omit({ assignable: true })) }),
    },
    previewReassignment: {
      ...previewReassignment,
      output: previewReassignment.output.omit({ assignableExact: true }),
    },
  },
  accounting: {
    getAccountInfo: {
      ...getAccountInfo,
      input: getAccountInfo.input.omit({ fromEpoch: true }),
      output: getAccountInfo.output.omit({ upToEpoch: true }).extend({ lines: z.array(EarlierLine) }),
    },
  },
}

/** Keys of methods that were not there, by service. */
const absent: Readonly<Record<string, readonly string[]>> = {
  'task-tracker': ['getHappenings', 'countGivenTasks'],
  accounting: ['getTakenTasks'],
}

/** The last ones, which make reading quicker: without them everything can be done, more slowly. */
const missing: Readonly<Record<string, readonly string[]>> = {
  identity: ['0005-people-search'],
  'task-tracker': ['0006-names-of-all-and-what-was-given'],
  accounting: ['0006-sums-of-lines'],
}

const without = <Value>(all: Readonly<Record<string, Value>>, keys: readonly string[] = []): Record<string, Value> =>
  Object.fromEntries(Object.entries(all).filter(([key]) => !keys.includes(key)))

type AnyHandler = (input: unknown, context: Context) => unknown

/** Today's handler behind an earlier method: what that does not have is as today's says that it is by default. */
const behind =
  (today: Method, handler: AnyHandler): AnyHandler =>
  (input, context) =>
    handler(z.parse(today.input, input), context)

export const earlierService = (service: Service): Service => {
  const { name } = service
  const contract: AnyContract = service.contract
  const handlers = service.handlers as Readonly<Record<string, AnyHandler>>
  const earlier = Object.keys(changed[name] ?? {}).map((key) => {
    const { [key]: today } = contract
    const { [key]: handler } = handlers
    if (!today || today.is === 'event' || !handler) throw new Error(`${name} has no method ${key}`)
    return [key, behind(today, handler)] as const
  })
  return {
    ...service,
    contract: { ...without(contract, absent[name]), ...changed[name] },
    handlers: { ...without(handlers, absent[name]), ...Object.fromEntries(earlier) },
    migrations: without(service.migrations, missing[name]),
  }
}

const keyOf = (method: string): string => method.charAt(0).toLowerCase() + method.slice(1)

/** Calls as an earlier version makes them: it says no more than it knows, and reads of the answer what it knows. */
export const earlierCalls = (transport: Transport): Transport => ({
  call: async (call) => {
    const key = keyOf(call.method)
    if (absent[call.service]?.includes(key)) return refuse('unknown_method', { method: call.method })
    const method = changed[call.service]?.[key]
    if (!method) return transport.call(call)
    const known = Object.entries(call.input ?? {}).filter(([field]) => field in method.input.shape)
    const outcome = await transport.call({ ...call, input: Object.fromEntries(known) })
    return isRefusal(outcome) ? outcome : ok(z.parse(method.output, outcome.ok))
  },
})
