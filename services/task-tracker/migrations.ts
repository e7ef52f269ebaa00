// Tables of the task tracker. Facts: task, task_text. Derived from identity's events: popug; from these tables, by their
// triggers: tally.
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
  '0005-counted': [
    // How many tasks are open and how many people can be assigned, each as the sum of a few rows, so that two who change
    // it at once hardly ever wait for each other. Triggers keep it, whatever version of this code works here.
    `create table tally (
      name text not null check (name in ('open', 'assignable')), slot int not null, count bigint not null,
      primary key (name, slot)) with (fillfactor = 50)`,
    `create function add_to_tally(what text, by bigint) returns void language sql as $$
      insert into task_tracker.tally as t (name, slot, count) values (what, pg_backend_pid() % 64, by)
      on conflict (name, slot) do update set count = t.count + excluded.count $$`,
    `lock table task, popug in share row exclusive mode`,
    `insert into tally (name, slot, count)
      select 'open', 0, count(*) from task where state = 'open'
      union all select 'assignable', 0, count(*) from popug where assignable`,
    `create function tasks_came() returns trigger language plpgsql as $$
      begin
        perform task_tracker.add_to_tally('open', count(*)) from came where state = 'open' having count(*) > 0;
        return null;
      end $$`,
    `create trigger tasks_came after insert on task referencing new table as came
      for each statement execute function tasks_came()`,
    `create function task_changed() returns trigger language plpgsql as $$
      begin
        perform task_tracker.add_to_tally('open', case new.state when 'open' then 1 else -1 end);
        return null;
      end $$`,
    `create trigger task_changed after update of state on task for each row when (old.state <> new.state)
      execute function task_changed()`,
    `create function tasks_went() returns trigger language plpgsql as $$
      begin
        perform task_tracker.add_to_tally('open', -count(*)) from went where state = 'open' having count(*) > 0;
        return null;
      end $$`,
    `create trigger tasks_went after delete on task referencing old table as went
      for each statement execute function tasks_went()`,
    `create function popugs_came() returns trigger language plpgsql as $$
      begin
        perform task_tracker.add_to_tally('assignable', count(*)) from came where assignable having count(*) > 0;
        return null;
      end $$`,
    `create trigger popugs_came after insert on popug referencing new table as came
      for each statement execute function popugs_came()`,
    `create function popug_changed() returns trigger language plpgsql as $$
      begin
        perform task_tracker.add_to_tally('assignable', case when new.assignable then 1 else -1 end);
        return null;
      end $$`,
    `create trigger popug_changed after update on popug for each row when (old.assignable <> new.assignable)
      execute function popug_changed()`,
    // Who can be given no more may still hold tasks from before. Who never could be given any holds none.
    `alter table popug add column may_hold boolean not null default true`,
    `create index popug_may_hold on popug (id) where not assignable and may_hold`,
    `create function may_hold() returns trigger language plpgsql as $$
      begin
        new.may_hold := tg_op = 'UPDATE' or (new.active and new.role not in ('manager', 'admin'));
        return new;
      end $$`,
    `create trigger may_hold before insert or update of role, active on popug for each row execute function may_hold()`,
  ],
  '0006-names-of-all-and-what-was-given': [
    // Whoever holds tasks can be looked for, also who can be given none any more.
    `create index popug_everybody_by_name on popug (name, id)`,
    // What somebody was given since they looked last is counted however many they hold.
    `create index task_given on task (assignee, assigned_at) where state = 'open'`,
  ],
}
