// All connections of a PostgreSQL server but those of its administrators are taken by strangers.
import pg from 'pg'
import type { OwnPostgres } from '../../servers/own-postgres.ts'

const stranger = 'stranger'
const noRoom = '53300'

/** Null when the server takes no more. */
const connect = async (server: OwnPostgres): Promise<pg.Client | null> => {
  const client = new pg.Client(server.connection(stranger))
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === noRoom) return null
    throw error
  }
}

/** Ends every session of aTES and takes its place, until none is left. Disposing of it lets them in again. */
export const crowd = async (server: OwnPostgres): Promise<AsyncDisposable> => {
  await using failing = new AsyncDisposableStack()
  const hand = new pg.Client(server.connection())
  await hand.connect()
  failing.defer(() => hand.end())
  await hand.query(`do $$ begin create role ${stranger} login; exception when duplicate_object then end $$`)
  for (;;) {
    for (let next = await connect(server); next; next = await connect(server)) {
      const taken = next
      failing.defer(() => taken.end())
    }
    const { rows } = await hand.query<{ ended: boolean }>(
      `select pg_terminate_backend(pid, 1000) as ended from pg_stat_activity where usename like 'ates%'`,
    )
    if (rows.length === 0) return failing.move()
  }
}
