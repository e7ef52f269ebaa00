// Tables beside the live ones, made like them, filled by a replay, and put into their place or dropped.
import { type RawBuilder, sql } from 'kysely'
import { openPosition, type PositionKey, shadowMark } from './position.ts'
import type { Tx } from './ports.ts'

export const shadowOf = (name: string): string => `${name}${shadowMark}`

/** Each replay has a position of its own: without it, it is not the one that fills the shadows. */
export const shadowKey = (key: PositionKey, run: string): PositionKey => ({
  ...key,
  consumer: `${shadowOf(key.consumer)}_${run}`,
})

export const tableRef = (schema: string, name: string): RawBuilder<unknown> => sql`${sql.id(schema, name)}`

/** Triggers are not copied by `like`; those of the live table guard its shadow too. */
const copyTriggers = async (tx: Tx, schema: string, name: string): Promise<void> => {
  const { rows } = await sql<{ definition: string }>`
    select pg_get_triggerdef(t.oid) as definition from pg_trigger t
    where t.tgrelid = ${`"${schema}"."${name}"`}::regclass and not t.tgisinternal order by t.tgname`.execute(tx)
  for (const { definition } of rows) {
    await sql.raw(definition.replace(` ON ${schema}.${name} `, ` ON "${schema}"."${shadowOf(name)}" `)).execute(tx)
  }
}

/** Rights that the service's role has given up on the live table. */
const copyRevokes = async (tx: Tx, schema: string, name: string): Promise<void> => {
  for (const right of ['update', 'delete', 'truncate'] as const) {
    const { rows } = await sql<{ has: boolean }>`
      select has_table_privilege(${`"${schema}"."${name}"`}, ${right}) as has`.execute(tx)
    if (rows[0]?.has === false) {
      await sql`revoke ${sql.raw(right)} on ${tableRef(schema, shadowOf(name))} from current_user`.execute(tx)
    }
  }
}

/** Drops what any replay of this consumer has left or is filling. Positions first, which its steps lock first, too. */
const clearShadows = async (tx: Tx, { schema, consumer, stream }: PositionKey, tables: readonly string[]) => {
  for (const table of ['position', 'parked']) {
    await sql`
      delete from ${tableRef(schema, table)}
      where starts_with(consumer, ${shadowOf(consumer)}) and stream = ${stream}`.execute(tx)
  }
  for (const name of tables) await sql`drop table if exists ${tableRef(schema, shadowOf(name))}`.execute(tx)
}

/** Begins a replay: one that runs already loses its position, and with it the right to go on. */
export const makeShadows = async (tx: Tx, key: PositionKey, run: string, tables: readonly string[]): Promise<void> => {
  const { schema } = key
  await sql`select pg_advisory_xact_lock(hashtext(${`replay ${schema} ${key.consumer}`}))`.execute(tx)
  await clearShadows(tx, key, tables)
  for (const name of tables) {
    await sql`create table ${tableRef(schema, shadowOf(name))} (like ${tableRef(schema, name)} including all)`.execute(
      tx,
    )
    await copyTriggers(tx, schema, name)
    await copyRevokes(tx, schema, name)
  }
  await openPosition(tx, shadowKey(key, run))
}

/** False when another replay has begun meanwhile, whose shadows they are now. */
export const dropShadows = async (
  tx: Tx,
  key: PositionKey,
  run: string,
  tables: readonly string[],
): Promise<boolean> => {
  const { schema, consumer, stream } = shadowKey(key, run)
  const { rows } = await sql`
    select from ${tableRef(schema, 'position')} where consumer = ${consumer} and stream = ${stream} for update`.execute(
    tx,
  )
  if (rows.length > 0) await clearShadows(tx, key, tables)
  return rows.length > 0
}

/** The indexes of a shadow that are called after it, and those of the live table for which they stand. */
const indexNames = async (tx: Tx, schema: string, name: string): Promise<{ own: string; live: string }[]> => {
  const indexesOf = (table: string) => sql`
    select c.relname as name, i.indisunique as is_unique, d.how,
      row_number() over (partition by i.indisunique, d.how order by c.relname) as place
    from pg_index i join pg_class c on c.oid = i.indexrelid
    cross join lateral (select substring(pg_get_indexdef(i.indexrelid) from ' USING (.*)$') as how) d
    where i.indrelid = ${`"${schema}"."${table}"`}::regclass`
  const { rows } = await sql<{ own: string; live: string }>`
    select s.name as own, l.name as live
    from (${indexesOf(shadowOf(name))}) s join (${indexesOf(name)}) l using (is_unique, how, place)`.execute(tx)
  return rows
}

/** Puts the shadows in the place of the live tables, under the live position's lock. */
export const swapTables = async (tx: Tx, key: PositionKey, run: string, tables: readonly string[]): Promise<void> => {
  for (const name of tables) {
    const indexes = await indexNames(tx, key.schema, name)
    await sql`drop table ${tableRef(key.schema, name)}`.execute(tx)
    await sql`alter table ${tableRef(key.schema, shadowOf(name))} rename to ${sql.id(name)}`.execute(tx)
    for (const { own, live } of indexes)
      await sql`alter index ${tableRef(key.schema, own)} rename to ${sql.id(live)}`.execute(tx)
  }
  await dropShadows(tx, key, run, [])
}
