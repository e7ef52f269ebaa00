// Which changes of a contract may not be made, because somebody in the repository would break, or the log would lie.
import type { Entry, EventSnapshot, Snapshot } from './contract-snapshot.ts'
import type { User } from './contract-users.ts'
import { type Change, changesBetween } from './schema-change.ts'

/** Who uses an entry, by its name in code. */
export type Users = (entry: string) => readonly User[]

const line = (entry: string, { consumer, file }: Pick<User, 'consumer' | 'file'>, what: string) =>
  `${entry}${what}, and ${consumer} uses it (${file})`

/** Changes that break those who use the field, each with who that is. */
const breaking = (entry: string, place: string, changes: readonly Change[], users: readonly User[]): string[] =>
  changes.flatMap(({ field, path, what, unasked }) =>
    users.flatMap((user) => {
      const file = unasked || field === '' ? user.file : user.fileNaming(field)
      return file === undefined ? [] : [line(`${entry}: ${place} ${path}`.trimEnd(), { ...user, file }, ` ${what}`)]
    }),
  )

const ofEvent = (entry: string, before: EventSnapshot, now: EventSnapshot, users: readonly User[]): string[] => {
  const [was, is] = [before.data[before.version] ?? {}, now.data[now.version] ?? {}]
  if (now.version < before.version)
    return [`${entry}: version ${now.version} is older than ${before.version}, which is in logs`]
  const isSame = JSON.stringify(was) === JSON.stringify(is) && before.about === now.about
  if (now.version === before.version) {
    return isSame
      ? []
      : [`${entry}: the data changed and the version is still ${now.version}; logs hold the other data`]
  }
  const weaker = changesBetween(was, is).filter((change) => change.weaker)
  return breaking(entry, 'data', weaker, users)
}

const ofEntry = (entry: string, before: Entry, now: Entry, users: readonly User[]): string[] => {
  if (before.is === 'event' && now.is === 'event') return ofEvent(entry, before, now, users)
  if (before.is === 'event' || now.is === 'event')
    return users.map((user) => line(entry, user, ' is something else now'))
  const input = changesBetween(before.input, now.input).filter(({ stricter }) => stricter)
  const output = changesBetween(before.output, now.output).filter(({ weaker }) => weaker)
  return [...breaking(entry, 'input', input, users), ...breaking(entry, 'output', output, users)]
}

/** What must not be done to a contract, one line each; no flag allows it. */
export const breaksBetween = (kept: Snapshot, current: Snapshot, users: Users): string[] =>
  Object.entries(kept).flatMap(([entry, before]) => {
    const now = current[entry]
    const used = users(entry)
    return now ? ofEntry(entry, before, now, used) : used.map((user) => line(entry, user, ' is gone'))
  })
