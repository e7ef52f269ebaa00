// Tables of identity. Facts: person, invitation, first_administrator, security_event. Credentials, sessions and counts of
// attempts have tables of their own, made by the sign-in adapter.
import type { Migrations } from '../../kernel/migrations.ts'

export const migrations: Migrations = {
  '0001-people': [
    `create table person (
      id int generated always as identity primary key,
      name text not null check (char_length(name) between 1 and 100), email text not null unique check (email = lower(email)),
      role text not null check (role in ('popug', 'manager', 'accountant', 'admin')),
      active boolean not null default true, version int not null default 1, created_at timestamptz not null)`,
    `create index person_admin on person (id) where role = 'admin' and active`,
    // Only hashes: who reads this table cannot use a link.
    `create table invitation (
      person_id int primary key references person, token_hash text not null unique,
      expires_at timestamptz not null, used_at timestamptz)`,
    `create table first_administrator (single boolean primary key default true check (single), token_hash text, used_at timestamptz)`,
    `insert into first_administrator default values`,
  ],
  '0003-security-events': [
    // Kept when the person is gone or never was: who tried under which address.
    `create table security_event (
      id bigint generated always as identity primary key,
      kind text not null, at timestamptz not null, person_id int, email text not null, actor int,
      address text not null, user_agent text not null)`,
    `create index security_event_of_person on security_event (person_id, id)`,
  ],
  '0005-people-search': [
    // Another service of the same database may have put it into a schema of its own.
    `create extension if not exists pg_trgm`,
    `do $$ declare place text; begin
      select extnamespace::regnamespace into place from pg_extension where extname = 'pg_trgm';
      execute format('create index person_search on person using gin (name %1$s.gin_trgm_ops, email %1$s.gin_trgm_ops)', place);
    end $$`,
  ],
}
