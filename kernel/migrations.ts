// The kernel's own tables, one set in each service's schema.
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Database, Log, Tx } from './ports.ts'
import { executedMigrations, levelOf, SchemaError } from './schema-level.ts'

/**
 * Migrations of a schema, as statements. Older code works beside them: expand first, contract later. One that contracts
 * says in its name which migration the code must know that can work on it: `0009-no-colour-needs-0008`.
 */
export type Migrations = Readonly<Record<string, readonly string[]>>

const kernelMigrations: Migrations = {
  '0001-events': [
    // Facts on their way: committed events that have no number yet. Emptied by the relay.
    `create table outbox (
      id bigint generated always as identity primary key,
      event_id uuid not null, type text not null, version int not null, about text not null, data jsonb not null,
      at timestamptz not null, request_id text not null, actor int)`,
    // Facts. Every event this service ever said, without gaps.
    `create table event (
      number bigint primary key check (number > 0),
      event_id uuid not null, type text not null, version int not null, about text not null, data jsonb not null,
      at timestamptz not null, request_id text not null, actor int)`,
    // Facts. How far the log goes, and how much of it was said.
    `create table stream (
      single boolean primary key default true check (single),
      epoch int not null default 1, head bigint not null default 0 check (head >= 0), head_event_id uuid,
      published bigint not null default 0 check (published <= head),
      check ((head = 0) = (head_event_id is null)))`,
    `insert into stream default values`,
  ],
  '0002-consumers': [
    // Facts. How far each consumer has applied each stream; moves in the transaction of the effects.
    `create table position (
      consumer text, stream text, number bigint not null default 0 check (number >= 0), event_id uuid,
      epoch int not null default 1,
      state text not null default 'running' check (state in ('running', 'paused', 'forked')),
      reason text, parked_in_row int not null default 0, moved_at timestamptz,
      primary key (consumer, stream),
      check ((number = 0) = (event_id is null)))`,
    // Facts. Events that cannot be applied, with why; kept also after they were retried or discarded.
    `create table parked (
      consumer text, stream text, number bigint, event_id uuid not null, type text not null, version int not null,
      about text not null, data jsonb not null, at timestamptz not null, request_id text not null, actor int,
      error text not null, fingerprint text not null, attempts int not null, parked_at timestamptz not null,
      state text not null default 'parked' check (state in ('parked', 'applied', 'discarded')),
      decided_at timestamptz, decided_by int, reason text,
      primary key (consumer, stream, number),
      check (state <> 'discarded' or reason is not null))`,
  ],
  '0003-jobs-and-keys': [
    // Facts. Long work: who asked for it, and how far it is.
    `create table job (
      id int generated always as identity primary key,
      name text not null, input jsonb not null,
      state text not null default 'queued' check (state in ('queued', 'running', 'waiting', 'done', 'cancelled')),
      reason text, progress jsonb,
      requested_by int, requested_at timestamptz not null, request_id text not null,
      started_at timestamptz, finished_at timestamptz)`,
    `create index job_open on job (name, id) where state in ('queued', 'running', 'waiting')`,
    // Facts. The answer to a command by its idempotency key, for 24 hours; sealed with the key, which is not kept.
    `create table idempotency (
      actor int, method text, key text, input_hash text not null, answer text, at timestamptz not null,
      primary key (actor, method, key))`,
    `create index idempotency_at on idempotency (at)`,
  ],
  '0004-leases': [
    // Neither a fact nor derived: which replica does a job now, for speed only.
    `create table lease (name text primary key, holder uuid not null, until timestamptz not null)`,
  ],
  '0005-watching': [
    // When a job's last step was committed, and with what the one after it failed.
    `alter table job add column stepped_at timestamptz, add column trouble text`,
    // Those that a person has to look at, or has set aside: few among all that ever were parked.
    `create index parked_open on parked (consumer, stream, number) where state <> 'applied'`,
  ],
  // Where in a trace an event or a job was asked for; null when that was not traced, or by an older replica.
  '0006-trace': [
    `alter table outbox add column trace text`,
    `alter table event add column trace text`,
    `alter table job add column trace text`,
  ],
  '0007-epochs': [
    // Facts. When this stream was begun anew after a restore, where its log ended then, and who said so why.
    `create table epoch (
      epoch int primary key check (epoch > 1), head bigint not null check (head >= 0),
      reason text not null, begun_by int, begun_at timestamptz not null)`,
    // Facts. After which event a consumer went on with another epoch, and how far it had applied the one before: what
    // lies between is in no log any more, and its effects are.
    `create table history (
      consumer text, stream text, epoch int check (epoch > 1), after bigint not null check (after >= 0), event_id uuid,
      left_at bigint not null check (left_at >= after), reason text, decided_by int, decided_at timestamptz not null,
      primary key (consumer, stream, epoch),
      check ((after = 0) = (event_id is null)))`,
    // The same number is another event in another epoch.
    `alter table parked add column epoch int not null default 1,
      drop constraint parked_pkey, add primary key (consumer, stream, number, epoch)`,
  ],
  // Where in a trace a parked event was said; null when that was not traced, or parked by an older replica.
  '0008-trace-of-parked': [`alter table parked add column trace text`],
}

const provider = (migrations: Migrations) => ({
  getMigrations: () =>
    Promise.resolve(
      Object.fromEntries(
        Object.entries(migrations).map(([name, statements]): [string, Migration] => [
          name,
          {
            up: async (tx: Kysely<unknown>) => {
              for (const statement of statements) await sql.raw(statement).execute(tx)
            },
          },
        ]),
      ),
    ),
})

/** Asks first: "if not exists" wants the right to create even where nothing is to be created. */
const ensureSchema = async (tx: Tx, schema: string): Promise<void> => {
  const { rows } = await sql`select from pg_namespace where nspname = ${schema}`.execute(tx)
  if (rows.length === 0) await sql`create schema ${sql.id(schema)}`.execute(tx)
}

const tablesOf = (own: Migrations) =>
  [
    ['kernel_migration', kernelMigrations],
    ['migration', own],
  ] as const

/** Says so when a newer version has been here; throws when this one cannot work on what it left. */
const levelIn = async (tx: Tx, schema: string, [table, migrations]: readonly [string, Migrations], log?: Log) => {
  const level = levelOf(schema, await executedMigrations(tx, schema, table), Object.keys(migrations))
  if (level.newer.length > 0) log?.warn({ schema, newer: level.newer }, 'the schema is of a newer version')
  return level
}

/**
 * Brings one schema up to date, in one transaction that others wait for. Statements are written without a schema's
 * name: it is set for this transaction. What a newer version has added is left alone; throws `SchemaError` where that
 * version has taken away what this one needs.
 */
export const migrate = (database: Database, own: Migrations, log?: Log): Promise<void> =>
  database.transaction('migrate', async (tx) => {
    // Another replica may take long; its migrations are waited for, and ours must not wait for a table for ever.
    await sql`set local lock_timeout = 0`.execute(tx)
    await sql`set local statement_timeout = 0`.execute(tx)
    await sql`select pg_advisory_xact_lock(hashtext(${`migrate ${database.schema}`}))`.execute(tx)
    await ensureSchema(tx, database.schema)
    await sql`select set_config('search_path', ${`"${database.schema}", public`}, true)`.execute(tx)
    await sql`set local lock_timeout = '5s'`.execute(tx)
    for (const one of tablesOf(own)) {
      const { missing } = await levelIn(tx, database.schema, one, log)
      // Nor anything newer: a schema that lacks something and has something newer is refused.
      if (missing.length === 0) continue
      const [table, migrations] = one
      const migrator = new Migrator({
        db: tx,
        provider: provider(migrations),
        migrationTableSchema: database.schema,
        migrationTableName: table,
        migrationLockTableName: `${table}_lock`,
      })
      const { error } = await migrator.migrateToLatest()
      if (error) throw error
    }
  })

/** For whoever does not migrate. Throws `SchemaError` when the schema is behind, or too far ahead. */
export const checkSchema = (database: Database, own: Migrations, log?: Log): Promise<void> =>
  database.transaction(
    'migrate.check',
    async (tx) => {
      for (const one of tablesOf(own)) {
        const { missing } = await levelIn(tx, database.schema, one, log)
        if (missing.length > 0) {
          const [first = ''] = missing
          throw new SchemaError(
            `The schema ${database.schema} lacks ${first}: bring it up to date with npm run ates -- migrate.`,
          )
        }
      }
    },
    { readOnly: true },
  )
