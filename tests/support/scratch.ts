// Where a run of tests keeps its files: in memory where there is plenty, for a database of a test lives a second, and
// making and removing its three hundred files takes a disk longer than all that it is for.
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const inMemory = '/dev/shm'
/** Twice what was seen to be in use at once. */
const plenty = 6 * 2 ** 30

export interface Scratch extends AsyncDisposable {
  readonly folder: string
}

/** Programs are started from there, too, which some mounts forbid. */
const runsPrograms = async (folder: string): Promise<boolean> => {
  const program = join(folder, 'program')
  await writeFile(program, '#!/bin/sh\n', { mode: 0o755 })
  const ran = await promisify(execFile)(program).then(
    () => true,
    () => false,
  )
  await rm(program)
  return ran
}

const openIn = async (parent: string): Promise<Scratch> => {
  const folder = await mkdtemp(join(parent, 'ates-test-'))
  // An ordinary user must be able to reach what lies in it: under root, databases run as one.
  await chmod(folder, 0o755)
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

const isRoomy = async (): Promise<boolean> => {
  const free = await statfs(inMemory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  )
  return Math.min(free, freemem()) > plenty
}

/** Removed when disposed. */
export const openScratch = async (): Promise<Scratch> => {
  if (!(await isRoomy())) return openIn(tmpdir())
  const scratch = await openIn(inMemory)
  if (await runsPrograms(scratch.folder)) return scratch
  await scratch[Symbol.asyncDispose]()
  return openIn(tmpdir())
}
