// Tables of accounting. Facts: ledger, price, accounting_day, late_booking. Derived from the task tracker's events:
// posting, account, account_day, takeover. Derived from identity's events: holder.
import type { Migrations } from '../../kernel/migrations.ts'

export const migrations: Migrations = {
  '0001-ledger': [
    // One row, whose lock makes all writers of the ledger take turns. Holds the open day.
    `create table ledger (single boolean primary key default true check (single), day date)`,
    `insert into ledger default values`,
    // A day begins with the first event applied on it and never ends before the next one begins.
    `create table accounting_day (
      day date, stream text, from_number bigint not null check (from_number > 0), opened_at timestamptz not null,
      primary key (stream, day))`,
    `create index accounting_day_from on accounting_day (stream, from_number, day)`,
    // Events applied late, after their day had ended: booked on the day that was open then.
    `create table late_booking (stream text, number bigint, day date not null, primary key (stream, number))`,
    // Drawn once per task, by whatever event speaks of it first.
    `create table price (
      task_id int primary key,
      fee_cents bigint not null check (fee_cents between 1000 and 2000),
      reward_cents bigint not null check (reward_cents between 2000 and 4000),
      stream text not null, number bigint not null, at timestamptz not null)`,
    // From one account to another: cannot fail to balance.
    `create table posting (
      stream text, number bigint, line smallint, event_id uuid not null,
      kind text not null check (kind in ('fee', 'reward')),
      task_id int not null, assignment int, popug_id int not null,
      from_account text not null, to_account text not null, amount_cents bigint not null check (amount_cents > 0),
      day date not null, at timestamptz not null,
      primary key (stream, number, line),
      check (from_account <> to_account),
      check ((kind = 'fee') = (assignment is not null)))`,
    `create unique index one_fee_per_assignment on posting (task_id, assignment) where kind = 'fee'`,
    `create unique index one_reward_per_task on posting (task_id) where kind = 'reward'`,
    `create index posting_of_popug on posting (popug_id, number, line)`,
    `create function posting_is_final() returns trigger language plpgsql as $$
      begin raise exception 'postings are never changed' using errcode = 'check_violation'; end $$`,
    `create trigger posting_is_final before update or delete on posting for each row execute function posting_is_final()`,
    `create trigger posting_stays before truncate on posting for each statement execute function posting_is_final()`,
    `revoke update, delete, truncate on posting from current_user`,
    `create table account (id text primary key, balance_cents bigint not null)`,
    `create table account_day (
      account text, day date, in_cents bigint not null check (in_cents >= 0), out_cents bigint not null check (out_cents >= 0),
      primary key (account, day))`,
  ],
  '0002-holders': [
    `create table holder (id int primary key, name text not null, role text not null, active boolean not null, version int not null)`,
  ],
  '0003-accounts-list': [
    // Names are found by the beginnings of their words, accounts by number also while their holder is not known.
    `create index holder_by_name on holder using gin (to_tsvector('simple', name))`,
    `create index account_of_popug on account ((substring(id from 7)::int)) where id like 'popug:%'`,
  ],
  '0004-epochs': [
    // The same number is another event in another epoch.
    `alter table accounting_day add column epoch int not null default 1`,
    `drop index accounting_day_from`,
    `create index accounting_day_from on accounting_day (stream, epoch, from_number, day)`,
    `alter table price add column epoch int not null default 1`,
    `alter table late_booking add column epoch int not null default 1,
      drop constraint late_booking_pkey, add primary key (stream, number, epoch)`,
    `alter table posting add column epoch int not null default 1`,
    // A replay that was swapped in has named them otherwise.
    `do $$ declare had record; begin
      for had in select c.conname from pg_constraint c where c.conrelid = 'posting'::regclass and c.contype = 'p' loop
        execute format('alter table posting drop constraint %I', had.conname);
      end loop;
      for had in select i.indexrelid::regclass as name from pg_index i
        where i.indrelid = 'posting'::regclass and pg_get_indexdef(i.indexrelid) like '%(popug_id, number, line)' loop
        execute format('drop index %s', had.name);
      end loop;
    end $$`,
    `alter table posting add primary key (stream, number, epoch, line)`,
    `create index posting_of_popug on posting (popug_id, epoch, number, line)`,
    // An event that found its posting written by a lost one: the same business key with the same content, booked once.
    `create table takeover (
      stream text, epoch int, number bigint, event_id uuid not null,
      kind text not null, task_id int not null, assignment int,
      primary key (stream, number, epoch))`,
    `create index takeover_of on takeover (task_id, kind, assignment)`,
  ],
  '0005-words-of-names': [
    // A name of many is found by reading holders in order, and to take each name to words would be most of the work.
    `alter table holder add column words tsvector generated always as (to_tsvector('simple', name)) stored`,
    `create index holder_by_words on holder using gin (words)`,
    `analyze holder`,
  ],
  '0006-sums-of-lines': [
    // The balance at a line in the past is summed from the index alone.
    `create index posting_sums_of_popug on posting (popug_id, epoch, number, line) include (kind, amount_cents)`,
    // A replay that was swapped in may have named it otherwise.
    `do $$ declare had record; begin
      for had in select i.indexrelid::regclass as name from pg_index i
        where i.indrelid = 'posting'::regclass and pg_get_indexdef(i.indexrelid) like '%(popug_id, epoch, number, line)' loop
        execute format('drop index %s', had.name);
      end loop;
    end $$`,
  ],
}
