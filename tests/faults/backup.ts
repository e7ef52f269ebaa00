// A backup of one schema and its restore, as a database's administrator does them: all rows and counters, and nothing of
// what has happened since.
import type { Query } from './embedded-database.ts'

interface Table {
  readonly name: string
  readonly columns: string
}

const tablesOf = async (query: Query, schema: string): Promise<Table[]> => {
  const rows = await query(
    `select c.table_name as name, string_agg(quote_ident(c.column_name), ', ' order by c.ordinal_position) as columns
     from information_schema.columns c join pg_tables t on t.schemaname = c.table_schema and t.tablename = c.table_name
     where c.table_schema = '${schema}' and c.is_generated = 'NEVER' group by c.table_name`,
  )
  return rows as unknown as Table[]
}

export interface Backup {
  /** In one transaction, also while the service runs. */
  restore(): Promise<void>
}

export const backUp = async (query: Query, schema: string): Promise<Backup> => {
  const tables = await tablesOf(query, schema)
  const sequences = (await query(
    `select sequencename as name, last_value::text as last from pg_sequences where schemaname = '${schema}'`,
  )) as unknown as { name: string; last: string | null }[]
  const kept = `backup_of_${schema}`
  const copies = tables.map(({ name }) => `create table ${kept}.${name} as table ${schema}.${name}`)
  await query(['begin isolation level repeatable read', `create schema ${kept}`, ...copies, 'commit'].join('; '))
  return {
    restore: async () => {
      const emptied = `truncate ${tables.map(({ name }) => `${schema}.${name}`).join(', ')}`
      const filled = tables.map(
        ({ name, columns }) =>
          `insert into ${schema}.${name} (${columns}) overriding system value select ${columns} from ${kept}.${name}`,
      )
      const counted = sequences.map(
        ({ name, last }) => `select setval('${schema}.${name}', ${last ?? 1}, ${last === null ? 'false' : 'true'})`,
      )
      const statements = ['begin', 'set local session_replication_role = replica', emptied, ...filled, ...counted]
      await again(() => query([...statements, 'commit'].join('; ')))
    },
  }
}

const attempts = 10

/** Whoever reads several tables at that moment and the restore may wait for each other; one of them is told so. */
const again = async (work: () => Promise<unknown>, attempt = 1): Promise<void> => {
  try {
    await work()
  } catch (error) {
    const met = error instanceof Error && 'code' in error && error.code === '40P01'
    if (!met || attempt >= attempts) throw error
    await again(work, attempt + 1)
  }
}
