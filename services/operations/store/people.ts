// Statements on the names of people.
import { sql } from 'kysely'
import type { Tx } from '../../../kernel/ports.ts'

export interface Named {
  readonly popugId: number
  readonly name: string
  readonly version: number
}

/** An older name does not undo a newer one. */
export const saveNames = async (tx: Tx, people: readonly Named[]): Promise<void> => {
  await sql`
    insert into operations.popug (id, name, version)
    select * from unnest(${people.map(({ popugId }) => popugId)}::int[], ${people.map(({ name }) => name)}::text[],
      ${people.map(({ version }) => version)}::int[])
    on conflict (id) do update set name = excluded.name, version = excluded.version
      where popug.version < excluded.version`.execute(tx)
}

/** Names stay, for the operator log shows them; whatever is said of somebody from now on is newer. */
export const forgetNames = async (tx: Tx): Promise<void> => {
  await sql`update operations.popug set version = 0`.execute(tx)
}
