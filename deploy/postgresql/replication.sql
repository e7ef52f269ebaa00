-- On the primary, once: who may replicate, and that a commit waits for the standby. Without the last part a failover
-- may lose what was acknowledged. It takes effect when the server is reloaded, so that it does not hang its own setup.
\getenv replication_password ATES_REPLICATION_PASSWORD

select 'create role ates_replication login replication'
where not exists (select from pg_roles where rolname = 'ates_replication') \gexec
alter role ates_replication password :'replication_password';

select pg_create_physical_replication_slot('standby')
where not exists (select from pg_replication_slots where slot_name = 'standby');

alter system set synchronous_commit = 'on';
alter system set synchronous_standby_names = 'FIRST 1 (standby)';
