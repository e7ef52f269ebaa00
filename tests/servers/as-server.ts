// How servers of a test are run: not as root, which they refuse, and not longer than the test, however that one ends.
import { execFileSync } from 'node:child_process'

export const isRoot = process.getuid?.() === 0

const idOf = (flag: '-u' | '-g'): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))

/** The user and the group that servers have. */
export const owner = (): { uid: number; gid: number } =>
  isRoot ? { uid: idOf('-u'), gid: idOf('-g') } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

/** The beginning of a command that runs a server. */
export const asServer = (): string[] => {
  const { uid, gid } = owner()
  const who = isRoot ? [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : []
  return ['setpriv', ...who, '--pdeathsig=QUIT']
}
