-- What aTES needs of a PostgreSQL server, made by its administrator: a role and a schema per service, and limits that
-- end a frozen session. Passwords come from the environment, none stands here. Repeatable:
--   psql -v ON_ERROR_STOP=1 -d ates -f roles.sql
\getenv identity_password ATES_IDENTITY_PASSWORD
\getenv task_tracker_password ATES_TASK_TRACKER_PASSWORD
\getenv accounting_password ATES_ACCOUNTING_PASSWORD
\getenv operations_password ATES_OPERATIONS_PASSWORD

create extension if not exists pg_trgm;

select format('create role %I login', role)
from unnest(array['ates_identity', 'ates_task_tracker', 'ates_accounting', 'ates_operations']) as role
where not exists (select from pg_roles where rolname = role) \gexec

alter role ates_identity password :'identity_password';
alter role ates_task_tracker password :'task_tracker_password';
alter role ates_accounting password :'accounting_password';
alter role ates_operations password :'operations_password';

-- Limits belong to the role: a pooler such as PgBouncer loses what a session sets.
select format('alter role %I set %s = %L', role, name, value)
from unnest(array['ates_identity', 'ates_task_tracker', 'ates_accounting', 'ates_operations']) as role,
  (values ('idle_in_transaction_session_timeout', '2s'), ('statement_timeout', '30s'), ('lock_timeout', '5s'),
    ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3')) as s (name, value)
\gexec

create schema if not exists identity authorization ates_identity;
create schema if not exists task_tracker authorization ates_task_tracker;
create schema if not exists accounting authorization ates_accounting;
create schema if not exists operations authorization ates_operations;
revoke all on schema identity, task_tracker, accounting, operations from public;
