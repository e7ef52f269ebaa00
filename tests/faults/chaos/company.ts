// aTES as it is struck: several replicas of everything, each service with a database server, and people who sign in.
import type { OwnPostgresOptions } from '../../servers/own-postgres.ts'
import { PgBouncer } from '../../servers/pg-bouncer.ts'
import { SmallDisk } from '../../servers/small-disk.ts'
import { Deployment } from '../distributed/deployment.ts'
import { openDesk } from '../distributed/desk.ts'
import { serversGround } from '../distributed/servers-ground.ts'
import { drawer, type Scene } from './scene.ts'

export const replicas = { identity: 2, 'task-tracker': 2, accounting: 2, operations: 2, web: 2 } as const
const roles = ['manager', ...Array.from({ length: 5 }, () => 'popug')]

/** Few enough to be taken by others in a moment. */
const settings = { max_connections: '40', superuser_reserved_connections: '8' }
const large: OwnPostgresOptions = { settings: { ...settings, max_wal_size: '1GB', shared_buffers: '128MB' } }
/** Room for a new cluster and what operations remembers. */
const diskMb = 150
const small: OwnPostgresOptions = {
  walSegmentMb: 1,
  settings: { ...settings, max_wal_size: '16MB', min_wal_size: '2MB' },
}

export const openCompany = async ({
  seed,
  signal,
}: {
  readonly seed: number
  readonly signal: AbortSignal
}): Promise<Scene & AsyncDisposable> => {
  await using ends = new AsyncDisposableStack()
  const disk = ends.use(await SmallDisk.open(diskMb))
  const ground = await serversGround({
    identity: { settings },
    task_tracker: { ...large, ownClock: true },
    accounting: { ...large, ownClock: true },
    operations: { ...small, disk },
  })
  const pooler = await PgBouncer.open({ port: ground.servers.identity.port, sessions: 8 })
  ends.use(pooler)
  ground.detour('identity', pooler.port)
  const only = { identity: { ATES_NAMED_STATEMENTS: 'false' } }
  const deployment = ends.use(await Deployment.on(ground, 'chaos', { replicas, roles: [], only }))
  const desk = await openDesk(deployment, ...roles)
  const all = ends.move()
  return { deployment, desk, pooler, disk, draw: drawer(seed), signal, [Symbol.asyncDispose]: () => all.disposeAsync() }
}
