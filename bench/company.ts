// A company of any size for measurements. People and tasks are written as sets with their events, and everything that
// follows from events is made by the product itself: its relay numbers them, its consumers keep rosters and the ledger.
import pg from 'pg'
import { joinEmbedded } from '../adapters/database/embedded.ts'
import { databaseClock } from '../adapters/database/postgres.ts'
import type { Application } from '../application.ts'
import { chores, company as employees } from '../demo/company.ts'
import { DemoClock } from '../demo/work.ts'
import { must } from '../kernel/result.ts'
import { accounting } from '../services/accounting/contract.ts'
import { identity } from '../services/identity/contract.ts'
import { taskTracker } from '../services/task-tracker/contract.ts'
import { firstAdministrator, invited } from '../tests/start/visitor.ts'
import { as, say } from './measure.ts'

export interface Size {
  readonly tasks: number
  readonly people: number
  /** Of whatever else there are lists: reassignments, acts, alerts, what did not arrive. */
  readonly records: number
}

export interface Company {
  readonly application: Application
  readonly dataDir: string
  readonly clock: DemoClock
}

/** Whom the first start makes, and who holds a tenth of all tasks. */
export const adminEmail = 'adam@example.com'
export const busyEmail = 'anna@example.com'
export const busyId = 2

export const companyClock = (): DemoClock => new DemoClock(databaseClock)

const settleMs = 600_000
const dayMs = 24 * 60 * 60 * 1_000
const days = 30
const asAdmin = { ...as({ id: 1, role: 'admin' }), timeoutMs: settleMs }

/** Works on the embedded database as its administrator, without the limits of the services' roles. */
export const withDatabase = async <T>(dataDir: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  await using server = await joinEmbedded({ dataDir })
  if (!server) throw new Error(`no database runs in ${dataDir}`)
  const client = new pg.Client(server.connection('postgres', 'ates'))
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const inTransaction = async (client: pg.Client, work: () => Promise<void>): Promise<void> => {
  await client.query('begin')
  await work()
  await client.query('commit')
}

const perTransaction = 20_000

/** Popugs but for one manager and one accountant in a thousand, one in two hundred disabled; each has signed in now and then. */
const addPeople = async (client: pg.Client, people: number, at: Date): Promise<void> => {
  const named = employees(people + 5)
    .slice(5)
    .map(({ name }) => name)
  for (let begun = 0; begun < named.length; begun += perTransaction) {
    await inTransaction(client, async () => {
      await client.query(
        `create temp table hired on commit drop as
         with given as (select name, $2 + place as n from unnest($1::text[]) with ordinality as g(name, place)),
         added as (
           insert into identity.person (name, email, role, active, created_at)
           select name, 'popug-' || n || '@uberpopug.example',
             case n % 1000 when 1 then 'manager' when 2 then 'accountant' else 'popug' end, n % 200 <> 3, $3
           from given order by n
           returning id, name, email, role, active)
         select id, name, email, role, active from added`,
        [named.slice(begun, begun + perTransaction), begun, at],
      )
      await client.query(
        `insert into identity.security_event (kind, at, person_id, email, actor, address, user_agent)
         select case turn when 0 then 'invited' else 'signed_in' end, $1, id, email, case turn when 0 then 1 end,
           case turn when 0 then '' else '192.0.2.1' end, ''
         from generate_series(0, 4) as turn, hired order by turn, id`,
        [at],
      )
      await client.query(
        `insert into identity.outbox (event_id, type, version, about, data, at, request_id, actor)
         select gen_random_uuid(), 'PopugRegistered', 1, id::text,
           jsonb_build_object('popugId', id, 'name', name, 'role', role, 'active', active, 'version', 1), $1, 'bench', 1
         from hired order by id`,
        [at],
      )
    })
  }
}

/** One in twenty is open, and of the last twentieth all are; one in ten is of the same popug. */
const addTasks = async (
  client: pg.Client,
  tasks: number,
  [after, upTo]: readonly [number, number],
  at: Date,
): Promise<void> => {
  await inTransaction(client, async () => {
    await client.query(
      `create temp table given on commit drop as
       with roster as materialized (
         select id, row_number() over (order by id) - 1 as place from task_tracker.popug where assignable)
       select n as id, r.id as assignee, (hashint4(n * 7) & 1023) % 20 <> 0 and n <= $4::int * 0.95 as completed,
         $3::timestamptz + interval '20 ms' * (n - $1) as at
       from generate_series($1::int + 1, $2::int) as n
       join roster r on r.place = case (hashint4(n * 3) & 1023) % 10 when 0 then 0
         else (hashint4(n) & 2147483647) % (select count(*) from roster) end`,
      [after, upTo, at, tasks],
    )
    await client.query(
      `insert into task_tracker.task (id, state, assignee, created_by, created_at, assigned_at, completed_at)
         overriding system value
       select id, case when completed then 'completed' else 'open' end, assignee, 1, at, at,
         case when completed then at + interval '1 hour' end
       from given order by id`,
    )
    await client.query(
      `insert into task_tracker.task_text (task_id, description)
       select id, ($1::text[])[1 + id % cardinality($1::text[])] || ', flight ' || (hashint4(id) & 1023) % 100 || ', order ' || id
         || case when id <= 60 then ', founding' else '' end
       from given order by id`,
      [chores],
    )
    await client.query(
      `insert into task_tracker.outbox (event_id, type, version, about, data, at, request_id, actor)
       select gen_random_uuid(), type, 1, id::text, data, at, 'bench', actor from (
         select 1 as turn, id, 'TaskAssigned' as type, at, 1 as actor,
           jsonb_build_object('taskId', id, 'popugId', assignee, 'assignment', 1) as data from given
         union all
         select 2, id, 'TaskCompleted', at + interval '1 hour', assignee,
           jsonb_build_object('taskId', id, 'popugId', assignee) from given where completed) as happened
       order by turn, id`,
    )
  })
}

/** Lists that do not follow from events: what was done and noticed in the past. */
const addRecords = async (client: pg.Client, records: number, at: Date): Promise<void> => {
  const given = [records, at]
  await client.query(
    `insert into task_tracker.job (name, input, state, progress, requested_by, requested_at, request_id, started_at, finished_at)
     select 'ReassignTasks', '{}', 'done', '{"cursor":9,"upTo":9,"total":9,"done":9,"moved":9,"skipped":0}'::jsonb
         || jsonb_build_object('startedAt', to_char($2::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
       1, $2, 'bench', $2, $2::timestamptz + interval '5 s'
     from generate_series(1, $1::int)`,
    given,
  )
  await client.query(
    `insert into operations.act (kind, input, state, requested_by, requested_at, started_at, finished_at)
     select 'reconcile', '{}', 'done', 1, $2, $2, $2 from generate_series(1, $1::int)`,
    given,
  )
  await client.query(
    `insert into operations.alert (name, about, since, held_ms, absent_ms, raised_at, said_at, said_size, repeats, cleared_at, details)
     select 'ConsumerLag', 'ledger ' || n, $2, 1000, 0, $2, $2, 1, 0, $2, '{"number":1,"head":9,"behindMs":90000}' from generate_series(1, $1::int) as n`,
    given,
  )
  await client.query(
    `insert into operations.undelivered (service, consumer, stream, after, head, reason, since, healed_at)
     select 'accounting', 'ledger', 'task-tracker', n, n + 1, 'late', $2, $2::timestamptz + interval '1 s' * n
     from generate_series(1, $1::int) as n`,
    given,
  )
  await client.query(
    `insert into operations.difference (name, about, number, what, expected, found, since, seen_at, gone_at)
     select 'task-tracker to accounting', 'event ' || n, n, 'missing', 'an event', null, $2, $2, $2
     from generate_series(1, $1::int) as n`,
    given,
  )
}

/** Some of those who have open tasks can be given no more. */
const promote = async ({ application: { host } }: Company): Promise<void> => {
  for (let popugId = 10; popugId < 20; popugId += 1)
    must(await host.call(identity.changePerson, { popugId, role: 'manager' }, asAdmin))
}

/** More than a page of open tasks, after AssignTasks has spread all others. */
const keepBusy = async ({ application: { host } }: Company): Promise<void> => {
  for (let task = 0; task < 60; task += 1)
    must(await host.call(taskTracker.createTask, { description: `Sort feathers ${task}`, popugId: busyId }, asAdmin))
}

/** What autovacuum does in its time. */
const tidy = (client: pg.Client) => client.query('vacuum analyze')

const verify = async ({ application: { host } }: Company): Promise<void> => {
  const { postings, differences } = must(await host.call(accounting.verifyLedger, {}, asAdmin))
  if (differences.length > 0) throw new Error(`the ledger has differences: ${JSON.stringify(differences.slice(0, 3))}`)
  let after: string | undefined
  let compared = 0
  const service = { ...asAdmin, actor: { id: null, role: 'service' } }
  do {
    const page = must(await host.call(taskTracker.verifyTasks, { limit: 10_000, ...(after ? { after } : {}) }, service))
    if (page.differences.length > 0) throw new Error(`tasks differ: ${JSON.stringify(page.differences.slice(0, 3))}`)
    compared += page.tasks
    after = page.next ?? undefined
  } while (after)
  say(`  ${postings} postings and ${compared} tasks verified, without a difference`)
}

/** Fills an aTES that has just been started for the first time. */
export const fill = async (company: Company, link: string, { tasks, people, records }: Size): Promise<void> => {
  const { application, clock, dataDir } = company
  const { host } = application
  const begun = performance.now()
  const today = Math.floor(Date.now() / dayMs) * dayMs
  const admin = await firstAdministrator(link)
  await invited(admin, 'Anna', 'popug')
  await host.settle(settleMs)
  await withDatabase(dataDir, async (client) => {
    await addPeople(client, people, new Date(today - (days + 1) * dayMs))
    await host.settle(settleMs)
    const perDay = Math.ceil(tasks / days)
    for (let day = 0; day < days; day += 1) {
      clock.past = new Date(today - (days - day) * dayMs + dayMs / 3)
      const end = Math.min(tasks, (day + 1) * perDay)
      for (let after = day * perDay; after < end; after += perTransaction)
        await addTasks(client, tasks, [after, Math.min(end, after + perTransaction)], clock.past)
      // What was done on a day is booked on it.
      await host.settle(settleMs)
    }
    clock.past = null
    await client.query(`select setval(pg_get_serial_sequence('task_tracker.task', 'id'), $1)`, [tasks])
    await addRecords(client, records, new Date(today))
    await promote(company)
    must(await host.call(taskTracker.assignTasks, {}, asAdmin))
    await host.settle(settleMs)
    await keepBusy(company)
    await host.settle(settleMs)
    await tidy(client)
  })
  say(`${tasks} tasks, ${people} people: filled in ${((performance.now() - begun) / 1_000).toFixed(0)} s`)
  await verify(company)
}
