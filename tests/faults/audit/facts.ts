// What the audit looks at: every row that says something about tasks, events and money, as of one moment.
import type pg from 'pg'

export interface LoggedEvent {
  readonly number: number
  readonly eventId: string
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  readonly requestId: string
}

export interface Stream {
  readonly name: string
  readonly schema: string
  readonly epoch: number
  readonly head: number
  readonly headEventId: string | null
  readonly published: number
  /** Committed events that have no number yet. */
  readonly unnumbered: number
  readonly events: readonly LoggedEvent[]
}

export interface Position {
  readonly schema: string
  readonly consumer: string
  readonly stream: string
  readonly number: number
  readonly eventId: string | null
  readonly epoch: number
  readonly state: string
}

export interface Parked {
  readonly schema: string
  readonly consumer: string
  readonly stream: string
  readonly number: number
  readonly state: string
}

export interface Task {
  readonly id: number
  readonly description: string | null
  readonly state: string
  readonly assignee: number
  readonly assignment: number
  readonly createdBy: number
}

export interface Job {
  readonly id: number
  readonly state: string
  readonly requestId: string
  readonly requestedBy: number
  readonly upTo: number | null
  readonly cursor: number | null
  readonly done: number
  readonly moved: number
  readonly skipped: number
}

export interface Person {
  readonly id: number
  readonly name: string
  readonly role: string
  readonly active: boolean
  readonly version: number
}

export interface Posting {
  readonly stream: string
  readonly number: number
  readonly eventId: string
  readonly kind: string
  readonly taskId: number
  readonly assignment: number | null
  readonly popugId: number
  readonly from: string
  readonly to: string
  readonly cents: bigint
  readonly day: string
}

export interface Facts {
  readonly streams: readonly Stream[]
  readonly positions: readonly Position[]
  readonly parked: readonly Parked[]
  readonly tasks: readonly Task[]
  readonly jobs: readonly Job[]
  readonly people: readonly (Person & { readonly email: string })[]
  readonly roster: readonly Person[]
  readonly holders: readonly Person[]
  /** People as operations names them. */
  readonly names: readonly Pick<Person, 'id' | 'name' | 'version'>[]
  /** What operations says has not arrived, and has not seen arrive. */
  readonly undelivered: readonly {
    readonly service: string
    readonly consumer: string
    readonly stream: string
    readonly after: number
    readonly head: number
  }[]
  readonly postings: readonly Posting[]
  readonly prices: readonly { readonly taskId: number; readonly fee: bigint; readonly reward: bigint }[]
  readonly balances: readonly { readonly account: string; readonly cents: bigint }[]
  readonly days: readonly {
    readonly account: string
    readonly day: string
    readonly in: bigint
    readonly out: bigint
  }[]
}

/** Schemas and the streams their owners say. */
const schemas = { identity: 'identity', task_tracker: 'task-tracker', accounting: 'accounting' } as const
/** Of whoever watches them, who is not everywhere. */
const watching = { operations: 'operations' } as const

export const streamNamed = ({ streams }: Facts, name: string): Stream => {
  const found = streams.find((stream) => stream.name === name)
  if (!found) throw new Error(`no stream ${name}`)
  return found
}

type Read = <Row extends pg.QueryResultRow>(text: string) => Promise<Row[]>

/** Numbers fit 32 bits in every test; cents come as text, because a number may not hold their sum. */
export const readFacts = async (client: Pick<pg.Client, 'query'>): Promise<Facts> => {
  const read: Read = async <Row extends pg.QueryResultRow>(text: string) => (await client.query<Row>(text)).rows
  const [tables] = await read<{ there: boolean }>(`select to_regclass('operations.stream') is not null as there`)
  const isWatched = tables?.there ?? false
  return {
    ...(await readKernel(read, isWatched ? { ...schemas, ...watching } : schemas)),
    ...(await readTasks(read)),
    ...(await readPeople(read)),
    ...(await readLedger(read)),
    ...(isWatched ? await readWatching(read) : { names: [], undelivered: [] }),
  }
}

const readKernel = async (read: Read, all: Readonly<Record<string, string>>) => {
  const streams: Stream[] = []
  const positions: Position[] = []
  const parked: Parked[] = []
  for (const [schema, name] of Object.entries(all)) {
    const [stream] = await read<Omit<Stream, 'name' | 'schema' | 'events'>>(`
      select epoch, head::int, head_event_id as "headEventId", published::int,
        (select count(*) from ${schema}.outbox)::int as unnumbered from ${schema}.stream`)
    if (!stream) throw new Error(`${schema} has no stream`)
    const events = await read<LoggedEvent>(`
      select number::int, event_id as "eventId", type, data, request_id as "requestId" from ${schema}.event order by number`)
    streams.push({ ...stream, name, schema, events })
    positions.push(
      ...(await read<Position>(`
      select '${schema}' as schema, consumer, stream, number::int, event_id as "eventId", epoch, state from ${schema}.position`)),
    )
    parked.push(
      ...(await read<Parked>(`
      select '${schema}' as schema, consumer, stream, number::int, state from ${schema}.parked`)),
    )
  }
  return { streams, positions, parked }
}

const readTasks = async (read: Read) => ({
  tasks: await read<Task>(`
    select t.id, x.description, t.state, t.assignee, t.assignment, t.created_by as "createdBy"
    from task_tracker.task t left join task_tracker.task_text x on x.task_id = t.id order by t.id`),
  jobs: await read<Job>(`
    select id, state, request_id as "requestId", requested_by as "requestedBy", (progress->>'upTo')::int as "upTo",
      (progress->>'cursor')::int as cursor, coalesce((progress->>'done')::int, 0) as done,
      coalesce((progress->>'moved')::int, 0) as moved, coalesce((progress->>'skipped')::int, 0) as skipped
    from task_tracker.job where name = 'ReassignTasks' order by id`),
})

const readPeople = async (read: Read) => {
  const columns = 'id, name, role, active, version'
  return {
    people: await read<Person & { email: string }>(`select ${columns}, email from identity.person order by id`),
    roster: await read<Person>(`select ${columns} from task_tracker.popug order by id`),
    holders: await read<Person>(`select ${columns} from accounting.holder order by id`),
  }
}

const readWatching = async (read: Read) => ({
  names: await read<Facts['names'][number]>('select id, name, version from operations.popug order by id'),
  undelivered: await read<Facts['undelivered'][number]>(`
    select service, consumer, stream, after::int, head::int from operations.undelivered
    where healed_at is null order by id`),
})

/** A row whose amounts are still texts. */
type Unread<Row, Amounts extends keyof Row> = Omit<Row, Amounts> & Record<Amounts, string>

const readLedger = async (read: Read): Promise<Pick<Facts, 'postings' | 'prices' | 'balances' | 'days'>> => {
  const postings = await read<Unread<Posting, 'cents'>>(`
    select stream, number::int, event_id as "eventId", kind, task_id as "taskId", assignment, popug_id as "popugId",
      from_account as "from", to_account as "to", amount_cents::text as cents, day::text
    from accounting.posting order by number, line`)
  const prices = await read<Unread<Facts['prices'][number], 'fee' | 'reward'>>(`
    select task_id as "taskId", fee_cents::text as fee, reward_cents::text as reward from accounting.price`)
  const balances = await read<Unread<Facts['balances'][number], 'cents'>>(`
    select id as account, balance_cents::text as cents from accounting.account`)
  const days = await read<Unread<Facts['days'][number], 'in' | 'out'>>(`
    select account, day::text, in_cents::text as "in", out_cents::text as "out" from accounting.account_day`)
  return {
    postings: postings.map((row) => ({ ...row, cents: BigInt(row.cents) })),
    prices: prices.map((row) => ({ ...row, fee: BigInt(row.fee), reward: BigInt(row.reward) })),
    balances: balances.map((row) => ({ ...row, cents: BigInt(row.cents) })),
    days: days.map((row) => ({ ...row, in: BigInt(row.in), out: BigInt(row.out) })),
  }
}
