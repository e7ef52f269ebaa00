// Tables of operations. Facts: undelivered, act, difference, reconciliation. Derived from identity's events: popug. What was seen of others, and may be lost
// without harm, neither a fact nor derived from events: watch, process_report.
import type { Migrations } from '../../kernel/migrations.ts'

export const migrations: Migrations = {
  '0001-operations': [
    // One row: what was seen when somebody last looked at the services.
    `create table watch (
      single boolean primary key default true check (single), at timestamptz, observation jsonb,
      check ((at is null) = (observation is null)))`,
    `insert into watch default values`,
    // What did not arrive, from when it was noticed until it was healed.
    `create table undelivered (
      id int generated always as identity primary key,
      service text not null, consumer text not null, stream text not null,
      after bigint not null, head bigint not null, reason text not null,
      since timestamptz not null, healed_at timestamptz)`,
    `create unique index undelivered_open on undelivered (service, consumer, stream) where healed_at is null`,
    `create index undelivered_healed on undelivered (healed_at) where healed_at is not null`,
    // The operator log: every act of a person, and how far it is. A step is saved only by who saw the one before it.
    `create table act (
      id int generated always as identity primary key,
      kind text not null, service text, consumer text, input jsonb not null, reason text,
      state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
      step int not null default 0, progress jsonb,
      total int, done int not null default 0, failed int not null default 0, note text,
      results jsonb not null default '[]',
      requested_by int, requested_at timestamptz not null, started_at timestamptz, finished_at timestamptz,
      check ((state in ('done', 'failed', 'cancelled')) = (finished_at is not null)))`,
    `create index act_open on act (id) where state in ('queued', 'running')`,
    // What reconciliation found; gone when it was looked for again and not found.
    `create table difference (
      id int generated always as identity primary key,
      name text not null, about text not null, number bigint,
      what text not null check (what in ('missing', 'extra', 'different')), expected text, found text,
      since timestamptz not null, seen_at timestamptz not null, gone_at timestamptz)`,
    `create unique index difference_open on difference (name, about) where gone_at is null`,
    // How far each comparison is: with what is new, and in its round over everything.
    `create table reconciliation (
      name text primary key, step bigint not null default 0, progress jsonb,
      last_round_at timestamptz, last_round_compared bigint, last_round_ms bigint,
      stepped_at timestamptz, waiting text)`,
  ],
}

export const explainedDifferences: Migrations[string] = [
  // Why it may stay; null for what somebody has to look at.
  `alter table difference add column explained text`,
]

export const names: Migrations[string] = [
  `create table popug (id int primary key, name text not null, version int not null)`,
]

export const namesAtTheCommandLine: Migrations[string] = [
  // As who has no number called themselves; null for people.
  `alter table act add column requested_as text
    check (requested_as is null or (requested_by is null and length(requested_as) between 1 and 100))`,
]

export const processReports: Migrations[string] = [
  // The last that each process said of itself which has no database through which it could be watched.
  `create table process_report (
    process text not null, instance uuid not null, started_at timestamptz not null, reported_at timestamptz not null,
    troubles jsonb not null, breakers jsonb not null, primary key (process, instance))`,
]
