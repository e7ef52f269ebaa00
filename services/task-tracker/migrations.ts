// Tables of the task tracker. Facts: task, task_text. Derived from identity's events: popug.
import type { Migrations } from '../../kernel/migrations.ts'

export const migrations: Migrations = {
  '0001-tasks': [
    `create extension if not exists pg_trgm`,
    `create table popug (
      id int primary key, name text not null, role text not null, active boolean not null, version int not null,
      assignable boolean not null generated always as (active and role not in ('manager', 'admin')) stored)`,
    `create index popug_assignable on popug (id) where assignable`,
    `create table task (
      id int generated always as identity primary key,
      state text not null default 'open' check (state in ('open', 'completed')),
      assignee int not null references popug, assignment int not null default 1 check (assignment > 0),
      created_by int not null, created_at timestamptz not null, assigned_at timestamptz not null,
      completed_at timestamptz,
      check ((state = 'completed') = (completed_at is not null))) with (fillfactor = 80)`,
    `create index task_open on task (id) where state = 'open'`,
    `create index task_of_assignee on task (assignee, state, id)`,
    // Apart from task, whose every reassignment would have to update the text's index.
    `create table task_text (
      task_id int primary key references task, description text not null check (char_length(description) between 1 and 2000))`,
    `create index task_text_search on task_text using gin (description gin_trgm_ops)`,
    // Said in the rules too: a completed task stays what it is.
    `create function completed_is_final() returns trigger language plpgsql as $$
      begin raise exception 'task % is completed', old.id using errcode = 'check_violation'; end $$`,
    `create trigger completed_is_final before update on task for each row when (old.state = 'completed')
      execute function completed_is_final()`,
  ],
  '0002-history': [
    // A task's page tells what its events say.
    `create index event_of_task on event (about)`,
  ],
  '0003-order-of-completion': [
    // A completed task changes no more, so that reassigning does not touch these.
    `create index task_completed on task (completed_at, id) where state = 'completed'`,
    `create index task_completed_of_assignee on task (assignee, completed_at, id) where state = 'completed'`,
  ],
  '0004-many-of-all': [
    // Each order in which a list is read has its index, also where most rows are not of it.
    `create index task_of_assignee_by_id on task (assignee, id)`,
    `create index task_completed_by_id on task (id) where state = 'completed'`,
    `create index task_open_of_assignee on task (assignee, id) where state = 'open'`,
    `create index popug_by_name on popug (name, id) where assignable`,
    `create index popug_name_search on popug using gin (name gin_trgm_ops)`,
    `create index popug_not_assignable on popug (id) where not assignable`,
    // How a text is looked for depends on how many tasks have it, which is told by more of them than otherwise.
    `alter table task_text alter column description set statistics 1000`,
    `analyze task_text`,
  ],
}
