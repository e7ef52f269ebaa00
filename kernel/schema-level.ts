// How a schema stands to this code: up to date, behind, or brought further by a newer version that works beside this one.
import { sql } from 'kysely'
import type { Tx } from './ports.ts'

/** A schema on which this code cannot work; the message is the line to show. */
export class SchemaError extends Error {}

export interface SchemaLevel {
  /** Migrations that this code knows and the schema lacks. */
  readonly missing: readonly string[]
  /** Migrations of a newer version. */
  readonly newer: readonly string[]
}

/** Names of the migrations that were run, in their order; none where nothing was made yet. */
export const executedMigrations = async (tx: Tx, schema: string, table: string): Promise<string[]> => {
  const { rows: found } = await sql<{ made: boolean }>`
    select to_regclass(${`"${schema}"."${table}"`}) is not null as made`.execute(tx)
  if (!found[0]?.made) return []
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.id(schema, table)} order by name`.execute(tx)
  return rows.map(({ name }) => name)
}

const numberOf = (name: string): number => Number.parseInt(name, 10)

/**
 * A migration that takes away or changes what older code uses says in its name which one that code must know:
 * `0009-no-colour-needs-0008`. All others only add.
 */
const neededBy = (name: string): number => Number(/-needs-(\d{4})$/.exec(name)?.[1] ?? 0)

/** Throws `SchemaError` where a newer version has left something that this code cannot work on. */
export const levelOf = (schema: string, executed: readonly string[], known: readonly string[]): SchemaLevel => {
  const last = numberOf(known.toSorted().at(-1) ?? '0')
  const newer = executed.filter((name) => !known.includes(name))
  const missing = known.filter((name) => !executed.includes(name))
  const refuse = (why: string): never => {
    throw new SchemaError(`The schema ${schema} is not one that this version can work on: ${why}.`)
  }
  const between = newer.find((name) => numberOf(name) <= last)
  if (between) refuse(`it has ${between}, which this version does not know`)
  if (newer.length > 0 && missing.length > 0) refuse(`it has ${newer.join(', ')} and lacks ${missing.join(', ')}`)
  const demanding = newer.find((name) => neededBy(name) > last)
  if (demanding) refuse(`${demanding} has taken away what this version needs`)
  return { missing, newer }
}
