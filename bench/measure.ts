// What the measurements share: an aTES with everything embedded in a fresh directory, percentiles, and the machine.
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { jsonLog } from '../adapters/log.ts'
import { type Application, type Decorations, startApplication } from '../application.ts'
import { readConfig } from '../config.ts'
import type { Behalf } from '../kernel/caller.ts'
import type { Actor } from '../kernel/contract.ts'
import { must } from '../kernel/result.ts'
import { identity } from '../services/identity/contract.ts'
import type { Role } from '../services/vocabulary.ts'

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

export const machine = (): string =>
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`

/** The value below which this share of the values lies. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const as = (actor: Actor): Behalf => ({ actor, requestId: crypto.randomUUID(), timeoutMs: 30_000 })

/** Runs `work` on a fresh installation, with further settings if need be, and removes it. */
export const onFreshApplication = async (
  work: (application: Application) => Promise<void>,
  decorations: Decorations = {},
  settings: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'ates-bench-'))
  const config = readConfig([], { ATES_DATA_DIR: dataDir, ATES_PORT: '0', ...settings })
  try {
    await using application = await startApplication({ config, log: jsonLog('warn'), decorations })
    await work(application)
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

export const addPeople = async ({ host }: Application, roles: readonly Role[]): Promise<Actor[]> => {
  const actors: Actor[] = []
  for (const [index, role] of roles.entries()) {
    const person = { name: `${role} ${index}`, email: `${role}-${index}@example.com`, role }
    const invited = must(await host.call(identity.invitePerson, person, as({ id: 1, role: 'admin' })))
    actors.push({ id: invited.person.popugId, role })
  }
  await host.settle()
  return actors
}
