// Two tiny services for tests of the kernel: an author writes lines on pages, an archive keeps them.
import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { command, contract, event, query } from '../../kernel/contract.ts'
import { enqueueJob } from '../../kernel/jobs.ts'
import type { Migrations } from '../../kernel/migrations.ts'
import type { Tx } from '../../kernel/ports.ts'
import { ok, refuse } from '../../kernel/result.ts'
import {
  type Consumer,
  type ConsumerContext,
  type Context,
  defineService,
  type Delivered,
  type Handler,
  type Job,
  on,
  type OtherHistory,
  type Service,
} from '../../kernel/service.ts'

export const writer = { id: 7, role: 'writer' }

const page = z.int().min(1)
const Line = z.object({ page, line: z.int().min(1), text: z.string() })

export const author = contract('author', {
  write: command({
    http: 'POST /pages/{page}/lines',
    summary: 'Writes lines on a page, in order.',
    allow: [writer.role],
    input: z.object({ page, texts: z.array(z.string()).min(1) }),
    output: z.object({ page, lines: z.int() }),
    refuses: { page_torn: 'conflict' },
  }),
  getPage: query({
    http: 'GET /pages/{page}',
    summary: 'How many lines a page has.',
    allow: [writer.role],
    input: z.object({ page }),
    output: z.object({ lines: z.int() }),
  }),
  startCopying: command({
    http: 'POST /copies',
    summary: 'Starts the job CopyLines.',
    allow: [writer.role],
    input: z.object({}),
    output: z.object({ id: z.int() }),
  }),
  lineWritten: event({ version: 1, summary: 'A line was written.', about: 'page', data: Line }),
  pageTurned: event({
    version: 1,
    summary: 'A page got its tenth line.',
    about: 'page',
    data: Line.omit({ text: true }),
  }),
})

/** The same event as a newer author says it. */
export const newerAuthor = contract('author', {
  lineWritten: event({
    version: 2,
    summary: 'A line was written.',
    about: 'page',
    data: Line.extend({ ink: z.string().default('black') }),
  }),
})

export const authorTables: Migrations = {
  '0001-pages': [`create table page (page int primary key, lines int not null default 0)`],
}

/** Adds lines under the page's lock and gives the number of the last one. */
export const addLines = async (tx: Tx, schema: string, onPage: number, lines: number): Promise<number> => {
  const { rows } = await sql<{ lines: number }>`
    insert into ${sql.id(schema, 'page')} as p (page, lines) values (${onPage}, ${lines})
    on conflict (page) do update set lines = p.lines + excluded.lines returning lines`.execute(tx)
  return rows[0]?.lines ?? 0
}

/** What a test does in the middle of writing: after the change and the events, before the answer. */
export type Meanwhile = (texts: readonly string[], context: Context) => Promise<void>

const write =
  (schema: string, meanwhile: Meanwhile): Handler<typeof author.write> =>
  async ({ page: onPage, texts }, context) => {
    const lines = await addLines(context.tx, schema, onPage, texts.length)
    const before = lines - texts.length
    for (const [index, text] of texts.entries()) {
      const line = before + index + 1
      context.emit(author.lineWritten, [{ page: onPage, line, text }])
      if (line % 10 === 0) context.emit(author.pageTurned, [{ page: onPage, line }])
    }
    await meanwhile(texts, context)
    return texts.includes('torn') ? refuse('page_torn') : ok({ page: onPage, lines })
  }

export interface Copied {
  readonly copied: number
}

/** Writes one line on page 1 in each step, so many in all; `until` may let a step wait. */
export const copyLines = (
  total: number,
  {
    schema = 'author',
    name = 'CopyLines',
    until = () => null,
  }: { schema?: string; name?: string; until?: (copied: number) => string | null } = {},
): Job<Copied> => ({
  name,
  step: async ({ tx, emit, progress }) => {
    const { copied } = progress ?? { copied: 0 }
    const reason = until(copied)
    if (reason !== null) return { state: 'waiting', progress: { copied }, reason }
    const line = await addLines(tx, schema, 1, 1)
    emit(author.lineWritten, [{ page: 1, line, text: `copy ${copied + 1}` }])
    return { state: copied + 1 < total ? 'running' : 'done', progress: { copied: copied + 1 } }
  },
})

export interface AuthorOptions {
  readonly meanwhile?: Meanwhile
  readonly job?: Job<Copied>
}

export const authorService = ({
  meanwhile = () => Promise.resolve(),
  job = copyLines(3),
}: AuthorOptions = {}): Service =>
  defineService({
    name: 'author',
    contract: author,
    handlers: {
      write: write('author', meanwhile),
      getPage: async (input, { tx }) => {
        const { rows } = await sql<{ lines: number }>`select lines from author.page where page = ${input.page}`.execute(
          tx,
        )
        return ok({ lines: rows[0]?.lines ?? 0 })
      },
      startCopying: async (_input, context) => ok({ id: (await enqueueJob('author', job, context)).id }),
    },
    jobs: [job],
    migrations: authorTables,
  })

export const archiveTables: Migrations = {
  '0001-kept': [
    // The identity says in which order effects were written; nothing here hides an effect that is written twice.
    `create table kept (
      id bigint generated always as identity primary key,
      consumer text not null, number bigint not null, event_id uuid not null, type text not null,
      page int not null, line int not null, text text constraint keepable check (text <> 'unkeepable'))`,
  ],
}

type Line = Delivered<typeof author.lineWritten> | Delivered<typeof author.pageTurned>

const keep = async (tx: Tx, into: RawBuilder<unknown>, consumer: string, events: readonly Line[]): Promise<void> => {
  const rows = events.map(({ number, eventId, type, data }) => ({ number, eventId, type, ...data }))
  await sql`
    insert into ${into} (consumer, number, event_id, type, page, line, text)
    select ${consumer}, number, "eventId", type, page, line, text
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as ("number" bigint, "eventId" uuid, type text, page int, line int, text text)
    order by number`.execute(tx)
}

/** What a test does before the lines are kept. */
export type Before = (events: readonly Line[], context: ConsumerContext) => Promise<void>

export interface KeepOptions {
  readonly name?: string
  readonly stream?: string
  readonly before?: Before
  readonly otherHistory?: OtherHistory
  /** The events as a newer consumer knows them. */
  readonly lineWritten?: typeof author.lineWritten
}

export const keepLines = ({
  name = 'KeepLines',
  stream = 'author',
  before = () => Promise.resolve(),
  lineWritten = author.lineWritten,
  otherHistory,
}: KeepOptions = {}): Consumer => ({
  name,
  stream,
  subscriptions: [
    on('keep', [lineWritten, author.pageTurned], async (events, context) => {
      await before(events, context)
      await keep(context.tx, context.derived('kept'), name, events)
    }),
  ],
  derived: ['kept'],
  effects: {
    types: [
      { type: lineWritten.name, fields: ['page', 'line', 'text'] },
      { type: author.pageTurned.name, fields: ['page', 'line'] },
    ],
    told: (after, upTo) => sql`
      select number, event_id, type, jsonb_build_object('page', page, 'line', line, 'text', text) as data
      from archive.kept where consumer = ${name} and number > ${after} and number <= ${upTo}`,
  },
  ...(otherHistory ? { otherHistory } : {}),
})

/** Keeps what others wrote. */
export const archiveService = (consumers: readonly Consumer[] = [keepLines()]): Service =>
  defineService({
    name: 'archive',
    contract: contract('archive', {}),
    handlers: {},
    consumers,
    migrations: archiveTables,
  })

/** Fails in the database with this SQLSTATE. */
export const raise = async (tx: Tx, code: string): Promise<void> => {
  if (!/^[0-9A-Z]{5}$/.test(code)) throw new Error(`${code} is no SQLSTATE`)
  await sql.raw(`do $$ begin raise exception 'simulated' using errcode = '${code}'; end $$`).execute(tx)
}
