// A later version of aTES as an overlay of this one: beside it, this one is the old version. Its schemas have more, its
// TaskCompleted is of version 2 and has a field more, and its task tracker takes a field more.
import { z } from 'zod'
import type { EventData, EventType } from '../../kernel/contract.ts'
import { event } from '../../kernel/contract.ts'
import type { Migrations } from '../../kernel/migrations.ts'
import type { Emit } from '../../kernel/outbox.ts'
import type { Context, Service, Subscription } from '../../kernel/service.ts'
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
    ? { contract: { ...service.contract, taskCompleted }, handlers: saying(service.handlers) }
    : {}),
  consumers: service.consumers.map((consumer) => ({
    ...consumer,
    subscriptions: consumer.subscriptions.map(hearing),
  })),
})
