// A later version of aTES as an overlay of this one: beside it, this one is the old version. Its schemas have more, its
// TaskCompleted is of version 2 and has a field more, and its CreateTask takes and gives a field more.
import { sql } from 'kysely'
import { z } from 'zod'
import type { EventData, EventType } from '../../kernel/contract.ts'
import { event } from '../../kernel/contract.ts'
import type { Migrations } from '../../kernel/migrations.ts'
import type { Emit } from '../../kernel/outbox.ts'
import { isRefusal, ok } from '../../kernel/result.ts'
import type { Context, Handler, Service, Subscription } from '../../kernel/service.ts'
import { createTask as todays } from '../../services/task-tracker/create-task.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'

const before = taskTracker.taskCompleted

/** With a field that has a default, so that what stands in the log in version 1 can still be read. */
const taskCompleted: EventType = {
  ...before,
  ...event({
    version: 2,
    summary: before.summary,
    about: 'taskId',
    data: z.object({ ...before.data.shape, praise: z.string().default('none') }),
  }),
}

const words = z.string().optional().describe('what is said when it is done')
const createTask = {
  ...taskTracker.createTask,
  input: taskTracker.createTask.input.extend({ praise: words }),
  output: taskTracker.createTask.output.extend({ praise: words }),
}

const creatingTask: Handler<typeof createTask> = async ({ praise, ...input }, context) => {
  const outcome = await todays(input, context)
  if (isRefusal(outcome) || praise === undefined) return outcome
  await sql`update task_tracker.task set praise = ${praise} where id = ${outcome.ok.taskId}`.execute(context.tx)
  return ok({ ...outcome.ok, praise })
}

/** What the next version does to the schemas while others work on them: columns, an index, a new table. */
const migrations: Readonly<Record<string, Migrations>> = {
  'task-tracker': {
    '9001-praise': [
      `alter table task add column praise text not null default 'none'`,
      `create index task_praise on task (praise) where praise <> 'none'`,
    ],
  },
  accounting: {
    '9001-praise': [
      `alter table price add column note text`,
      `create table praise (task_id int primary key, words text not null)`,
      `insert into praise select task_id, 'before' from price`,
    ],
  },
}

const newest = (type: EventType): EventType => (type.name === taskCompleted.name ? taskCompleted : type)

const emitting = (emit: Emit): Emit => {
  return <E extends EventType>(type: E, data: readonly EventData<E>[]) =>
    type.name === taskCompleted.name
      ? emit(
          taskCompleted,
          data.map((one) => ({ ...(one as object), praise: 'well done' })),
        )
      : emit(type, data)
}

type AnyHandler = (input: unknown, context: Context) => unknown

const saying = (handlers: Service['handlers']): Service['handlers'] =>
  Object.fromEntries(
    Object.entries(handlers as Readonly<Record<string, AnyHandler>>).map(([name, handler]) => [
      name,
      (input: unknown, context: Context) => handler(input, { ...context, emit: emitting(context.emit) }),
    ]),
  )

const hearing = (subscription: Subscription): Subscription => ({
  ...subscription,
  types: subscription.types.map(newest),
})

export const nextRelease = (service: Service): Service => ({
  ...service,
  migrations: { ...service.migrations, ...migrations[service.name] },
  ...(service.name === 'task-tracker'
    ? {
        contract: { ...service.contract, taskCompleted, createTask },
        handlers: saying({ ...service.handlers, createTask: creatingTask }),
      }
    : {}),
  consumers: service.consumers.map((consumer) => ({
    ...consumer,
    subscriptions: consumer.subscriptions.map(hearing),
  })),
})
