// The files of the PostgreSQL cluster: made once, as a whole or not at all, and refused when they are not for us.
import { chown, lstat, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../kernel/ports.ts'
import type { Binaries } from './embedded-binaries.ts'
import { EmbeddedError, explained } from './embedded-error.ts'
import { asServer, type Home, refuseFullDisk, runFile } from './embedded-home.ts'

/** Makes the cluster when there is none; refuses one that this server or this user cannot run. */
export const ensureCluster = async (home: Home, binaries: Binaries, log: Log): Promise<void> => {
  await removeUnfinished(home, log)
  const major = Number.parseInt(binaries.version, 10)
  const found = await clusterVersion(home)
  if (found === null) return createCluster(home, binaries)
  if (found !== String(major)) {
    throw new EmbeddedError(
      `The data in ${home.cluster} was made by PostgreSQL ${found} and this aTES has ${major}: run the aTES that ` +
        'made it and move the data by pg_dump, or set ATES_DATA_DIR to another directory',
    )
  }
  const { uid } = await stat(home.cluster)
  if (uid === home.uid) return
  throw new EmbeddedError(
    `The data in ${home.cluster} belongs to user id ${uid} and PostgreSQL would run as ${home.uid}: start aTES as the ` +
      `user who made it, or run chown -R ${home.uid} ${home.cluster}`,
  )
}

/** Null when there is nothing yet. initdb's result appears as a whole, so anything else there is not ours. */
const clusterVersion = async (home: Home): Promise<string | null> => {
  try {
    if ((await readdir(home.cluster)).length === 0) return null
    return (await readFile(join(home.cluster, 'PG_VERSION'), 'utf8')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw explained(error, home.cluster)
    if (await lstat(home.cluster).catch(() => null)) {
      throw new EmbeddedError(
        `${home.cluster} is not the data of a PostgreSQL server: move it away, or set ATES_DATA_DIR`,
      )
    }
    return null
  }
}

const unfinishedPrefix = 'postgres.unfinished-'

/** Called by the holder of the directory only, so each of these was left by a start that was killed. */
const removeUnfinished = async (home: Home, log: Log): Promise<void> => {
  const names = (await readdir(home.dir)).filter((name) => name.startsWith(unfinishedPrefix))
  for (const name of names) {
    // An initdb that outlived its killed parent may still be writing there; then the next start removes it.
    await rm(join(home.dir, name), { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
      log.warn({ name, error }, 'left an unfinished database directory behind'),
    )
  }
}

const createCluster = async (home: Home, binaries: Binaries): Promise<void> => {
  const unfinished = await mkdtemp(join(home.dir, unfinishedPrefix)).catch((error: unknown) => {
    throw explained(error, home.dir)
  })
  try {
    if (home.runAs) await chown(unfinished, home.uid, home.gid)
    await initdb(home, binaries, unfinished)
    await rename(unfinished, home.cluster)
    await using dir = await open(home.dir)
    await dir.sync()
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw explained(error, home.dir)
  }
}

const initdb = async (home: Home, binaries: Binaries, target: string): Promise<void> => {
  const access = ['--username=postgres', '--auth-local=trust', '--auth-host=reject']
  const texts = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  try {
    const options = ['-D', target, ...access, ...texts, '--no-instructions']
    await runFile(join(binaries.root, 'bin/initdb'), options, asServer(home))
  } catch (error) {
    await refuseFullDisk(home, 100_000_000)
    const { stderr = '', message } = error as Error & { stderr?: string }
    const reason = /^.*(?:error|FATAL|PANIC): .*$/m.exec(stderr)?.[0] ?? (stderr.trim().split('\n')[0] || message)
    throw new EmbeddedError(`Cannot create the database in ${home.dir}: ${reason}`, { cause: error })
  }
}
