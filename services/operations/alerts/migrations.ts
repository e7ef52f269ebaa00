// Tables of alerts. Facts: alert, alert_delivery. What was seen last, which may be lost without harm: alert_round.
import type { Migrations } from '../../../kernel/migrations.ts'

export const alertTables: Migrations[string] = [
  // One row, whose lock makes those who judge take turns: when the watcher last finished a round.
  `create table alert_round (single boolean primary key default true check (single), at timestamptz)`,
  `insert into alert_round default values`,
  // What is wrong, from when it was first seen; nobody was told while raised_at is null.
  `create table alert (
    id int generated always as identity primary key,
    name text not null, about text not null, service text, since timestamptz not null,
    held_ms bigint not null, absent_ms bigint not null,
    raised_at timestamptz, said_at timestamptz, said_size bigint not null, repeats int not null,
    cleared_at timestamptz, details jsonb not null,
    check ((raised_at is null) = (said_at is null)),
    check (cleared_at is null or raised_at is not null))`,
  `create unique index alert_open on alert (name, about) where cleared_at is null`,
  `create index alert_cleared on alert (cleared_at) where cleared_at is not null`,
  // What is to be said, once for each channel, written with the change that it tells of.
  `create table alert_delivery (
    id bigint generated always as identity primary key,
    channel text not null, message_id uuid not null, at timestamptz not null,
    subject text not null, text text not null, body jsonb not null,
    tries int not null default 0, next_try_at timestamptz not null, claimed_until timestamptz, error text,
    delivered_at timestamptz, given_up_at timestamptz,
    unique (channel, message_id),
    check (delivered_at is null or given_up_at is null))`,
  `create index alert_delivery_waiting on alert_delivery (channel, id) where delivered_at is null and given_up_at is null`,
  `create index alert_delivery_delivered on alert_delivery (channel, id) where delivered_at is not null`,
]
