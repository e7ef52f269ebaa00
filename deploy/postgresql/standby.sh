#!/bin/sh
# Begins a standby from its primary, once, and then is one. Commits at the primary wait for it by the name "standby".
# Needs PGDATA, PRIMARY_HOST and ATES_REPLICATION_PASSWORD; runs as the user postgres.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # Beside its place until it is whole: an unfinished one looks like a server.
  until rm -rf "$PGDATA.unfinished" && PGPASSWORD=$ATES_REPLICATION_PASSWORD pg_basebackup \
    --pgdata "$PGDATA.unfinished" --write-recovery-conf --slot standby \
    --checkpoint fast \
    --dbname "host=$PRIMARY_HOST port=${PRIMARY_PORT:-5432} user=ates_replication"; do
    echo "no base backup from $PRIMARY_HOST yet, trying again" >&2
    sleep 2
  done
  chmod 700 "$PGDATA.unfinished"
  mv "$PGDATA.unfinished" "$PGDATA"
fi
# Only a server that replays is named so: an unfinished base backup must not count as a second copy.
exec postgres -c cluster_name=standby "$@"
