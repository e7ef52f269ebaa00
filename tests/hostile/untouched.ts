// Whether anything in the databases has changed: every row of every table, in one number per table.
import type { TestDatabase } from '../support/server.ts'

/** What is written down of every attempt to sign in, also of those that are refused. */
const attempts = ['identity.security_event', 'identity.sign_in_throttle']

/** What moves by itself: heartbeats and leases. */
const restless = /^\w+\.(?:lease|stream|position)$/

/** The number of rows of each table, with a digest of them where nothing moves by itself. */
export const contents = async ({ query }: TestDatabase): Promise<Record<string, string>> => {
  const tables = await query<{ name: string }>(`
    select table_schema || '.' || quote_ident(table_name) as name from information_schema.tables
    where table_schema in ('identity', 'task_tracker', 'accounting') and table_type = 'BASE TABLE' order by 1`)
  const found: Record<string, string> = {}
  for (const { name } of tables.filter((one) => !attempts.includes(one.name))) {
    const [row] = await query<{ rows: string; digest: string }>(
      `select count(*) as rows, md5(string_agg(t::text, '|' order by t::text)) as digest from ${name} t`,
    )
    found[name] = restless.test(name.replaceAll('"', '')) ? `${row?.rows} rows` : `${row?.rows} rows, ${row?.digest}`
  }
  return found
}
