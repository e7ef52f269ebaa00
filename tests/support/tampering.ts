// Changes rows behind everybody's back, and puts them back.
import type { TestDatabase } from './server.ts'

export interface Tampering {
  /** Runs statements as an administrator whom no trigger, key or right stops. */
  unhindered(statements: string): Promise<unknown>
  /** Makes the tables what they were when they were kept. */
  restore(): Promise<unknown>
}

/** Keeps these tables (`schema.table`) as they are now. */
export const keepTables = async (database: TestDatabase, tables: readonly string[]): Promise<Tampering> => {
  const kept = (table: string): string => `kept_${table.replace('.', '_')}`
  const unhindered = (statements: string) =>
    database.query(`begin; set local session_replication_role = replica; ${statements}; commit`)
  for (const table of tables) await database.query(`create table ${kept(table)} as table ${table}`)
  const back = tables.map(
    (table) => `delete from ${table}; insert into ${table} overriding system value table ${kept(table)}`,
  )
  return { unhindered, restore: () => unhindered(back.join(';')) }
}
